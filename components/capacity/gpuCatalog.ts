import { gpus, type Gpu, type GpuPartition } from "./gpus";

/** What one device that a pod is given can hold and compute. */
export interface GpuDevice extends Gpu {
  /** The slice that the device is; absent for a whole GPU. */
  readonly partition?: GpuPartition;
}

/** Short forms, and products of one name with two sizes. */
const synonyms: Readonly<Record<string, string>> = {
  a100: "A100-80GB",
  a10080: "A100-80GB",
  a10080gb: "A100-80GB",
  a10040: "A100-40GB",
  a10040gb: "A100-40GB",
  a10g: "A10",
  h10080gb: "H100",
  h100nvl: "H100-NVL",
  "4090": "RTX 4090",
  "5090": "RTX 5090",
};

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");

/** Names of GPUs, and of a GPU with one of its partitions, that `findGpu` takes. */
export function gpuNames(): string[] {
  return gpus.flatMap(({ name, partitions }) => [name, ...partitions.map((partition) => `${name}:${partition.name}`)]);
}

/** The partition that a MIG product label such as `NVIDIA-H100-80GB-HBM3-MIG-1g.10gb` ends with. */
function migSuffix(text: string): readonly [string, string | undefined] {
  const match = /^(.*)-MIG-(\d+g\.\d+gb)/i.exec(text);
  return match ? [match[1]!, match[2]] : [text, undefined];
}

/** Whether a size that a name ends with is that of the product: data sheets round up what drivers report. */
function hasSize(gpu: Gpu, gigabytes: number): boolean {
  return Math.abs(gpu.memoryGiB / gigabytes - 1) <= 0.1;
}

function findProduct(product: string): Gpu | undefined {
  const wanted = synonyms[plain(product)] ?? product;
  const exact =
    gpus.find(({ name }) => plain(name) === plain(wanted)) ??
    gpus.find(({ labels }) => labels.some((label) => label.test(product)));
  const sized = /^(.*\S)[\s-]*\b(\d+)\s*GB$/i.exec(product);
  if (exact !== undefined || sized === null) return exact;
  return [findProduct(sized[1]!)].find((gpu) => gpu !== undefined && hasSize(gpu, Number(sized[2])));
}

/**
 * The device that a name or a node label means: `MI300X`, `a100-40gb`, `NVIDIA-H100-80GB-HBM3`, or a partition such as
 * `MI300X:CPX/NPS4` and `NVIDIA-A100-SXM4-80GB-MIG-3g.40gb`. Undefined when the catalogue does not know it.
 */
export function findGpu(text: string): GpuDevice | undefined {
  const [whole, mig] = migSuffix(text.trim());
  const [product = "", slice = mig] = whole.split(":", 2);
  const gpu = findProduct(product);
  if (gpu === undefined || slice === undefined) return gpu;
  const partition = gpu.partitions.find(({ name }) => plain(name) === plain(slice));
  return partition && { ...gpu, name: `${gpu.name}:${partition.name}`, memoryGiB: partition.memoryGiB, partition };
}
