import assert from "node:assert/strict";
import { catalogue, connectionRows } from "../../../../components/hosts/preflight/catalogue";
import { findings, healthyFacts, type Fleet } from "./fixtures";

const gib = 2 ** 30;
const member = "c0ffee";
const nvidia = { vendor: "nvidia" };
const nvidiaHosts = {
  hosts: [
    { name: "gpu-1", address: "10.0.0.11", role: "control-plane", gpus: 1, vendor: "nvidia", hostKey: "ssh-rsa A" },
    { name: "gpu-2", address: "10.0.0.12", role: "worker", gpus: 1, vendor: "nvidia", hostKey: "ssh-rsa A" },
  ],
};
const nvidiaFacts = { pciDevices: "0000:01:00.0 0x10de 0x2330 0x030200 8.0 16", kernelModules: "overlay" };
const space = (path: string, bytes: number, inodes = 9e6): string =>
  `${healthyFacts().space}`.replace(new RegExp(`^${path} .*$`, "m"), `${path} ${bytes} ${inodes}`);
const workers = {
  hosts: ["gpu-1", "gpu-2"].map((name, index) => ({
    ...{ name, address: `10.0.0.${11 + index}`, role: "worker", hostKey: "ssh-rsa A" },
  })),
};

const repository = { repository: "https://packages.example.com/ubuntu", key: "https://packages.example.com/key" };

/** What makes a row fail on the first host, what it then says, and what comes close and does not. */
interface Case {
  readonly id: string;
  readonly bad: Fleet;
  readonly says: RegExp;
  readonly fine: Fleet;
}

const cases: readonly Case[] = [
  {
    id: "os",
    bad: { first: { osRelease: 'PRETTY_NAME="Fedora 42"\nID=fedora\nVERSION_ID=42' } },
    says: /runs Fedora 42/,
    fine: { first: { osRelease: 'ID=debian\nVERSION_ID="13"' } },
  },
  {
    id: "os",
    bad: { first: { osRelease: 'ID=ubuntu\nVERSION_ID="20.04"\nPRETTY_NAME="Ubuntu 20.04"' } },
    says: /20\.04/,
    fine: { first: { osRelease: 'ID=ubuntu\nVERSION_ID="22.04"' } },
  },
  { id: "init", bad: { first: { init: "runit" } }, says: /init is runit/, fine: {} },
  {
    id: "architecture",
    bad: { first: { architecture: "aarch64" } },
    says: /is aarch64/,
    fine: { first: { architecture: "aarch64", pciDevices: "", gpuDevices: "" }, cluster: workers },
  },
  {
    id: "kernel",
    bad: { first: { kernel: "5.11.0", installedKernels: "" } },
    says: /kernel 5\.11/,
    fine: { first: { kernel: "5.15.0-91-generic", installedKernels: "" } },
  },
  {
    id: "kernel",
    bad: { first: { kernel: "5.10.0", installedKernels: "" }, cluster: { kubeProxy: { mode: "nftables" } } },
    says: /nftables/,
    fine: { first: { kernel: "6.1.0-30", installedKernels: "" }, cluster: { kubeProxy: { mode: "nftables" } } },
  },
  {
    id: "gpu-kernel",
    bad: { first: { kernel: "5.4.0", installedKernels: "" } },
    says: /5\.4/,
    fine: { first: { kernel: "5.4.0", installedKernels: "", pciDevices: "" }, cluster: workers },
  },
  { id: "cpus", bad: { first: { cpus: "1" } }, says: /1 CPU/, fine: { second: { cpus: "1" } } },
  {
    id: "memory",
    bad: { first: { meminfo: "MemTotal: 1700000 kB\nMemAvailable: 1 kB" } },
    says: /1660 MB; as control-plane it needs 1700 MB/,
    fine: { second: { meminfo: "MemTotal: 1100000 kB\nMemAvailable: 1 kB" } },
  },
  {
    id: "cgroup",
    bad: { first: { cgroupType: "tmpfs" } },
    says: /cgroup v1/,
    fine: { first: { cgroupType: "tmpfs" }, cluster: { kubelet: { failCgroupV1: false } } },
  },
  { id: "cgroup", bad: { first: { cgroupControllers: "cpu memory" } }, says: /cpuset, pids/, fine: {} },
  {
    id: "swap",
    bad: {
      first: {
        swaps: "F T S U P\n/swap.img file 8000000 4000000 -2",
        meminfo: "MemTotal: 8000000 kB\nMemAvailable: 2000000 kB",
      },
    },
    says: /3906 MB of swap/,
    fine: { first: { swaps: "F T S U P\n/swap.img file 8000000 4000000 -2" } },
  },
  { id: "modules", bad: { first: { missingModules: "br_netfilter" } }, says: /cannot load br_netfilter/, fine: {} },
  {
    id: "kernel-settings",
    bad: { first: { readOnlySettings: "fs/inotify/max_user_instances 128" } },
    says: /fs\.inotify/,
    fine: { first: { readOnlySettings: "net/ipv4/ip_forward 1" } },
  },
  {
    id: "ip-forward",
    bad: { first: { conflictingSettings: "/etc/sysctl.d/99-cis.conf:net.ipv4.ip_forward = 0" } },
    says: /99-cis\.conf/,
    fine: {},
  },
  { id: "tools", bad: { first: { missingTools: "losetup" } }, says: /no losetup/, fine: {} },
  {
    id: "hostname",
    bad: { first: { hostname: "GPU_1" } },
    says: /GPU_1/,
    fine: { first: { hostname: "gpu-1.example.com" } },
  },
  { id: "hostname-resolves", bad: { first: { hostnameAddress: "" } }, says: /own name gpu-1/, fine: {} },
  {
    id: "clock-service",
    bad: { first: { ntpServices: "" } },
    says: /no active time service/,
    fine: { first: { ntpServices: "", timedatectl: "NTP=yes" } },
  },
  {
    id: "clock-service",
    bad: { first: { ntpServices: "chrony.service x\nntp.service x" } },
    says: /2 time services/,
    fine: {},
  },
  {
    id: "pending-reboot",
    bad: { first: { installedKernels: "6.8.0-60-generic\n6.8.0-61-generic" } },
    says: /6\.8\.0-61/,
    fine: { first: { installedKernels: "" } },
  },
  {
    id: "pending-reboot",
    bad: { first: { rebootRequired: "*** System restart required ***" } },
    says: /reboot-required/,
    fine: {},
  },
  {
    id: "other-cluster",
    bad: { first: { clusterId: "another" }, plan: { clusterId: member } },
    says: /cluster another/,
    fine: { first: { clusterId: member }, plan: { clusterId: member } },
  },
  {
    id: "other-cluster",
    bad: { first: { clusterId: "one" }, second: { clusterId: "other" } },
    says: /cluster other/,
    fine: { first: { clusterId: member }, second: { clusterId: member } },
  },
  {
    id: "leftovers",
    bad: { first: { leftovers: "/etc/kubernetes/kubelet.conf\nlink cni0" } },
    says: /kubelet\.conf, link cni0/,
    fine: { first: { leftovers: "/etc/kubernetes/kubelet.conf", clusterId: member }, plan: { clusterId: member } },
  },
  {
    id: "ports",
    bad: { first: { listening: 'LISTEN 0 4096 *:6443 *:* users:(("k3s-server",pid=7,fd=9))' } },
    says: /6443 is taken by k3s-server/,
    fine: { second: { listening: "LISTEN 0 4096 *:6443 *:*" } },
  },
  {
    id: "other-distribution",
    bad: { first: { containerRuntimes: "k3s" } },
    says: /runs k3s/,
    fine: { first: { containerRuntimes: "docker" } },
  },
  { id: "other-runtime", bad: { first: { containerRuntimes: "docker" } }, says: /runs docker/, fine: {} },
  {
    id: "containerd-version",
    bad: { cluster: { kubernetesVersion: "1.37.0" }, first: { kubernetesPackages: "status 200" } },
    says: /containerd 1\.7/,
    fine: { cluster: { kubernetesVersion: "1.36.3" } },
  },
  {
    id: "image-volumes",
    bad: { plan: { imageVolumes: true }, second: { containerdCandidate: "2.1.4-1" } },
    says: /gets containerd 1\.7\.28/,
    fine: {},
  },
  {
    id: "image-volumes",
    bad: {
      plan: { imageVolumes: true },
      first: { packages: "containerd hi  2.0.6-1", containerdCandidate: "2.2.0-1" },
      second: { containerdCandidate: "2.2.0-1" },
    },
    says: /has containerd 2\.0\.6/,
    fine: {
      plan: { imageVolumes: true },
      first: { packages: "containerd hi  2.10.0-1" },
      second: { containerdCandidate: "1:2.1.0-1" },
    },
  },
  {
    id: "image-volumes",
    bad: {
      plan: { imageVolumes: true },
      cluster: { containerd: { source: repository, version: "1.7.28-1~ubuntu.24.04~noble" } },
      second: { packages: "containerd.io hi  2.2.1-1" },
    },
    says: /gets containerd 1\.7\.28-1~ubuntu/,
    // What the newest of a repository is shows after its installation.
    fine: { plan: { imageVolumes: true }, cluster: { containerd: { source: repository } } },
  },
  {
    id: "version-skew",
    bad: { first: { packages: "kubelet hi  1.35.1-1.1" } },
    says: /kubelet 1\.35\.1-1\.1/,
    fine: { first: { packages: "kubelet hi  1.36.3-1.1\nkubeadm rc  1.30.0-1.1" } },
  },
  {
    id: "version-skew",
    bad: { first: { packages: "kubelet hi  1.36.4-1.1", clusterId: member } },
    says: /newer than/,
    fine: { first: { packages: "kubelet hi  1.35.9-1.1", clusterId: member } },
  },
  {
    id: "version-skew",
    bad: { first: { packages: "kubelet hi  1.34.0-1.1", clusterId: member } },
    says: /skip a minor/,
    fine: {},
  },
  {
    id: "node-address",
    bad: { first: { addresses: "2: eth0 inet 192.168.1.5/24 scope global" } },
    says: /no address 10\.0\.0\.11; it has 192\.168\.1\.5/,
    fine: {},
  },
  {
    id: "subnet-overlap",
    bad: { first: { routes: "10.244.128.0/17 via 10.0.0.1 dev eth0 proto static" } },
    says: /10\.244\.128\.0\/17 on eth0, inside cluster\.podCidr/,
    fine: { first: { routes: "10.244.0.0/24 dev cni0 proto kernel" } },
  },
  {
    id: "subnet-overlap",
    bad: { first: { addresses: "2: eth0 inet 10.0.0.11/8 scope global" } },
    says: /cluster\.serviceCidr/,
    fine: { first: { routes: "default via 10.0.0.1 dev eth0" } },
  },
  {
    id: "reach",
    bad: { first: { reach: "gpu-2 10.0.0.12 unreachable" } },
    says: /does not reach gpu-2 at 10\.0\.0\.12/,
    fine: {},
  },
  {
    id: "nameserver",
    bad: { first: { resolvedActive: "inactive" } },
    says: /127\.0\.0\.53/,
    fine: { first: { resolvedActive: "inactive", resolvConf: "nameserver 9.9.9.9" } },
  },
  { id: "nameserver", bad: { first: { resolvedConf: "" } }, says: /no name server/, fine: {} },
  {
    id: "dns",
    bad: { first: { names: "pkgs.k8s.io\nregistry.k8s.io 1.2.3.4" } },
    says: /resolve pkgs\.k8s\.io$/,
    fine: { first: { names: "pkgs.k8s.io" }, cluster: { proxy: { https: "http://proxy:3128", noProxy: [] } } },
  },
  {
    id: "downloads",
    bad: { first: { downloads: "registry-0 404" } },
    says: /registry registry\.k8s\.io.*HTTP status 404/,
    fine: { first: { downloads: "registry-0 401" } },
  },
  {
    id: "downloads",
    bad: {
      first: { downloads: "registry-0 000 connection refused" },
      cluster: { mirrors: { images: { "registry.k8s.io": "https://mirror.example.com/v2/k8s" } } },
    },
    says: /mirror of registry\.k8s\.io at https:\/\/mirror\.example\.com\/v2\/k8s\/: connection refused/,
    fine: {},
  },
  {
    id: "proxy",
    bad: { first: { proxySettings: 'https_proxy=http://proxy:3128\nno_proxy="10.0.0.11,10.96.0.0/16"' } },
    says: /also for 10\.0\.0\.12, 10\.244\.0\.0\/16/,
    fine: {
      first: { proxySettings: "https_proxy=http://proxy:3128\nno_proxy=10.0.0.0/24,10.96.0.0/16,10.244.0.0/16" },
    },
  },
  {
    id: "firewall",
    bad: { first: { firewall: "ufw active" } },
    says: /ufw is active/,
    fine: { first: { firewall: "forward-policy drop" } },
  },
  {
    id: "forward-policy",
    bad: { first: { firewall: "saved-rules /etc/iptables/rules.v4" } },
    says: /rules\.v4/,
    fine: {},
  },
  {
    id: "reverse-path",
    bad: { first: { rpFilter: "1", links: `${healthyFacts().links}\neth1 UP 02:00:00:00:01:00 <UP,LOWER_UP>` } },
    says: /2 cards/,
    fine: { first: { rpFilter: "1" } },
  },
  {
    id: "network-manager",
    bad: { first: { networkManager: "active" } },
    says: /NetworkManager/,
    fine: { first: { networkManager: "excluded" } },
  },
  {
    id: "package-lock",
    bad: { first: { packageLocks: "/var/lib/dpkg/lock-frontend 812 /usr/bin/unattended-upgrade " } },
    says: /process 812 \(\/usr\/bin\/unattended-upgrade\)/,
    fine: {},
  },
  {
    id: "half-installed",
    bad: { first: { dpkgAudit: "The following packages are half configured:\n amdgpu-dkms" } },
    says: /amdgpu-dkms/,
    fine: {},
  },
  { id: "unattended-upgrades", bad: { first: { unattendedUpgrades: "enabled" } }, says: /upgrades packages/, fine: {} },
  {
    id: "logind-delay",
    bad: { first: { logindDelay: "InhibitDelayMaxSec=30" } },
    says: /=30/,
    fine: { first: { logindDelay: "InhibitDelayMaxSec=600" } },
  },
  {
    id: "package-source",
    bad: { first: { aptSource: "http://archive.ubuntu.com/x 000 timed out" } },
    says: /timed out/,
    fine: {},
  },
  { id: "package-source", bad: { first: { aptSource: "" } }, says: /no package source/, fine: {} },
  {
    id: "kubernetes-packages",
    bad: { first: { kubernetesPackages: "status 200\nkubelet 1.36.3-1.1" } },
    says: /no kubeadm, kubectl of version 1\.36\.3/,
    fine: {},
  },
  {
    id: "kubernetes-packages",
    bad: {
      first: { kubernetesPackages: "status 404 not found" },
      cluster: { mirrors: { apt: { kubernetes: "http://10.0.0.1/k8s/" } } },
    },
    says: /http:\/\/10\.0\.0\.1\/k8s\/v1\.36\/deb cannot be read: 404/,
    fine: {},
  },
  {
    id: "disk",
    bad: { first: { space: space("/var/lib/kubelet", 5 * gib) } },
    says: /kubelet has 5\.0 GiB free/,
    fine: { first: { space: space("/var/lib/kubelet", 5 * gib), clusterId: member } },
  },
  {
    id: "disk",
    bad: { first: { space: space("/var/lib/containerd", 900 * gib, 5000) } },
    says: /5000 inodes/,
    fine: { first: { space: space("/var/lib/containerd", 900 * gib, 0) } },
  },
  {
    id: "image-disk",
    bad: { first: { space: space("/var/lib/containerd", 100 * gib) } },
    says: /100 GiB free/,
    fine: { first: { space: space("/var/lib/containerd", 100 * gib), pciDevices: "" }, cluster: workers },
  },
  {
    id: "model-disk",
    bad: { plan: { modelStorage: { path: "/models", bytes: 900 * gib } } },
    says: /\/models has 500 GiB free, 900 GiB are planned/,
    fine: { plan: { modelStorage: { path: "/models", bytes: 400 * gib } } },
  },
  {
    id: "etcd-disk",
    bad: { first: { rotationalDisk: "1" } },
    says: /rotating/,
    fine: { second: { rotationalDisk: "1" } },
  },
  {
    id: "multipath",
    bad: { first: { multipath: "active" } },
    says: /multipathd/,
    fine: { first: { multipath: "inactive" } },
  },
  {
    id: "mount-propagation",
    bad: { first: { propagation: "private" } },
    says: /private/,
    fine: { first: { propagation: "shared,slave" } },
  },
  {
    id: "gpu-count",
    bad: { first: { pciDevices: "0000:01:00.0 0x1002 0x74a1 0x120000 32.0 16" } },
    says: /has 1 AMD GPUs on PCI; the config says 8/,
    fine: {},
  },
  { id: "gpu-count", bad: { first: nvidiaFacts }, says: /0 AMD GPUs on PCI, but one of NVIDIA/, fine: {} },
  {
    id: "gpu-product",
    bad: { first: { pciDevices: `${healthyFacts().pciDevices}`.replace("0x74a1", "0x74a5") } },
    says: /has MI325X at 0000:00:00\.0; the config says MI300X/,
    fine: { first: { pciDevices: `${healthyFacts().pciDevices}`.replaceAll("0x74a1", "0x74b5") } },
  },
  {
    id: "gpu-link",
    bad: { first: { pciDevices: `${healthyFacts().pciDevices}`.replace("32.0 16", "16.0 16") } },
    says: /0000:00:00\.0 is linked at 16 GT\/s x16/,
    fine: {
      first: {
        pciDevices: `${healthyFacts().pciDevices}`.replaceAll("0x74a1 0x120000 32.0 16", "0x74b5 0x120000 2.5 1"),
      },
    },
  },
  {
    id: "kernel-headers",
    bad: { first: { dkms: "amdgpu/6.16.13, 6.8.0, x86_64: installed" } },
    says: /no headers/,
    fine: { first: { dkms: "amdgpu/6.16.13", kernelHeaders: "directory" } },
  },
  {
    id: "gpu-driver",
    bad: { first: { kernelModules: "", gpuDevices: "" } },
    says: /module amdgpu, \/dev\/kfd, \/dev\/dri\/renderD/,
    fine: {
      first: { kernelModules: "", gpuDevices: "" },
      gpu: { amd: { driver: "operator", driverVersion: "31.40", driverImage: "r/x" } },
    },
  },
  {
    id: "gpu-driver",
    bad: {
      first: nvidiaFacts,
      second: nvidiaFacts,
      cluster: nvidiaHosts,
      gpu: { ...nvidia, nvidia: { driver: "preinstalled" } },
    },
    says: /no loaded nvidia driver/,
    fine: { first: nvidiaFacts, second: nvidiaFacts, cluster: nvidiaHosts, gpu: nvidia },
  },
  { id: "gpu-driver-loaded", bad: { gpu: { amd: { driver: "operator" } } }, says: /amdgpu driver/, fine: {} },
  {
    id: "nouveau",
    bad: { first: { ...nvidiaFacts, kernelModules: "nouveau" }, cluster: nvidiaHosts, gpu: nvidia },
    says: /nouveau/,
    fine: {
      first: { ...nvidiaFacts, kernelModules: "nouveau" },
      cluster: { ...nvidiaHosts, tuning: { blacklistNouveau: true } },
      gpu: nvidia,
    },
  },
  {
    id: "secure-boot",
    bad: { first: { secureBoot: "SecureBoot enabled", kernelModules: "" }, gpu: { amd: { driver: "operator" } } },
    says: /secure boot/,
    fine: { first: { secureBoot: "SecureBoot enabled" } },
  },
  {
    id: "iommu",
    bad: { first: { commandLine: "quiet" } },
    says: /iommu=pt/,
    fine: { first: { commandLine: "quiet" }, cluster: { tuning: { iommuPassthrough: true } } },
  },
  { id: "iommu", bad: { first: { cpus: "384", iommuGroups: "" } }, says: /no IOMMU/, fine: { first: { cpus: "384" } } },
  {
    id: "numa-balancing",
    bad: { first: { numaBalancing: "1" } },
    says: /NUMA/,
    fine: { first: { numaBalancing: "1" }, cluster: { tuning: { numaBalancing: "off" } } },
  },
  {
    id: "cpu-governor",
    bad: { first: { governor: "powersave" } },
    says: /powersave/,
    fine: { first: { governor: "" } },
  },
  {
    id: "pcie-acs",
    bad: { first: { acsEnabled: "16" } },
    says: /16 PCIe bridges/,
    fine: { first: { acsEnabled: "" } },
  },
  {
    id: "rdma-ports",
    bad: { first: { rdmaPorts: "mlx5_0/1 DOWN ens1" }, second: { rdmaPorts: "mlx5_0/1 DOWN ens1" } },
    says: /inactive RDMA ports: mlx5_0\/1/,
    fine: { first: { rdmaPorts: "" } },
  },
  {
    id: "gpu-device-mode",
    bad: { first: { gpuDevices: "/dev/kfd 660 render\n/dev/dri/renderD128 666 render" } },
    says: /\/dev\/kfd with mode 660/,
    fine: {},
  },
  {
    id: "hostname-unique",
    bad: { first: { hostname: "same" }, second: { hostname: "same" } },
    says: /same hostname same as gpu-2/,
    fine: {},
  },
  {
    id: "product-uuid-unique",
    bad: { first: { productUuid: "AB" }, second: { productUuid: "ab" } },
    says: /product_uuid ab as gpu-2/,
    fine: { first: { productUuid: "" }, second: { productUuid: "" } },
  },
  {
    id: "machine-id-unique",
    bad: { first: { machineId: "f" }, second: { machineId: "f" } },
    says: /machine-id f/,
    fine: {},
  },
  {
    id: "mac-unique",
    bad: { first: { links: "eth0 UP 02:aa:00:00:00:00 <UP>" }, second: { links: "eth0 UP 02:AA:00:00:00:00 <UP>" } },
    says: /02:aa/,
    fine: {
      first: { links: "docker0 UP 02:42:00:00:00:00 <UP>" },
      second: { links: "docker0 UP 02:42:00:00:00:00 <UP>" },
    },
  },
  {
    id: "node-address-unique",
    bad: {
      cluster: {
        hosts: [
          {
            name: "gpu-1",
            address: "a.example.com",
            nodeAddress: "10.0.0.11",
            role: "control-plane",
            hostKey: "ssh-rsa A",
          },
          { name: "gpu-2", address: "b.example.com", nodeAddress: "10.0.0.11", role: "worker", hostKey: "ssh-rsa A" },
        ],
      },
    },
    says: /same node address 10\.0\.0\.11 as gpu-2/,
    fine: {},
  },
  { id: "clock", bad: { clock: 3600 }, says: /3600 s ahead/, fine: { clock: 20 } },
  { id: "clock", bad: { clock: -90 }, says: /90 s behind/, fine: { clock: -29 } },
  {
    id: "etcd-member",
    bad: {
      cluster: {
        hosts: [
          { name: "gpu-1", address: "10.0.0.11", role: "control-plane", hostKey: "ssh-rsa A" },
          { name: "gpu-2", address: "10.0.0.12", role: "worker", hostKey: "ssh-rsa A" },
        ],
      },
      second: { etcdMembers: "8e9e, started, gpu-1, https://10.0.0.11:2380, https://10.0.0.11:2379, false" },
    },
    says: /member of etcd already/,
    fine: { second: { etcdMembers: "8e9e, started, gpu-2, https://10.0.0.110:2380" } },
  },
  {
    id: "mtu",
    bad: {
      cluster: {
        hosts: [...nvidiaHosts.hosts, { name: "gpu-3", address: "10.0.0.13", role: "worker", hostKey: "ssh-rsa A" }],
      },
      first: { mtus: "2: eth0: <UP> mtu 9000 qdisc x" },
    },
    says: /MTU 9000, others 1500/,
    fine: {},
  },
  {
    id: "same-os",
    bad: {
      cluster: { hosts: [...nvidiaHosts.hosts, { ...nvidiaHosts.hosts[1], name: "gpu-3", address: "10.0.0.13" }] },
      gpu: nvidia,
      first: { osRelease: 'ID=ubuntu\nVERSION_ID="22.04"' },
    },
    says: /runs ubuntu 22\.04, others ubuntu 24\.04/,
    fine: { gpu: { vendor: "amd" }, first: { osRelease: 'ID=ubuntu\nVERSION_ID="22.04"' } },
  },
  {
    id: "rdma-names",
    bad: {
      cluster: { hosts: [...nvidiaHosts.hosts, { ...nvidiaHosts.hosts[1], name: "gpu-3", address: "10.0.0.13" }] },
      first: { rdmaPorts: "roce9/1 ACTIVE ens9" },
      second: { rdmaPorts: "mlx5_0/1 ACTIVE ens1" },
      plan: {},
    },
    says: /RDMA ports/,
    fine: { first: { rdmaPorts: "mlx5_0/1 ACTIVE ens1" } },
  },
];

/** Findings of one row, on whichever host. */
const of = (id: string, fleet: Fleet) => findings(fleet).filter((finding) => finding.id === id);

describe("preflight's rows", () => {
  it("find nothing on two healthy hosts", () => {
    assert.deepEqual(findings({}), []);
  });

  for (const { id, bad, says, fine } of cases) {
    it(`${id} says ${String(says)}`, () => {
      const found = of(id, bad);
      assert.ok(found.length > 0, "the row finds nothing");
      assert.match(found.map((finding) => finding.found).join("\n"), says);
      const row = catalogue.find((one) => one.id === id);
      assert.equal(found[0]!.severity, row?.severity);
      assert.deepEqual(of(id, fine), []);
    });
  }

  it("are all tried above, but for those that a connection decides", () => {
    const tried = new Set([...cases.map(({ id }) => id), ...Object.values(connectionRows).map(({ id }) => id)]);
    assert.deepEqual(
      catalogue.map(({ id }) => id).filter((id) => !tried.has(id)),
      [],
    );
  });

  it("have an id of their own, and say why and what to do", () => {
    const ids = catalogue.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const row of catalogue) {
      assert.match(row.id, /^[a-z][a-z0-9-]*$/);
      for (const text of [row.check, row.cause, row.fix, row.source]) assert.ok(text.length > 10, `${row.id}: ${text}`);
    }
  });
});
