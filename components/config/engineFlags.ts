import flags033 from "./vllmFlags/0.33.json";

const ranks = "set nodesPerReplica: the stack tells each pod its rank";
const oneEngine = "set replicas: the stack asks for the GPUs of one replica only";
const atGateway = "at a gateway in front of the Service: the probes speak plain HTTP";

/**
 * Flags of `vllm serve` (0.33.0) that belong to the stack, each with what to do instead. The last value on a command
 * line wins, so with one of them in `extraArgs` the pod's probes, ports or GPU request would no longer fit the server.
 */
export const managedFlags: ReadonlyMap<string, string> = new Map([
  ["--api-key", "remove it and check API keys at a gateway: who can read pods can read arguments"],
  ["--config", "remove it: a file could set anything that the stack sets; list its flags in extraArgs"],
  ["--convert", "set convert"],
  ["--data-parallel-external-lb", oneEngine],
  ["--data-parallel-hybrid-lb", oneEngine],
  ["--data-parallel-rank", oneEngine],
  ["--data-parallel-size", oneEngine],
  ["--data-parallel-size-local", oneEngine],
  ["--data-parallel-start-rank", oneEngine],
  ["--device-ids", "remove it: the device plugin gives each replica its GPUs"],
  ["--download-dir", "set storage: the stack mounts it and points the cache there"],
  ["--dtype", "set dtype"],
  ["--enable-lora", "set loras"],
  ["--gpu-memory-utilization", "set gpuMemoryUtilization"],
  ["--grpc", "remove it: the probes and the Service speak HTTP"],
  ["--headless", ranks],
  ["--hf-token", "set hfToken: who can read pods can read arguments"],
  ["--host", "remove it: the server listens on all addresses of its pod"],
  ["--kv-cache-dtype", "set kvCacheDtype"],
  ["--lora-modules", "set loras"],
  ["--master-addr", ranks],
  ["--master-port", ranks],
  ["--max-model-len", "set maxModelLen"],
  ["--max-num-batched-tokens", "set maxNumBatchedTokens"],
  ["--max-num-seqs", "set maxNumSeqs"],
  ["--model", "set model"],
  ["--nnodes", ranks],
  ["--node-rank", ranks],
  ["--pipeline-parallel-size", "set pipelineParallelSize"],
  ["--port", "set service.port: the Service maps it to the server's port"],
  ["--quantization", "set quantization"],
  ["--revision", "set revision"],
  ["--root-path", "remove it and add the path at a gateway: the probes ask without it"],
  ["--runner", "set runner"],
  ["--served-model-name", "remove it: clients call the model by its Hugging Face id"],
  ["--shutdown-timeout", "remove it: the stack sets it together with the pod's grace period"],
  ["--spec-method", "set speculative.method"],
  ["--spec-model", "set speculative.model"],
  ["--spec-tokens", "set speculative.numSpeculativeTokens"],
  ["--speculative-config", "set speculative"],
  ["--ssl-certfile", `remove it and end TLS ${atGateway}`],
  ["--ssl-keyfile", `remove it and end TLS ${atGateway}`],
  ["--tensor-parallel-size", "set tensorParallelSize"],
  ["--uds", "remove it: the probes and the Service need a port"],
]);

const shortFlags: ReadonlyMap<string, string> = new Map(Object.entries(flags033.short));

/** What to do instead of giving a flag, or its --no- form, in `extraArgs`; undefined when the stack does not manage it. */
export function remedyFor(flag: string): string | undefined {
  return managedFlags.get(flag) ?? managedFlags.get(flag.replace(/^--no-/, "--"));
}

/**
 * The flag that a command-line argument starts with, in the spelling of `managedFlags`; undefined when it is a value.
 * vLLM takes `_` for `-`, `--flag=value`, `--flag.key` for one key of a structured flag, and short forms.
 */
export function flagName(argument: string): string | undefined {
  const word = /^--?[A-Za-z][^\s=]*/.exec(argument.trim())?.[0];
  if (word === undefined) return undefined;
  const [flag] = word.split(".", 1) as [string];
  return shortFlags.get(flag) ?? (flag.startsWith("--") ? flag.replaceAll("_", "-") : flag);
}
