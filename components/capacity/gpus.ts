/** Generations whose kernels differ in vLLM; `supportedQuantization` is a table over them. */
export type GpuArchitecture = "turing" | "ampere" | "ada" | "hopper" | "blackwell" | "cdna2" | "cdna3" | "cdna4";

/** A slice of a GPU that pods are given as a device of its own. */
export interface GpuPartition {
  /** As the vendor names it, e.g. `CPX/NPS4` or `1g.10gb`. */
  readonly name: string;
  /** How many of them one GPU is cut into at most. */
  readonly count: number;
  /** Memory of one slice, in GiB. */
  readonly memoryGiB: number;
}

/** A GPU product as vLLM sees it. */
export interface Gpu {
  readonly name: string;
  readonly vendor: "amd" | "nvidia";
  readonly architecture: GpuArchitecture;
  /** Memory of one device in GiB, as PyTorch reports it: what the driver keeps for itself is left out already. */
  readonly memoryGiB: number;
  /** Where that number was read. */
  readonly source: string;
  /** Values of the node labels `amd.com/gpu.product-name` and `nvidia.com/gpu.product`, as regular expressions. */
  readonly labels: readonly RegExp[];
  readonly partitions: readonly GpuPartition[];
}

const startLog = "vLLM's start-up log in public reports (its total GPU memory)";
const outOfMemory = "PyTorch's 'total capacity' in public out-of-memory reports";
const nameplate = "the data sheet's size less the share that the driver kept on its sibling products";

/**
 * Modes of AMD's partitioning guide (instinct.docs.amd.com, GPU partitioning). Memory is shared by all partitions of a
 * memory domain, so the part of one is an even share.
 */
function cdnaPartitions(memoryGiB: number, modes: readonly (readonly [name: string, count: number])[]): GpuPartition[] {
  return modes.map(([name, count]) => ({ name, count, memoryGiB: memoryGiB / count }));
}

const mi300Modes = [
  ["SPX/NPS1", 1],
  ["DPX/NPS1", 2],
  ["QPX/NPS1", 4],
  ["CPX/NPS1", 8],
  ["CPX/NPS4", 8],
] as const;

const mi350Modes = [
  ["SPX/NPS1", 1],
  ["DPX/NPS1", 2],
  ["DPX/NPS2", 2],
  ["QPX/NPS1", 4],
  ["QPX/NPS2", 4],
  ["CPX/NPS1", 8],
  ["CPX/NPS2", 8],
] as const;

/**
 * Profiles of NVIDIA's MIG user guide ("Supported MIG profiles"). A profile's memory is its fraction of the GPU's:
 * eighths on these products, of which `7g` has all.
 */
function migProfiles(memoryGiB: number, profiles: readonly (readonly [string, number, number])[]): GpuPartition[] {
  return profiles.map(([name, count, eighths]) => ({ name, count, memoryGiB: (memoryGiB * eighths) / 8 }));
}

function migNames(one: string, two: string, half: string, all: string): (readonly [string, number, number])[] {
  return [
    [`1g.${one}`, 7, 1],
    [`1g.${two}`, 4, 2],
    [`2g.${two}`, 3, 2],
    [`3g.${half}`, 2, 4],
    [`4g.${half}`, 1, 4],
    [`7g.${all}`, 1, 8],
  ];
}

/** GPUs that vLLM is run on, by the name that people use. */
export const gpus: readonly Gpu[] = [
  {
    name: "MI300X",
    vendor: "amd",
    architecture: "cdna3",
    memoryGiB: 191.98,
    source: startLog,
    labels: [/MI300X/i],
    partitions: cdnaPartitions(191.98, mi300Modes),
  },
  {
    name: "MI325X",
    vendor: "amd",
    architecture: "cdna3",
    memoryGiB: 255.98,
    source: outOfMemory,
    labels: [/MI325X/i],
    partitions: cdnaPartitions(255.98, mi300Modes),
  },
  {
    name: "MI355X",
    vendor: "amd",
    architecture: "cdna4",
    memoryGiB: 287.98,
    source: outOfMemory,
    labels: [/MI355X/i],
    partitions: cdnaPartitions(287.98, mi350Modes),
  },
  {
    name: "MI350X",
    vendor: "amd",
    architecture: "cdna4",
    memoryGiB: 287.98,
    source: `${nameplate} (MI355X)`,
    labels: [/MI350X/i],
    partitions: cdnaPartitions(287.98, mi350Modes),
  },
  {
    // A card has two dies, and each is a device of its own with half of the 128 GB.
    name: "MI250X",
    vendor: "amd",
    architecture: "cdna2",
    memoryGiB: 63.98,
    source: outOfMemory,
    labels: [/MI250X/i],
    partitions: [],
  },
  {
    name: "H100",
    vendor: "nvidia",
    architecture: "hopper",
    memoryGiB: 79.18,
    source: startLog,
    labels: [/H100.*80GB/i, /^H100$/i],
    partitions: migProfiles(79.18, migNames("10gb", "20gb", "40gb", "80gb")),
  },
  {
    name: "H200",
    vendor: "nvidia",
    architecture: "hopper",
    memoryGiB: 139.8,
    source: outOfMemory,
    labels: [/H200/i],
    partitions: migProfiles(139.8, migNames("18gb", "35gb", "71gb", "141gb")),
  },
  {
    name: "B200",
    vendor: "nvidia",
    architecture: "blackwell",
    memoryGiB: 178.35,
    source: outOfMemory,
    labels: [/(?<!G)B200/i],
    partitions: migProfiles(178.35, migNames("23gb", "45gb", "90gb", "180gb")),
  },
  {
    name: "B300",
    vendor: "nvidia",
    architecture: "blackwell",
    memoryGiB: 267.69,
    source: startLog,
    labels: [/(?<!G)B300/i],
    partitions: [],
  },
  {
    name: "A100-80GB",
    vendor: "nvidia",
    architecture: "ampere",
    memoryGiB: 79.15,
    source: outOfMemory,
    labels: [/A100.*80GB/i],
    partitions: migProfiles(79.15, migNames("10gb", "20gb", "40gb", "80gb")),
  },
  {
    name: "A100-40GB",
    vendor: "nvidia",
    architecture: "ampere",
    memoryGiB: 39.49,
    source: outOfMemory,
    labels: [/A100.*40GB/i],
    partitions: migProfiles(39.49, migNames("5gb", "10gb", "20gb", "40gb")),
  },
  {
    name: "L40S",
    vendor: "nvidia",
    architecture: "ada",
    memoryGiB: 44.39,
    source: outOfMemory,
    labels: [/L40S/i],
    partitions: [],
  },
  {
    name: "L4",
    vendor: "nvidia",
    architecture: "ada",
    memoryGiB: 22.03,
    source: outOfMemory,
    labels: [/(^|-)L4$/i],
    partitions: [],
  },
  {
    name: "A10",
    vendor: "nvidia",
    architecture: "ampere",
    memoryGiB: 22.06,
    source: outOfMemory,
    labels: [/(^|-)A10G?$/i],
    partitions: [],
  },
  {
    name: "T4",
    vendor: "nvidia",
    architecture: "turing",
    memoryGiB: 14.56,
    source: outOfMemory,
    labels: [/(^|-)T4$/i],
    partitions: [],
  },
  {
    name: "RTX 4090",
    vendor: "nvidia",
    architecture: "ada",
    memoryGiB: 23.53,
    source: startLog,
    labels: [/RTX.?4090$/i],
    partitions: [],
  },
  {
    name: "RTX 5090",
    vendor: "nvidia",
    architecture: "blackwell",
    memoryGiB: 31.36,
    source: outOfMemory,
    labels: [/RTX.?5090$/i],
    partitions: [],
  },
  {
    name: "RTX 3090",
    vendor: "nvidia",
    architecture: "ampere",
    memoryGiB: 23.58,
    source: startLog,
    labels: [/RTX.?3090$/i],
    partitions: [],
  },
  {
    name: "H100-NVL",
    vendor: "nvidia",
    architecture: "hopper",
    memoryGiB: 93.1,
    source: nameplate,
    labels: [/H100.*NVL/i],
    partitions: [],
  },
];
