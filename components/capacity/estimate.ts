import type { ModelArchitecture } from "./architecture";
import { resolveOptions, type EngineOptions, type ResolvedOptions } from "./engine";
import type { GpuDevice } from "./gpuCatalog";
import { blocksPerRequest, kvBytesPerToken, kvCacheLayout } from "./kvCache";
import { overheadBytes, type Range } from "./overhead";
import { weightBytesPerGpu } from "./weights";

const GiB = 2 ** 30;

/** What a model needs on each GPU of a replica, and what is left for requests. */
export interface Estimate {
  /** Whether at least one request of full length fits when the overhead is in the middle of its range. */
  readonly fits: boolean;
  /** Whether it fits even at the highest overhead. */
  readonly fitsForSure: boolean;
  readonly weightsGiBPerGpu: number;
  readonly kvBytesPerTokenPerGpu: number;
  readonly overheadGiBPerGpu: Range;
  /** Memory that vLLM may use: total × utilization. */
  readonly budgetGiBPerGpu: number;
  /** What is left for the cache, from the highest overhead to the lowest; never below 0. */
  readonly kvGiBPerGpu: Range;
  /** Tokens that the cache holds, from the highest overhead to the lowest. */
  readonly kvTokens: Range;
  /** Requests of full length at a time, at the middle of the overhead. */
  readonly maxConcurrency: number;
  /** Cache that one request of full length takes, in GiB. */
  readonly requestGiBPerGpu: number;
  readonly options: ResolvedOptions;
}

/**
 * Estimates the memory of one replica on one kind of GPU.
 *
 * budget = memory × utilization; cache = budget − weights − overhead. The parts are documented where they are computed
 * (`weights.ts`, `kvCache.ts`, `overhead.ts`) and compared with vLLM's logs in docs/capacity.md.
 */
export function estimate(model: ModelArchitecture, gpu: GpuDevice, engine: EngineOptions = {}): Estimate {
  const options = resolveOptions(model, gpu, engine);
  const budget = gpu.memoryGiB * GiB * options.gpuMemoryUtilization;
  const weights = weightBytesPerGpu(model, options);
  const [low, high] = overheadBytes(model, options);
  const left = (overhead: number): number => budget - weights - overhead;
  const layout = kvCacheLayout(model, options);
  const perToken = kvBytesPerToken(model, options);
  const request = blocksPerRequest(layout, options.maxModelLen, options) * layout.blockBytes;
  const blocks = (bytes: number): number => Math.max(0, Math.floor(bytes / layout.blockBytes));
  const tokens = (bytes: number): number => Math.floor((blocks(bytes) * layout.blockBytes) / perToken);
  const middle = left((low + high) / 2);
  return {
    fits: middle >= request,
    fitsForSure: left(high) >= request,
    weightsGiBPerGpu: weights / GiB,
    kvBytesPerTokenPerGpu: perToken,
    overheadGiBPerGpu: [low / GiB, high / GiB],
    budgetGiBPerGpu: budget / GiB,
    kvGiBPerGpu: [Math.max(0, left(high)) / GiB, Math.max(0, left(low)) / GiB],
    kvTokens: [tokens(left(high)), tokens(left(low))],
    maxConcurrency: (blocks(middle) * layout.blockBytes) / request,
    requestGiBPerGpu: request / GiB,
    options,
  };
}
