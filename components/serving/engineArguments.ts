import { flagName, remedyFor } from "../config/engineFlags";
import type { LoraConfig, SpeculativeConfig } from "../config/schema/engine";
import type { ModelConfig } from "../config/schema/model";
import { hasFlag } from "../config/vllmRelease";
import { sourceArguments } from "./weightSource";

/** Port that vLLM listens on in the pod: its own default, so no argument sets it. Clients see the Service's port. */
export const serverPort = 8000;

/** What the arguments of `vllm serve` depend on. */
export type EngineModel = Pick<
  ModelConfig,
  | "model"
  | "image"
  | "revision"
  | "weights"
  | "gpusPerReplica"
  | "tensorParallelSize"
  | "pipelineParallelSize"
  | "maxModelLen"
  | "dtype"
  | "quantization"
  | "kvCacheDtype"
  | "gpuMemoryUtilization"
  | "maxNumSeqs"
  | "maxNumBatchedTokens"
  | "runner"
  | "convert"
  | "loras"
  | "speculative"
  | "nodesPerReplica"
  | "extraArgs"
>;

/** The leader of a replica serves requests; its workers, on further nodes, only compute. */
export type Rank = "leader" | "worker";

/** The flags among `extraArgs` that the stack manages itself, in order, without repetition. */
export function managedFlagsIn(extraArgs: readonly string[]): string[] {
  const flags = extraArgs
    .map(flagName)
    .filter((flag) => flag !== undefined && remedyFor(flag) !== undefined) as string[];
  return [...new Set(flags)];
}

/**
 * The arguments of `vllm serve`, in a fixed order, `extraArgs` last. Only what differs from vLLM's own default is
 * written: arguments are kept in the stack's state once per model.
 *
 * @param drainSeconds seconds that in-flight requests may take to finish after SIGTERM; releases before 0.18 cannot
 * drain and get no such flag
 * @param rank the pod's part in a replica of several nodes; the controller of LeaderWorkerSet sets the variables
 * @param middleware class that wraps the HTTP server, as `module.Class`
 * @throws when `extraArgs` holds a managed flag
 */
export function engineArguments(
  model: EngineModel,
  drainSeconds: number,
  rank: Rank = "leader",
  middleware?: string,
): string[] {
  refuseManagedFlags(model);
  return [
    ...sourceArguments(model),
    ...flag("--runner", model.runner),
    ...flag("--convert", model.convert),
    ...flag("--tensor-parallel-size", model.gpusPerReplica > 0 ? model.tensorParallelSize : undefined),
    ...flag("--pipeline-parallel-size", model.pipelineParallelSize > 1 ? model.pipelineParallelSize : undefined),
    ...rankArguments(model, rank),
    ...sizingArguments(model),
    ...loraArguments(model.loras ?? []),
    ...flag("--speculative-config", model.speculative === undefined ? undefined : speculativeJson(model.speculative)),
    ...flag("--shutdown-timeout", hasFlag(model.image, "--shutdown-timeout") ? drainSeconds : undefined),
    ...flag("--middleware", middleware),
    ...model.extraArgs,
  ];
}

function rankArguments({ nodesPerReplica = 1 }: EngineModel, rank: Rank): string[] {
  if (nodesPerReplica === 1) return [];
  return [
    ...flag("--nnodes", nodesPerReplica),
    ...flag("--node-rank", "$(LWS_WORKER_INDEX)"),
    ...flag("--master-addr", "$(LWS_LEADER_ADDRESS)"),
    ...(rank === "worker" ? ["--headless"] : []),
  ];
}

function sizingArguments(model: EngineModel): string[] {
  return [
    ...flag("--max-model-len", model.maxModelLen),
    ...flag("--dtype", model.dtype),
    ...flag("--quantization", model.quantization),
    ...flag("--kv-cache-dtype", model.kvCacheDtype),
    ...flag("--gpu-memory-utilization", model.gpuMemoryUtilization),
    ...flag("--max-num-seqs", model.maxNumSeqs),
    ...flag("--max-num-batched-tokens", model.maxNumBatchedTokens),
  ];
}

function flag(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, `${value}`];
}

function loraArguments(loras: readonly LoraConfig[]): string[] {
  if (loras.length === 0) return [];
  const modules = loras.map((lora) => `${lora.name}=${"path" in lora ? lora.path : lora.id}`);
  return ["--enable-lora", "--lora-modules", ...modules];
}

/** The value of `--speculative-config`, by vLLM's names. */
function speculativeJson(speculative: SpeculativeConfig): string {
  const { method, model, revision, numSpeculativeTokens, promptLookupMax } = speculative;
  return JSON.stringify({
    method,
    model,
    revision,
    num_speculative_tokens: numSpeculativeTokens,
    prompt_lookup_max: promptLookupMax,
  });
}

function refuseManagedFlags(model: EngineModel): void {
  const [managed] = managedFlagsIn(model.extraArgs);
  if (managed !== undefined) {
    throw new Error(
      `extraArgs of model ${model.model} holds ${managed}, which belongs to the stack: ${remedyFor(managed)}`,
    );
  }
}
