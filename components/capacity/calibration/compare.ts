import { resolveOptions } from "../engine";
import { estimate } from "../estimate";
import { gpus } from "../gpus";
import { blocksPerRequest, kvBytesPerToken, kvCacheLayout } from "../kvCache";
import { weightBytesPerGpu } from "../weights";
import { observedGpu, observedModel, observedOptions, type Observation } from "./observation";

const GiB = 2 ** 30;

/** An estimate beside what was logged. */
export interface Comparison {
  readonly id: string;
  readonly estimated: number;
  readonly observed: number;
  /** estimated / observed − 1. */
  readonly error: number;
}

/** Whether what was logged lies in the estimated range. */
export interface RangeComparison {
  readonly id: string;
  readonly range: readonly [number, number];
  readonly observed: number;
  readonly isInside: boolean;
}

/** Whether the server started, beside what was estimated. */
export interface OutcomeComparison {
  readonly id: string;
  readonly fits: boolean;
  readonly started: boolean;
}

/** Everything that can be compared. */
export interface Calibration {
  readonly weights: readonly Comparison[];
  readonly kvBytesPerToken: readonly Comparison[];
  readonly concurrency: readonly Comparison[];
  readonly overhead: readonly RangeComparison[];
  readonly kvMemory: readonly RangeComparison[];
  readonly outcomes: readonly OutcomeComparison[];
}

function compared(id: string, estimated: number, observed: number): Comparison {
  return { id, estimated, observed, error: estimated / observed - 1 };
}

/** Weights and bytes a token hardly depend on the GPU: where a source does not name it, any large one will do. */
const anyGpu = gpus[0]!;

function weightErrors(observation: Observation): Comparison[] {
  const model = observedModel(observation);
  if (model === undefined || !observation.model_loading_gib) return [];
  const options = resolveOptions(model, observedGpu(observation) ?? anyGpu, observedOptions(observation));
  return [compared(observation.id, weightBytesPerGpu(model, options) / GiB, observation.model_loading_gib)];
}

function kvErrors(observation: Observation): Comparison[] {
  const model = observedModel(observation);
  const { available_kv_gib: available, kv_tokens: tokens } = observation;
  if (model === undefined || !available || !tokens) return [];
  const options = resolveOptions(model, observedGpu(observation) ?? anyGpu, observedOptions(observation));
  return [compared(observation.id, kvBytesPerToken(model, options), (available * GiB) / tokens)];
}

function concurrencyErrors(observation: Observation): Comparison[] {
  const model = observedModel(observation);
  const { available_kv_gib: available, max_concurrency_x: observed } = observation;
  if (model === undefined || !available || !observed) return [];
  const options = resolveOptions(model, observedGpu(observation) ?? anyGpu, observedOptions(observation));
  const layout = kvCacheLayout(model, options);
  const request = blocksPerRequest(layout, options.maxModelLen, options);
  return [compared(observation.id, Math.floor((available * GiB) / layout.blockBytes) / request, observed)];
}

function ranges(observation: Observation): { overhead: RangeComparison[]; kvMemory: RangeComparison[] } {
  const model = observedModel(observation);
  const gpu = observedGpu(observation);
  const { available_kv_gib: available, model_loading_gib: weights, id } = observation;
  if (model === undefined || gpu === undefined || available === undefined || available === null) {
    return { overhead: [], kvMemory: [] };
  }
  const result = estimate(model, gpu, observedOptions(observation));
  const inside = (range: readonly [number, number], observed: number): RangeComparison => ({
    id,
    range,
    observed,
    isInside: observed >= range[0] && observed <= range[1],
  });
  const kvMemory = available > 0 ? [inside(result.kvGiBPerGpu, available)] : [];
  if (!weights) return { overhead: [], kvMemory };
  return { overhead: [inside(result.overheadGiBPerGpu, result.budgetGiBPerGpu - weights - available)], kvMemory };
}

const started = new Set(["fits"]);
const refused = new Set(["refused_kv", "no_cache_blocks", "oom_load"]);

function outcomes(observation: Observation): OutcomeComparison[] {
  const model = observedModel(observation);
  const gpu = observedGpu(observation);
  const outcome = observation.outcome ?? "";
  const isComplete = observation.gpu_memory_utilization && observation.max_model_len;
  if (model === undefined || gpu === undefined || !isComplete) return [];
  if (!started.has(outcome) && !refused.has(outcome)) return [];
  const { fits } = estimate(model, gpu, observedOptions(observation));
  return [{ id: observation.id, fits, started: started.has(outcome) }];
}

/** Compares the estimator with observations, as far as each says enough. */
export function compare(observations: readonly Observation[]): Calibration {
  const both = observations.map(ranges);
  return {
    weights: observations.flatMap(weightErrors),
    kvBytesPerToken: observations.flatMap(kvErrors),
    concurrency: observations.flatMap(concurrencyErrors),
    overhead: both.flatMap(({ overhead }) => overhead),
    kvMemory: both.flatMap(({ kvMemory }) => kvMemory),
    outcomes: observations.flatMap(outcomes),
  };
}

/** The median of the errors' sizes, and the comparison with the worst. */
export function summary(comparisons: readonly Comparison[]): { readonly median: number; readonly worst: Comparison } {
  const sorted = [...comparisons].sort((a, b) => Math.abs(a.error) - Math.abs(b.error));
  const middle = Math.floor(sorted.length / 2);
  const size = (index: number): number => Math.abs(sorted[index]!.error);
  return {
    median: sorted.length % 2 === 1 ? size(middle) : (size(middle - 1) + size(middle)) / 2,
    worst: sorted.at(-1)!,
  };
}
