import type { ModelArchitecture } from "../architecture";
import type { EngineOptions } from "../engine";
import { findGpu, type GpuDevice } from "../gpuCatalog";
import { findModel } from "../modelCatalog";

/** What vLLM logged at one start, as public issues and pages quote it. Absent is what the source does not say. */
export interface Observation {
  readonly id: string;
  readonly source_url?: string;
  readonly vllm_version?: string | null;
  readonly model?: string | null;
  readonly tp?: number | null;
  readonly pp?: number | null;
  readonly gpu?: string | null;
  readonly gpu_mem_total_gib?: number | null;
  readonly gpu_memory_utilization?: number | null;
  readonly max_model_len?: number | null;
  readonly max_num_batched_tokens?: number | null;
  readonly max_num_seqs?: number | null;
  readonly kv_cache_dtype?: string | null;
  readonly model_loading_gib?: number | null;
  readonly available_kv_gib?: number | null;
  readonly kv_tokens?: number | null;
  readonly max_concurrency_len?: number | null;
  readonly max_concurrency_x?: number | null;
  readonly outcome?: string | null;
  readonly notes?: string | null;
}

/** The model of an observation; undefined when it is not in the catalogue, or more than the model was loaded. */
export function observedModel({ model, notes }: Observation): ModelArchitecture | undefined {
  // A speculator's layers and redundant experts are no part of the model.
  if (/EAGLE|EPLB/.test(`${model ?? ""} ${notes ?? ""}`)) return undefined;
  return findModel((model ?? "").replace(/\s*\(.*$/, ""))?.architecture;
}

/** The GPU of an observation, with the memory that its log states where it does. */
export function observedGpu({ gpu, gpu_mem_total_gib: memory }: Observation): GpuDevice | undefined {
  const known = findGpu((gpu ?? "").replace(/\s*\(.*$/, ""));
  if (known === undefined || memory === undefined || memory === null) return known;
  return { ...known, memoryGiB: memory };
}

/** What is known of how the server was started. */
export function observedOptions(observation: Observation): EngineOptions {
  const known = <T>(value: T | null | undefined): T | undefined => value ?? undefined;
  return {
    tensorParallelSize: known(observation.tp),
    pipelineParallelSize: known(observation.pp),
    kvCacheDtype: known(observation.kv_cache_dtype),
    maxModelLen: known(observation.max_model_len) ?? known(observation.max_concurrency_len),
    gpuMemoryUtilization: known(observation.gpu_memory_utilization),
    maxNumSeqs: known(observation.max_num_seqs),
    maxNumBatchedTokens: known(observation.max_num_batched_tokens),
    vllmVersion: known(observation.vllm_version),
  };
}
