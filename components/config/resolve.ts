import type { ModelConfig, RawModelConfig } from "./schema/model";
import type { RawStackConfig, StackConfig } from "./schema/stack";

/** Vendor of a model's GPUs: its own, else the stack's only one; `none` on CPU. */
function gpuVendorOf(model: RawModelConfig, config: RawStackConfig): ModelConfig["gpuVendor"] {
  if (model.gpusPerReplica === 0) return "none";
  if (model.vendor) return model.vendor;
  return config.gpu.vendor === "nvidia" ? "nvidia" : "amd";
}

/**
 * Fills in what a model leaves to be derived. What cannot be derived (no namespace with several to choose from, a
 * vendor with both on the cluster) gets the first choice: the checks refuse such a config before anyone uses it.
 */
export function resolveModels(config: RawStackConfig): ModelConfig[] {
  return config.models.map((model) => ({
    ...model,
    namespace: model.namespace ?? config.namespaces[0]!.name,
    tensorParallelSize:
      model.tensorParallelSize ??
      Math.max(1, Math.floor((model.gpusPerReplica * (model.nodesPerReplica ?? 1)) / model.pipelineParallelSize)),
    gpuVendor: gpuVendorOf(model, config),
  }));
}

/** The config that components get: models resolved, secrets left out. */
export function toStackConfig(config: RawStackConfig, models: readonly ModelConfig[]): StackConfig {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- named so that it is left out of the rest
  const { secrets, ...rest } = config;
  return { ...rest, models };
}
