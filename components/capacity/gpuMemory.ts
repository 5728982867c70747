import type { GpuDevice } from "./gpuCatalog";
import { gpus } from "./gpus";

const GiB = 2 ** 30;

/**
 * Memory of a device in GiB as its node label tells it. AMD's node labeller rounds to GiB. NVIDIA's GPU feature discovery
 * gives what the driver has, of which PyTorch, whose figure the catalogue holds, sees up to 1% less.
 */
function labelledGiB({ vendor, memoryGiB }: Pick<GpuDevice, "vendor" | "memoryGiB">): number {
  return vendor === "amd" ? Math.round(memoryGiB) : memoryGiB;
}

/** Whether a device has at least as much memory, in bytes. */
export function hasMemory(gpu: Pick<GpuDevice, "vendor" | "memoryGiB">, bytes: number): boolean {
  return labelledGiB(gpu) * GiB >= bytes;
}

/**
 * Values of the label `amd.com/gpu.vram` with at least as much memory: `64G`, `192G`, … A label is text, which a node
 * selector cannot compare by size, so these are the sizes of the known GPUs and of their partitions.
 */
export function amdMemoryLabels(bytes: number): string[] {
  const sizes = gpus
    .filter(({ vendor }) => vendor === "amd")
    .flatMap(({ vendor, memoryGiB, partitions }) =>
      [memoryGiB, ...partitions.map((part) => part.memoryGiB)].map((size) => labelledGiB({ vendor, memoryGiB: size })),
    );
  const enough = [...new Set(sizes)].filter((size) => size * GiB >= bytes);
  return enough.sort((a, b) => a - b).map((size) => `${size}G`);
}

/** Most memory of a known device of a vendor, in GiB. */
export function mostMemory(wanted: GpuDevice["vendor"]): number {
  return Math.max(...gpus.filter(({ vendor }) => vendor === wanted).map(labelledGiB));
}
