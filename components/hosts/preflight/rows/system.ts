import { mebibyte, sources, type HostRow } from "../row";
import { gpuVendorOf } from "../plan";

/** Releases for which both GPU vendors' drivers and the Kubernetes packages exist. */
const systems: Readonly<Record<string, readonly string[]>> = { ubuntu: ["22.04", "24.04"], debian: ["12", "13"] };
/** Releases of the kernel with long-term support that the kubelet's validator takes, below 6. */
const kernels = ["5.4", "5.10", "5.15"];
/** GPU partitions of MI300 and DMA-BUF want this. */
const gpuKernel = [5, 15] as const;
/** What nftables' kube-proxy wants. */
const nftablesKernel = [5, 13] as const;
const minimumCpus = 2;
/** kubeadm's own minimum for a control plane; kubespray's for a worker. In MB as kubeadm counts them. */
const minimumMemory = { "control-plane": 1700, worker: 1024 } as const;
const cgroupControllers = ["cpu", "cpuset", "memory", "pids"];

const older = ([major, minor]: readonly [number, number], [than, thanMinor]: readonly [number, number]): boolean =>
  major < than || (major === than && minor < thanMinor);

/** The machine and its kernel. */
export const systemRows: readonly HostRow[] = [
  {
    id: "os",
    number: 1,
    severity: "fail",
    check: "Ubuntu 22.04 or 24.04, Debian 12 or 13",
    cause: "packages and GPU drivers exist for these releases only",
    fix: "install one of these releases on the host",
    source: `${sources.kubespray}; ${sources.bloom}`,
    find: ({ facts }) => {
      if (systems[facts.os("ID")]?.includes(facts.os("VERSION_ID"))) return undefined;
      return `runs ${facts.os("PRETTY_NAME") || "an unknown system"}`;
    },
  },
  {
    id: "init",
    number: 1,
    severity: "fail",
    check: "systemd is init",
    cause: "kubelet and containerd are systemd services",
    fix: "boot the host with systemd; a container is no host",
    source: sources.kubespray,
    find: ({ facts }) => (facts.text("init") === "systemd" ? undefined : `init is ${facts.text("init")}`),
  },
  {
    id: "architecture",
    number: 1,
    severity: "fail",
    check: "x86_64; aarch64 for hosts without AMD GPUs",
    cause: "packages and AMD's drivers exist for these only",
    fix: "take another machine",
    source: sources.kubespray,
    find: ({ host, facts }, plan) => {
      const allowed = gpuVendorOf(plan, host) === "amd" ? ["x86_64"] : ["x86_64", "aarch64"];
      return allowed.includes(facts.text("architecture")) ? undefined : `is ${facts.text("architecture")}`;
    },
  },
  {
    id: "kernel",
    number: 3,
    severity: "fail",
    check: "Kernel 5.4, 5.10, 5.15, or 6 and newer; 5.13 for kube-proxy with nftables",
    cause: "the kubelet's validator refuses other kernels",
    fix: "install the release's general or hardware-enablement kernel and reboot",
    source: `${sources.validators}; ${sources.kubespray}`,
    find: ({ facts }, plan) => {
      const { kernel } = facts;
      if (kernel === undefined) return `kernel ${facts.text("kernel")} is no version`;
      if (plan.proxyMode === "nftables" && older(kernel, nftablesKernel)) {
        return `kernel ${facts.text("kernel")} is too old for cluster.kubeProxy.mode: nftables`;
      }
      return kernel[0] >= 6 || kernels.includes(kernel.join(".")) ? undefined : `kernel ${facts.text("kernel")}`;
    },
  },
  {
    id: "gpu-kernel",
    number: 3,
    severity: "warn",
    check: "Kernel 5.15 or newer on GPU hosts",
    cause: "GPU partitions need 5.15, GPUDirect by DMA-BUF 5.12",
    fix: "install a newer kernel, if you use either",
    source: "ROCm/amdgpu-docs gpu-partitioning; NVIDIA/cloud-native-docs gpu-operator-rdma.rst",
    find: ({ host, facts }) =>
      host.gpus > 0 && facts.kernel !== undefined && older(facts.kernel, gpuKernel)
        ? `kernel ${facts.text("kernel")}`
        : undefined,
  },
  {
    id: "cpus",
    number: 4,
    severity: "fail",
    check: "A control plane has 2 CPUs or more",
    cause: "API server and etcd starve",
    fix: "take a bigger host",
    source: `${sources.kubeadm} NumCPU`,
    find: ({ host, facts }) => {
      const cpus = facts.number("cpus") ?? 0;
      return host.role === "control-plane" && cpus < minimumCpus ? `has ${cpus} CPU` : undefined;
    },
  },
  {
    id: "memory",
    number: 4,
    severity: "fail",
    check: "A control plane has 1700 MB of memory, a worker 1024 MB",
    cause: "API server and etcd, or the kubelet, are killed for lack of memory",
    fix: "take a bigger host",
    source: `${sources.kubeadm} Mem; ${sources.kubespray}`,
    find: ({ host, facts }) => {
      const megabytes = Math.floor((facts.memory("MemTotal") ?? 0) / mebibyte);
      const least = minimumMemory[host.role];
      return megabytes < least ? `has ${megabytes} MB; as ${host.role} it needs ${least} MB` : undefined;
    },
  },
  {
    id: "cgroup",
    number: 5,
    severity: "fail",
    check: "cgroup v2 with the controllers cpu, cpuset, memory and pids",
    cause: "kubelet 1.35 and newer refuses to run on cgroup v1",
    fix: "remove systemd.unified_cgroup_hierarchy=0 from the kernel command line and reboot; or set cluster.kubelet.failCgroupV1: false while your release still allows it",
    source: `${sources.validators} cgroup_validator_linux.go`,
    find: ({ facts }, plan) => {
      if (facts.text("cgroupType") !== "cgroup2fs") return plan.failCgroupV1 ? "has cgroup v1" : undefined;
      const present = facts.text("cgroupControllers").split(/\s+/);
      const missing = cgroupControllers.filter((controller) => !present.includes(controller));
      return missing.length > 0 ? `has no cgroup controller ${missing.join(", ")}` : undefined;
    },
  },
  {
    id: "swap",
    number: 6,
    severity: "fail",
    check: "Swap can be turned off: what it holds fits the free memory",
    cause: "kubelet does not start with swap, and turning it off would run out of memory",
    fix: "stop what uses the memory, or reboot; the prerequisites turn swap off and keep it off",
    source: `${sources.kubeadm} Swap`,
    find: ({ facts }) => {
      const used = facts.swaps.reduce((sum, swap) => sum + swap.used, 0);
      const available = facts.memory("MemAvailable") ?? 0;
      if (used <= available) return undefined;
      const megabytes = (bytes: number): number => Math.round(bytes / mebibyte);
      return `${megabytes(used)} MB of swap are in use and only ${megabytes(available)} MB of memory are free`;
    },
  },
  {
    id: "modules",
    number: 7,
    severity: "fail",
    check: "The kernel modules overlay and br_netfilter are loaded or can be",
    cause: "containerd's snapshots, and iptables' rules for traffic of bridges, need them",
    fix: "install the kernel's full module package (Ubuntu: linux-modules-extra-$(uname -r)); reboot if the running kernel's modules were removed by an update",
    source: `${sources.kubeadm}; ${sources.bloom}`,
    find: ({ facts }) => {
      const missing = facts.lines("missingModules");
      return missing.length > 0 ? `cannot load ${missing.join(", ")}` : undefined;
    },
  },
  {
    id: "kernel-settings",
    number: 8,
    severity: "fail",
    check: "Kernel settings can be changed (net.ipv4.ip_forward, fs.inotify.*)",
    cause: "pods are not routed, and device plugins run out of inotify instances",
    fix: "run on a machine or virtual machine whose /proc/sys is writable",
    source: `${sources.kubeadm} FileContent--proc-sys-net-ipv4-ip_forward; ${sources.amdOperator} knownlimitations.md`,
    find: ({ facts }) => {
      const wrong = facts
        .table("readOnlySettings")
        .filter(([name, value]) => name !== "net/ipv4/ip_forward" || value !== "1");
      return wrong.length > 0
        ? `cannot change ${wrong.map(([name]) => name?.replaceAll("/", ".")).join(", ")}`
        : undefined;
    },
  },
  {
    id: "ip-forward",
    number: 8,
    severity: "warn",
    check: "No file of the host turns IP forwarding off again",
    cause: "after a reboot, or any `sysctl --system`, pods of other nodes are not reached",
    fix: "remove the line; the prerequisites' own file is read last, but other programs may read that one alone",
    source: sources.kubespray,
    find: ({ facts }) => facts.lines("conflictingSettings").map((line) => `${line.replace(":", " says ")}`),
  },
  {
    id: "tools",
    number: 10,
    severity: "fail",
    check: "losetup, mount and cp are on the PATH",
    cause: "kubelet's volumes need them",
    fix: "install util-linux, mount and coreutils",
    source: sources.kubeadm,
    find: ({ facts }) => {
      const missing = facts.lines("missingTools");
      return missing.length > 0 ? `has no ${missing.join(", ")}` : undefined;
    },
  },
  {
    id: "hostname",
    number: 11,
    severity: "fail",
    check: "The hostname is lower-case letters, digits, `-` and `.`",
    cause: "a node cannot have another name",
    fix: "set it: hostnamectl set-hostname <name>",
    source: `${sources.kubeadm} Hostname`,
    find: ({ facts }) => {
      const name = facts.text("hostname");
      return /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) ? undefined : `its hostname is ${name || "empty"}`;
    },
  },
  {
    id: "hostname-resolves",
    number: 11,
    severity: "warn",
    check: "The host resolves its own name",
    cause: "sudo and some services wait for DNS each time",
    fix: "add `127.0.1.1 <name>` to the host's /etc/hosts",
    source: sources.kubespray,
    find: ({ facts }) =>
      facts.text("hostnameAddress") === "" ? `does not resolve its own name ${facts.text("hostname")}` : undefined,
  },
  {
    id: "clock-service",
    number: 19,
    severity: "warn",
    check: "One time service is active",
    cause: "clocks drift apart until certificates count as not yet valid",
    fix: "install chrony or turn systemd-timesyncd on; without internet let the first host serve the others",
    source: `${sources.k0sctl}; ${sources.kubespray}`,
    find: ({ facts }) => {
      const services = facts.table("ntpServices").map(([name]) => name ?? "");
      if (services.length > 1) return `has ${services.length} time services: ${services.join(", ")}`;
      if (services.length === 1 || /^NTP(Synchronized)?=yes$/m.test(facts.text("timedatectl"))) return undefined;
      return "has no active time service";
    },
  },
  {
    id: "pending-reboot",
    number: 48,
    severity: "warn",
    check: "No reboot is pending",
    cause: "drivers are built for, and modules loaded from, another kernel than the one that runs",
    fix: "reboot the host first",
    source: sources.bloom,
    find: ({ facts }) => {
      if (facts.text("rebootRequired") !== "") return "asks for a reboot (/run/reboot-required)";
      const newest = facts.lines("installedKernels").at(-1);
      const running = facts.text("kernel");
      if (newest === undefined || newest === running) return undefined;
      return `runs kernel ${running}, but ${newest} is installed`;
    },
  },
];
