import { gpuSchema } from "../../../../components/config/schema/platform";
import { hostsSchema, type HostsClusterConfig } from "../../../../components/config/schema/hosts";
import { evaluate, type Finding, type Observation } from "../../../../components/hosts/preflight/evaluate";
import { HostFacts, type RawFacts } from "../../../../components/hosts/preflight/hostFacts";
import { planOf, type PreflightPlan } from "../../../../components/hosts/preflight/plan";

const gib = 2 ** 30;

/** Facts of a bare host on which every row holds. */
export function healthyFacts(index = 0): RawFacts {
  const address = `10.0.0.${11 + index}`;
  return {
    clusterId: "",
    osRelease: 'PRETTY_NAME="Ubuntu 24.04.4 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
    init: "systemd\n",
    architecture: "x86_64",
    kernel: "6.8.0-60-generic",
    cpus: "96",
    meminfo: "MemTotal:       2113929216 kB\nMemAvailable:   2100000000 kB\n",
    cgroupType: "cgroup2fs",
    cgroupControllers: "cpuset cpu io memory hugetlb pids rdma misc",
    swaps: "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority",
    hostname: `gpu-${index + 1}`,
    hostnameAddress: `127.0.1.1 gpu-${index + 1}`,
    productUuid: `4c4c4544-0000-0000-0000-00000000000${index}`,
    machineId: `00000000000000000000000000000a0${index}`,
    links: `lo UNKNOWN 00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP>\neth0@if3 UP 02:00:00:00:00:0${index} <BROADCAST,UP,LOWER_UP>`,
    addresses: `1: lo    inet 127.0.0.1/8 scope host lo\\\n2: eth0    inet ${address}/24 brd 10.0.0.255 scope global eth0\\`,
    routes: `default via 10.0.0.1 dev eth0\n10.0.0.0/24 dev eth0 proto kernel scope link src ${address}`,
    mtus: "1: lo: <LOOPBACK,UP> mtu 65536 qdisc noqueue\n2: eth0@if3: <BROADCAST,UP> mtu 1500 qdisc noqueue",
    listening: 'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))\nLISTEN 0 128 [::]:22 [::]:*',
    ntpServices: "chrony.service loaded active running chrony, an NTP client/server",
    resolvConf: "nameserver 127.0.0.53\n",
    resolvedConf: "nameserver 10.0.0.1\n",
    resolvedActive: "active",
    rpFilter: "2",
    packages: "unattended-upgrades ii  2.9",
    containerdCandidate: "1.7.28-0ubuntu1",
    unattendedUpgrades: "disabled",
    space: ["/", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd", "/models"]
      .map((path) => `${path} ${500 * gib} 90000000`)
      .join("\n"),
    rotationalDisk: "0",
    propagation: "shared",
    pciDevices: Array.from({ length: 8 }, (_, gpu) => `0000:0${gpu}:00.0 0x1002 0x74a1 0x120000 32.0 16`).join("\n"),
    gpuDevices: "/dev/kfd 666 render\n/dev/dri/renderD128 666 render",
    kernelModules: "amdgpu\noverlay",
    commandLine: "BOOT_IMAGE=/vmlinuz iommu=pt numa_balancing=disable",
    iommuGroups: "dmar0",
    numaBalancing: "0",
    governor: "performance",
    acsEnabled: "0",
    installedKernels: "6.8.0-59-generic\n6.8.0-60-generic",
    reach: index === 0 ? "gpu-2 10.0.0.12 reached" : "gpu-1 10.0.0.11 reached",
    names: "pkgs.k8s.io 34.107.204.206\nregistry.k8s.io 34.96.108.209",
    downloads: "registry-0 200",
    kubernetesPackages: "status 200\nkubeadm 1.36.3-1.1\nkubectl 1.36.3-1.1\nkubelet 1.36.3-1.1",
    aptSource: "http://archive.ubuntu.com/ubuntu/dists/noble/InRelease 200",
  };
}

export type ClusterOverrides = Partial<Omit<HostsClusterConfig, "source">>;

/** Two GPU hosts, the first a control plane. */
export function cluster(overrides: Readonly<Record<string, unknown>> = {}): HostsClusterConfig {
  const host = (index: number): object => ({
    name: `gpu-${index + 1}`,
    address: `10.0.0.${11 + index}`,
    role: index === 0 ? "control-plane" : "worker",
    gpus: 8,
    product: "MI300X",
    hostKey: "ssh-ed25519 AAAA",
  });
  return hostsSchema.parse({ source: "hosts", hosts: [host(0), host(1)], ...overrides });
}

export interface Fleet {
  /** Facts that differ from a healthy host's: of the first host, and of the second. */
  readonly first?: RawFacts;
  readonly second?: RawFacts;
  /** Seconds that the first host's clock is ahead. */
  readonly clock?: number;
  /** Fields of `cluster`. */
  readonly cluster?: Readonly<Record<string, unknown>>;
  /** The stack's `gpu`. */
  readonly gpu?: Readonly<Record<string, unknown>>;
  readonly plan?: Partial<PreflightPlan>;
}

/** Findings about two hosts that are healthy but for what is given. */
export function findings({ first, second, clock = 0, cluster: overrides, gpu = {}, plan: more }: Fleet): Finding[] {
  const plan = { ...planOf(cluster(overrides), gpuSchema.parse(gpu)), ...more };
  const observations = plan.hosts.map((host, index): Observation => {
    const changed = index === 0 ? first : second;
    return { host, facts: new HostFacts({ ...healthyFacts(index), ...changed }, index === 0 ? clock : 0) };
  });
  return evaluate(observations, plan);
}
