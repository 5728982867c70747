import type { ModelArchitecture } from "./architecture";
import { badInputs } from "./badInput";
import type { EngineOptions } from "./engine";
import { estimate } from "./estimate";
import { findGpu, type GpuDevice } from "./gpuCatalog";
import { gpus } from "./gpus";
import { quantizations, supportedQuantization } from "./quantization";

/** One change with which a model would fit. */
export interface Suggestion {
  /** What is to be set, by the names of the stack config. */
  readonly change: Readonly<Record<string, string | number>>;
  /** The change in words. */
  readonly text: string;
}

/** A model, where it is to run and how. */
export interface Placement {
  readonly model: ModelArchitecture;
  readonly gpu: GpuDevice;
  readonly options: EngineOptions;
}

const fits = ({ model, gpu, options }: Placement): boolean =>
  badInputs(model, gpu, options).length === 0 && estimate(model, gpu, options).fits;

const withOptions = (placement: Placement, options: EngineOptions): Placement => ({
  ...placement,
  options: { ...placement.options, ...options },
});

/** GPUs of one node. */
const nodeSize = 8;

/** What to set for so many ranks: one node as long as it has the GPUs, whole nodes beyond. */
function ranksChange(tensor: number, stages: number): Suggestion {
  const gpus = tensor * stages;
  const sizes = { tensorParallelSize: tensor, ...(stages > 1 ? { pipelineParallelSize: stages } : {}) };
  const how = `tensor parallel size ${tensor}${stages > 1 ? ` and pipeline parallel size ${stages}` : ""}`;
  if (gpus <= nodeSize)
    return { change: { gpusPerReplica: gpus, ...sizes }, text: `${gpus} GPUs a replica, with ${how}` };
  const nodes = gpus / nodeSize;
  const change = { gpusPerReplica: nodeSize, nodesPerReplica: nodes, ...sizes };
  return { change, text: `${nodeSize} GPUs on each of ${nodes} nodes a replica, with ${how}` };
}

function moreGpus(placement: Placement): Suggestion[] {
  const { tensorParallelSize = 1, pipelineParallelSize = 1 } = placement.options;
  for (let tensor = tensorParallelSize * 2; tensor <= nodeSize; tensor *= 2) {
    if (fits(withOptions(placement, { tensorParallelSize: tensor })))
      return [ranksChange(tensor, pipelineParallelSize)];
  }
  for (let stages = pipelineParallelSize * 2; stages <= nodeSize; stages *= 2) {
    const sizes = { tensorParallelSize: nodeSize, pipelineParallelSize: stages };
    if (tensorParallelSize <= nodeSize && fits(withOptions(placement, sizes))) return [ranksChange(nodeSize, stages)];
  }
  return [];
}

/** Contexts are suggested in steps of so many tokens. */
const contextStep = 1024;

function shorterContext(placement: Placement): Suggestion[] {
  const longest = placement.options.maxModelLen ?? placement.model.maxPositionEmbeddings;
  const fitsWith = (steps: number): boolean => fits(withOptions(placement, { maxModelLen: steps * contextStep }));
  let low = 0;
  let high = Math.floor((longest - 1) / contextStep);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fitsWith(middle)) low = middle;
    else high = middle - 1;
  }
  if (low === 0) return [];
  const maxModelLen = low * contextStep;
  return [{ change: { maxModelLen }, text: `a context of at most ${maxModelLen} tokens` }];
}

function smallerWeights(placement: Placement): Suggestion[] {
  const { model, gpu, options } = placement;
  const isQuantized = (options.quantization ?? model.quantization) !== undefined;
  if (isQuantized || !supportedQuantization[gpu.architecture].has("fp8")) return [];
  if (!fits(withOptions(placement, { quantization: quantizations.fp8 }))) return [];
  return [{ change: { quantization: "fp8" }, text: "fp8 weights" }];
}

function smallerCache(placement: Placement): Suggestion[] {
  const { kvCacheDtype = "auto" } = placement.options;
  if (kvCacheDtype.startsWith("fp8") || !fits(withOptions(placement, { kvCacheDtype: "fp8" }))) return [];
  return [{ change: { kvCacheDtype: "fp8" }, text: "an fp8 KV cache" }];
}

function anotherGpu(placement: Placement): Suggestion[] {
  const { vendor, name } = placement.gpu;
  const larger = gpus
    .filter((gpu) => gpu.memoryGiB > placement.gpu.memoryGiB && fits({ ...placement, gpu }))
    .sort((a, b) => Number(b.vendor === vendor) - Number(a.vendor === vendor) || a.memoryGiB - b.memoryGiB);
  const whole = name.includes(":") ? findGpu(name.split(":", 1)[0]!) : undefined;
  const best = whole !== undefined && fits({ ...placement, gpu: whole }) ? whole : larger[0];
  if (best === undefined) return [];
  const text = `another GPU: ${best.name} with ${best.memoryGiB} GiB`;
  return [{ change: { gpu: best.name }, text }];
}

/** The smallest single changes with which at least one request of full length fits, the least costly first. */
export function suggestions(placement: Placement): Suggestion[] {
  return [
    ...smallerCache(placement),
    ...smallerWeights(placement),
    ...shorterContext(placement),
    ...moreGpus(placement),
    ...anotherGpu(placement),
  ];
}
