import type { ModelConfig } from "../../../components/config/schema/model";

/** A complete model config; tests change what they are about. */
export function modelConfig(changes: Partial<ModelConfig> = {}): ModelConfig {
  return {
    name: "qwen",
    model: "Qwen/Qwen3-8B",
    revision: "main",
    namespace: "llm",
    replicas: 1,
    gpusPerReplica: 1,
    gpuVendor: "amd",
    tensorParallelSize: 1,
    pipelineParallelSize: 1,
    extraArgs: [],
    resources: { cpu: "8", memory: "64Gi", sharedMemory: "16Gi" },
    service: { type: "LoadBalancer", port: 8000 },
    ...changes,
  };
}
