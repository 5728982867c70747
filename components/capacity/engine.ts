import { cacheBytes, dtypeBytes, type Quantization } from "./quantization";
import type { GpuDevice } from "./gpuCatalog";
import type { ModelArchitecture } from "./architecture";

/** What a server is started with, as far as memory depends on it. Absent values are vLLM's own defaults. */
export interface EngineOptions {
  /** GPUs that share each layer. Defaults to 1. */
  readonly tensorParallelSize?: number;
  /** Stages that the layers are split into. Defaults to 1. */
  readonly pipelineParallelSize?: number;
  /** Copies of the attention layers that share the experts (expert parallel). Defaults to 1. */
  readonly dataParallelSize?: number;
  /** `--dtype`; defaults to 16 bits. */
  readonly dtype?: string;
  /** `--quantization`; defaults to what the checkpoint has. */
  readonly quantization?: Quantization;
  /** `--kv-cache-dtype`; defaults to the model's dtype. */
  readonly kvCacheDtype?: string;
  /** Tokens; defaults to the model's own. */
  readonly maxModelLen?: number;
  readonly gpuMemoryUtilization?: number;
  readonly maxNumSeqs?: number;
  readonly maxNumBatchedTokens?: number;
  /** vLLM release, e.g. `0.33.0`; defaults to the one that the stack deploys. */
  readonly vllmVersion?: string;
}

/** The options with every default filled in, for one device. */
export interface ResolvedOptions {
  readonly tensorParallelSize: number;
  readonly pipelineParallelSize: number;
  readonly dataParallelSize: number;
  readonly weightBytes: number;
  readonly quantization?: Quantization;
  readonly cacheBytes: number;
  readonly maxModelLen: number;
  readonly gpuMemoryUtilization: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly minorVersion: number;
}

/** The release that estimates are for when none is named. */
export const defaultVllmVersion = "0.33.0";

/** The `33` of `0.33.0`, `v0.33.1rc1` and the like; Infinity for 1.0 and later. Undefined for what is no version. */
export function minorVersion(version: string): number | undefined {
  const match = /^v?(\d+)\.(\d+)/.exec(version.trim());
  if (!match) return undefined;
  return Number(match[1]) > 0 ? Infinity : Number(match[2]);
}

/** Memory from which vLLM takes larger batches by default, in GiB. */
const largeGpu = 70;

/**
 * vLLM's defaults for its API server: 1024 requests and 8192 tokens a step on GPUs of 70 GiB and more except the A100,
 * else 256 and 2048 (`get_batch_defaults` of vLLM's engine arguments).
 */
function batchDefaults(gpu: GpuDevice): { readonly requests: number; readonly tokens: number } {
  const isLarge = gpu.memoryGiB >= largeGpu && !gpu.name.startsWith("A100");
  return isLarge ? { requests: 1024, tokens: 8192 } : { requests: 256, tokens: 2048 };
}

/** Fills in what vLLM would choose itself. */
export function resolveOptions(model: ModelArchitecture, gpu: GpuDevice, options: EngineOptions): ResolvedOptions {
  const minor = minorVersion(options.vllmVersion ?? defaultVllmVersion) ?? minorVersion(defaultVllmVersion)!;
  const weightBytes = dtypeBytes[options.dtype ?? "auto"] ?? 2;
  const batch = batchDefaults(gpu);
  return {
    tensorParallelSize: options.tensorParallelSize ?? 1,
    pipelineParallelSize: options.pipelineParallelSize ?? 1,
    dataParallelSize: options.dataParallelSize ?? 1,
    weightBytes,
    quantization: options.quantization ?? model.quantization,
    cacheBytes: cacheBytes(options.kvCacheDtype ?? "auto", weightBytes),
    maxModelLen: options.maxModelLen ?? model.maxPositionEmbeddings,
    // 0.92 in start-up logs from 0.26 on.
    gpuMemoryUtilization: options.gpuMemoryUtilization ?? (minor >= 26 ? 0.92 : 0.9),
    maxNumSeqs: options.maxNumSeqs ?? batch.requests,
    maxNumBatchedTokens: options.maxNumBatchedTokens ?? batch.tokens,
    minorVersion: minor,
  };
}
