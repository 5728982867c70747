import { flagName, managedFlags } from "../config/engineFlags";
import type { ModelConfig } from "../config/schema/model";

/** Port that vLLM listens on in the pod: its own default, so no argument sets it. Clients see the Service's port. */
export const serverPort = 8000;

/** What the arguments of `vllm serve` depend on. */
export type EngineModel = Pick<
  ModelConfig,
  "model" | "revision" | "gpusPerReplica" | "tensorParallelSize" | "pipelineParallelSize" | "maxModelLen" | "extraArgs"
>;

/** The flags among `extraArgs` that the stack manages itself, in order, without repetition. */
export function managedFlagsIn(extraArgs: readonly string[]): string[] {
  const flags = extraArgs.map(flagName).filter((flag) => flag !== undefined && managedFlags.has(flag)) as string[];
  return [...new Set(flags)];
}

/**
 * The arguments of `vllm serve`, in a fixed order, `extraArgs` last. Only what differs from vLLM's own default is
 * written: arguments are kept in the stack's state once per model.
 *
 * @param drainSeconds seconds that in-flight requests may take to finish after SIGTERM
 * @throws when `extraArgs` holds a managed flag
 */
export function engineArguments(model: EngineModel, drainSeconds: number): string[] {
  refuseManagedFlags(model);
  return [
    model.model,
    ...(model.revision === "main" ? [] : ["--revision", model.revision]),
    ...(model.gpusPerReplica > 0 ? ["--tensor-parallel-size", `${model.tensorParallelSize}`] : []),
    ...(model.pipelineParallelSize > 1 ? ["--pipeline-parallel-size", `${model.pipelineParallelSize}`] : []),
    ...(model.maxModelLen === undefined ? [] : ["--max-model-len", `${model.maxModelLen}`]),
    "--shutdown-timeout",
    `${drainSeconds}`,
    ...model.extraArgs,
  ];
}

function refuseManagedFlags(model: EngineModel): void {
  const [flag] = managedFlagsIn(model.extraArgs);
  if (flag !== undefined) {
    throw new Error(
      `extraArgs of model ${model.model} holds ${flag}, which belongs to the stack: ${managedFlags.get(flag)}`,
    );
  }
}
