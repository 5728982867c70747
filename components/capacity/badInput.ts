import type { ModelArchitecture } from "./architecture";
import type { EngineOptions } from "./engine";
import type { GpuDevice } from "./gpuCatalog";
import { needsQuantizedCheckpoint, supportedQuantization, supportsDtype } from "./quantization";

/** A value with which vLLM would not start whatever the memory. */
export interface BadInput {
  /** The option to blame, as the stack config names it. */
  readonly key: "tensorParallelSize" | "pipelineParallelSize" | "maxModelLen" | "quantization" | "dtype" | "model";
  readonly allowed: string;
  readonly next: string;
}

/** What was asked for, beside the architecture. */
export interface Request extends EngineOptions {
  /** The `--quantization` that was asked for by name. */
  readonly quantizationName?: string;
  /** A question about a checkpoint that may be yet to be found or made: only its size counts. */
  readonly isPlan?: boolean;
}

function divisors(count: number): string {
  return [1, 2, 4, 8, 16, 32].filter((size) => count % size === 0).join(", ");
}

function badParallelism(model: ModelArchitecture, request: Request): BadInput[] {
  const { tensorParallelSize = 1, pipelineParallelSize = 1 } = request;
  const problems: BadInput[] = [];
  if (model.attentionHeads % tensorParallelSize !== 0) {
    const allowed = `a divisor of the model's ${model.attentionHeads} attention heads, such as ${divisors(model.attentionHeads)}`;
    problems.push({ key: "tensorParallelSize", allowed, next: "change it, or split the rest by pipelineParallelSize" });
  }
  if (pipelineParallelSize > model.layers) {
    const allowed = `at most ${model.layers}, the model's layers`;
    problems.push({ key: "pipelineParallelSize", allowed, next: "lower it" });
  }
  return problems;
}

function badContext(model: ModelArchitecture, { maxModelLen }: Request): BadInput[] {
  if (maxModelLen === undefined || maxModelLen <= model.maxPositionEmbeddings) return [];
  const allowed = `at most ${model.maxPositionEmbeddings}, the longest context that the model was made for`;
  return [{ key: "maxModelLen", allowed, next: "lower it, or choose a model with a longer context" }];
}

function badQuantization(model: ModelArchitecture, gpu: GpuDevice | undefined, request: Request): BadInput[] {
  const { quantizationName } = request;
  const native = model.quantization?.name;
  const isStored = quantizationName !== undefined && needsQuantizedCheckpoint.has(quantizationName);
  // Numbers alone do not say how the checkpoint is stored.
  if (isStored && native === undefined && model.family !== "numbers" && request.isPlan !== true) {
    const allowed = `fp8 or bitsandbytes, as the checkpoint is not quantized; ${quantizationName} weights cannot be made while it loads`;
    return [{ key: "quantization", allowed, next: `name a model that was published in ${quantizationName}` }];
  }
  // A copy's name may leave out its method (FP8 is often compressed-tensors), but AWQ and GPTQ are no names for each other.
  const isOtherPacking =
    native !== quantizationName && [native, quantizationName].every((name) => name === "awq" || name === "gptq");
  const isExact = native !== undefined && (model.quantization?.isAssumed !== true || isOtherPacking);
  if (quantizationName !== undefined && isExact && request.isPlan !== true) {
    if (quantizationName !== native) {
      const allowed = `${native}, which the checkpoint is stored in`;
      return [{ key: "quantization", allowed, next: "leave it out" }];
    }
  }
  const name = quantizationName ?? native;
  if (gpu === undefined || name === undefined) return [];
  const supported = supportedQuantization[gpu.architecture];
  if (supported.has(name)) return [];
  const methods = [...supported].sort().join(", ");
  const allowed = `one of ${methods}: what vLLM runs on ${gpu.name} (${gpu.architecture}); ${name} is not among them`;
  const key = quantizationName === undefined ? "model" : "quantization";
  return [{ key, allowed, next: "choose one of them, or GPUs that have it" }];
}

function badDtype(gpu: GpuDevice | undefined, { dtype }: Request): BadInput[] {
  if (gpu === undefined || dtype === undefined || supportsDtype(gpu.architecture, dtype)) return [];
  return [{ key: "dtype", allowed: `float16 or float32: ${gpu.name} has no ${dtype}`, next: "change it" }];
}

/** Everything about a request that keeps vLLM from starting. Without a GPU, what depends on it is left out. */
export function badInputs(model: ModelArchitecture, gpu: GpuDevice | undefined, request: Request): BadInput[] {
  return [
    ...badParallelism(model, request),
    ...badContext(model, request),
    ...badQuantization(model, gpu, request),
    ...badDtype(gpu, request),
  ];
}
