import { sources, type HostRow, type SeenHost } from "../row";
import type { PciDevice } from "../hostFacts";
import { gpuVendorOf, type PreflightPlan } from "../plan";

const vendors = { amd: { id: "0x1002", name: "AMD" }, nvidia: { id: "0x10de", name: "NVIDIA" } } as const;

/** PCI device ids of products, virtual functions included (pci-ids.ucw.cz; ROCm system-acceptance-docs). */
const devices: Readonly<Record<string, readonly string[]>> = {
  MI210: ["0x740f"],
  MI250: ["0x740c"],
  MI250X: ["0x7408"],
  MI300A: ["0x74a0"],
  MI300X: ["0x74a1", "0x74b5"],
  MI308X: ["0x74a2", "0x74b6"],
  MI325X: ["0x74a5", "0x74b9"],
  MI350X: ["0x75a0", "0x75b0"],
  MI355X: ["0x75a3", "0x75b3"],
  H100: ["0x2330", "0x2331", "0x2321", "0x2339"],
  H200: ["0x2335", "0x233b"],
  B200: ["0x2901"],
  L40S: ["0x26b9"],
  L4: ["0x27b8"],
};
/** Virtual functions run at whatever the host of the virtual machine says. */
const virtualFunctions = ["0x74b5", "0x74b6", "0x74b9", "0x75b0", "0x75b3"];
/** What the acceptance test of these machines asks for: PCIe 5, 16 lanes. */
const linkSpeed = 32;
const linkWidth = 16;
/** Beyond this many threads the interrupts of a machine need the IOMMU. */
const iommuThreads = 256;
/** Others may read and write. */
const openToAll = 0o006;

const plain = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9]/g, "");

function gpusOf({ host, facts }: SeenHost, plan: PreflightPlan): PciDevice[] {
  const vendor = gpuVendorOf(plan, host);
  return vendor === undefined ? [] : facts.pciDevices.filter((device) => device.vendor === vendors[vendor].id);
}

function count(seen: SeenHost, plan: PreflightPlan): string | undefined {
  const { host, facts } = seen;
  const vendor = gpuVendorOf(plan, host);
  if (vendor === undefined) return undefined;
  const found = gpusOf(seen, plan);
  if (found.length === host.gpus) return undefined;
  const other = Object.values(vendors).find(
    ({ id }) => id !== vendors[vendor].id && facts.pciDevices.some((one) => one.vendor === id),
  );
  const instead = found.length === 0 && other !== undefined ? `, but one of ${other.name}` : "";
  return `has ${found.length} ${vendors[vendor].name} GPUs on PCI${instead}; the config says ${host.gpus}`;
}

function product(seen: SeenHost, plan: PreflightPlan): string | undefined {
  const wanted = seen.host.product;
  const ids =
    wanted === undefined
      ? undefined
      : Object.entries(devices).find(([name]) => plain(wanted).includes(plain(name)) && !longer(name, wanted));
  if (wanted === undefined || ids === undefined) return undefined;
  const other = gpusOf(seen, plan).find(({ device }) => !ids[1].includes(device));
  if (other === undefined) return undefined;
  const name = Object.entries(devices).find(([, known]) => known.includes(other.device))?.[0];
  return `has ${name ?? `device ${other.device}`} at ${other.address}; the config says ${wanted}`;
}

/** A longer name of the table fits as well: MI250X is not MI250. */
function longer(name: string, wanted: string): boolean {
  return Object.keys(devices).some(
    (other) => other.length > name.length && other.startsWith(name) && plain(wanted).includes(plain(other)),
  );
}

function driver({ host, facts }: SeenHost, plan: PreflightPlan): string | undefined {
  const vendor = gpuVendorOf(plan, host);
  if (vendor === undefined || plan.gpu[vendor].driver !== "preinstalled") return undefined;
  const files = facts.table("gpuDevices").map(([file]) => file ?? "");
  if (vendor === "nvidia") {
    return facts.hasModule("nvidia") ? undefined : "has no loaded nvidia driver; gpu.nvidia.driver is preinstalled";
  }
  const missing = [
    ...(facts.hasModule("amdgpu") ? [] : ["module amdgpu"]),
    ...(files.includes("/dev/kfd") ? [] : ["/dev/kfd"]),
    ...(files.some((file) => file.startsWith("/dev/dri/renderD")) ? [] : ["/dev/dri/renderD*"]),
  ];
  return missing.length === 0 ? undefined : `has no ${missing.join(", ")}; gpu.amd.driver is preinstalled`;
}

function operatorDriver({ host, facts }: SeenHost, plan: PreflightPlan): string | undefined {
  const vendor = gpuVendorOf(plan, host);
  if (vendor === undefined || plan.gpu[vendor].driver !== "operator") return undefined;
  if (facts.hasModule(vendor === "amd" ? "amdgpu" : "nvidia")) {
    return `has a loaded ${vendor === "amd" ? "amdgpu" : "nvidia"} driver; gpu.${vendor}.driver is operator`;
  }
  return undefined;
}

function secureBoot({ host, facts }: SeenHost, plan: PreflightPlan): string | undefined {
  const vendor = gpuVendorOf(plan, host);
  if (vendor === undefined || plan.gpu[vendor].driver !== "operator") return undefined;
  return /SecureBoot enabled/.test(facts.text("secureBoot")) || facts.text("secureBoot") === "1"
    ? "has secure boot on, and the operator's driver is not signed for it"
    : undefined;
}

const onGpuHosts =
  (find: (seen: SeenHost, plan: PreflightPlan) => string | undefined): HostRow["find"] =>
  (seen, plan) =>
    seen.host.gpus > 0 ? find(seen, plan) : undefined;

/** GPUs, their driver and what they ask of the machine. */
export const gpuRows: readonly HostRow[] = [
  {
    id: "gpu-count",
    number: 37,
    severity: "fail",
    check: "As many GPUs of the vendor are on PCI as the config says",
    cause: "a card is dead or missing, or it is another host",
    fix: "correct gpus and vendor of the host; else check the kernel parameter pci=realloc=off, power the machine off and on, ask the vendor",
    source: `${sources.amdAcceptance} common/health-checks.md`,
    find: count,
  },
  {
    id: "gpu-product",
    number: 37,
    severity: "fail",
    check: "The GPUs are of the product that the config says",
    cause: "models are fitted to another GPU",
    fix: "correct product of the host",
    source: `${sources.amdAcceptance} common/health-checks.md`,
    find: product,
  },
  {
    id: "gpu-link",
    number: 37,
    severity: "fail",
    check: "AMD GPUs are linked at 32 GT/s with 16 lanes",
    cause: "a slot or riser is bad: transfers to that card are slow",
    fix: "reboot, reseat the card, ask the vendor",
    source: `${sources.amdAcceptance} common/health-checks.md`,
    find: (seen, plan) =>
      gpuVendorOf(plan, seen.host) !== "amd"
        ? undefined
        : gpusOf(seen, plan).flatMap(({ address, device, linkSpeed: speed, linkWidth: width }) =>
            virtualFunctions.includes(device) || speed === undefined || width === undefined
              ? []
              : speed < linkSpeed || width < linkWidth
                ? [`GPU ${address} is linked at ${speed} GT/s x${width}`]
                : [],
          ),
  },
  {
    id: "kernel-headers",
    number: 38,
    severity: "fail",
    check: "Headers of the running kernel are there where a driver is built on the host (DKMS)",
    cause: "the driver is built against nothing and missing after the next boot",
    fix: "apt-get install linux-headers-$(uname -r) (Ubuntu also linux-modules-extra); if the archive has dropped that kernel: install the newest kernel with headers and reboot",
    source: "ROCm/amdgpu-docs install/detailed-install/prerequisites.rst",
    find: onGpuHosts(({ facts }) =>
      facts.text("dkms") !== "" && facts.text("kernelHeaders") === ""
        ? `has no headers of kernel ${facts.text("kernel")}`
        : undefined,
    ),
  },
  {
    id: "gpu-driver",
    number: 39,
    severity: "fail",
    check: "A driver that is said to be preinstalled is loaded, with its device files",
    cause: "the device plugin finds no GPU, the operator's pods stay in Init",
    fix: "install the vendor's driver and load it (modprobe amdgpu); or let the operator bring it: gpu.<vendor>.driver: operator",
    source: `${sources.amdOperator} drivers/installation.md`,
    find: driver,
  },
  {
    id: "gpu-driver-loaded",
    number: 39,
    severity: "fail",
    bareOnly: true,
    check: "No other driver is loaded where the operator brings it",
    cause: "the module has the same name: the operator's cannot be loaded",
    fix: "blacklist the module on the host and reboot; or use it: gpu.<vendor>.driver: preinstalled",
    source: `${sources.amdOperator} drivers/installation.md`,
    find: operatorDriver,
  },
  {
    id: "nouveau",
    number: 40,
    severity: "fail",
    check: "nouveau is not loaded on hosts with NVIDIA GPUs",
    cause: "NVIDIA's driver cannot bind to the GPUs",
    fix: "set cluster.tuning.blacklistNouveau: true (and tuning.reboot: when-needed, or reboot the host)",
    source: `${sources.nvidiaOperator} troubleshooting.rst`,
    find: (seen, plan) =>
      gpuVendorOf(plan, seen.host) === "nvidia" && seen.facts.hasModule("nouveau") && !plan.tuning.blacklistNouveau
        ? "has nouveau loaded"
        : undefined,
  },
  {
    id: "secure-boot",
    number: 41,
    severity: "fail",
    check: "Secure boot is off where the operator brings an unsigned driver",
    cause: 'the kernel refuses the module: "Key was rejected by service"',
    fix: "use a driver image that is signed with a key enrolled on the host, or turn secure boot off in the firmware",
    source: `${sources.amdOperator} drivers/secure-boot.md`,
    find: secureBoot,
  },
  {
    id: "iommu",
    number: 42,
    severity: "warn",
    check: "GPU hosts run the IOMMU in pass-through mode (iommu=pt); it stays on with 256 threads and more",
    cause: "transfers between GPUs hang or are slow; without IOMMU interrupts reach 255 CPUs at most",
    fix: "set cluster.tuning.iommuPassthrough: true",
    source: "ROCm/amdgpu-docs system-optimization/mi300x.rst",
    find: onGpuHosts(({ facts }, plan) => {
      if ((facts.number("cpus") ?? 0) >= iommuThreads && facts.text("iommuGroups") === "") return "has no IOMMU";
      if (plan.tuning.iommuPassthrough || facts.kernelParameter("iommu") === "pt") return undefined;
      return "does not have iommu=pt on its kernel command line";
    }),
  },
  {
    id: "numa-balancing",
    number: 43,
    severity: "warn",
    check: "Automatic NUMA balancing is off on GPU hosts",
    cause: "the kernel moves memory under running transfers: RCCL and NCCL stall",
    fix: "set cluster.tuning.numaBalancing: off",
    source: `${sources.amdAcceptance} common/os-tuning.md`,
    find: onGpuHosts(({ facts }, plan) =>
      (facts.number("numaBalancing") ?? 0) > 0 && plan.tuning.numaBalancing === "keep"
        ? "has automatic NUMA balancing on"
        : undefined,
    ),
  },
  {
    id: "cpu-governor",
    number: 44,
    severity: "warn",
    check: "The CPU governor of GPU hosts is performance",
    cause: "cores that clock up late delay each kernel launch",
    fix: "cpupower frequency-set -g performance, at each boot",
    source: `${sources.amdAcceptance} common/os-tuning.md`,
    find: onGpuHosts(({ facts }) => {
      const governor = facts.text("governor");
      return governor === "" || governor === "performance" ? undefined : `has the CPU governor ${governor}`;
    }),
  },
  {
    id: "pcie-acs",
    number: 45,
    severity: "warn",
    check: "PCIe access control services are off on bare-metal GPU hosts",
    cause: "transfers between cards go by the CPU: RDMA is slow or hangs",
    fix: "turn them off by setpci in a unit that runs at each boot",
    source: `${sources.amdNetwork}/single-node-config.rst`,
    find: onGpuHosts(({ facts }) => {
      const bridges = facts.number("acsEnabled") ?? 0;
      return bridges > 0 ? `has ${bridges} PCIe bridges with access control on` : undefined;
    }),
  },
  {
    id: "rdma-ports",
    number: 46,
    severity: "warn",
    check: "RDMA ports are active, one for each GPU",
    cause: "GPUs of several hosts share a port, or have none",
    fix: "check cables, switch and, for InfiniBand, the subnet manager; set NCCL_IB_HCA to the ports that are used",
    source: `${sources.amdNetwork}/multi-node-config.rst`,
    find: ({ host, facts }) => {
      const ports = facts.table("rdmaPorts");
      if (host.gpus === 0 || ports.length === 0) return undefined;
      const down = ports.filter(([, state]) => state !== "ACTIVE").map(([name]) => name);
      if (down.length > 0) return `has inactive RDMA ports: ${down.join(", ")}`;
      return ports.length < host.gpus ? `has ${ports.length} RDMA ports for ${host.gpus} GPUs` : undefined;
    },
  },
  {
    id: "gpu-device-mode",
    number: 47,
    severity: "warn",
    check: "/dev/kfd and /dev/dri/renderD* can be opened by all",
    cause: 'group numbers differ between host and image: "No HIP GPUs are available" for pods that are not root',
    fix: 'write a udev rule: KERNEL=="kfd", MODE="0666" and KERNEL=="renderD*", MODE="0666"; or give the pods supplementalGroups',
    source: `${sources.bloom} system_config.yaml; vllm-project/vllm#34573`,
    find: ({ facts }) => {
      const strict = facts
        .table("gpuDevices")
        .filter(
          ([file, mode]) =>
            !file?.startsWith("/dev/nvidia") && (Number.parseInt(mode ?? "", 8) & openToAll) !== openToAll,
        );
      return strict.length > 0
        ? `has ${strict.map(([file, mode]) => `${file} with mode ${mode}`).join(", ")}`
        : undefined;
    },
  },
];
