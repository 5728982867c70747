const onePod = "remove it: a replica is one pod; set gpusPerReplica";
const atGateway = "at a gateway in front of the Service: the probes speak plain HTTP";

/**
 * Flags of `vllm serve` (0.33.0) that belong to the stack, each with what to do instead. The last value on a command
 * line wins, so with one of them in `extraArgs` the pod's probes, ports or GPU request would no longer fit the server.
 */
export const managedFlags: ReadonlyMap<string, string> = new Map([
  ["--api-key", "remove it and check API keys at a gateway: who can read pods can read arguments"],
  ["--config", "remove it: a file could set anything that the stack sets; list its flags in extraArgs"],
  ["--data-parallel-size", "set replicas: the stack asks for the GPUs of one replica only"],
  ["--download-dir", "set storage: the stack mounts it and points the cache there"],
  ["--grpc", "remove it: the probes and the Service speak HTTP"],
  ["--headless", "remove it: a replica is one pod and must answer requests"],
  ["--hf-token", "set hfToken: who can read pods can read arguments"],
  ["--host", "remove it: the server listens on all addresses of its pod"],
  ["--master-addr", onePod],
  ["--master-port", onePod],
  ["--max-model-len", "set maxModelLen"],
  ["--model", "set model"],
  ["--nnodes", onePod],
  ["--node-rank", onePod],
  ["--pipeline-parallel-size", "set pipelineParallelSize"],
  ["--port", "set service.port: the Service maps it to the server's port"],
  ["--revision", "set revision"],
  ["--root-path", "remove it and add the path at a gateway: the probes ask without it"],
  ["--served-model-name", "remove it: clients call the model by its Hugging Face id"],
  ["--shutdown-timeout", "remove it: the stack sets it together with the pod's grace period"],
  ["--ssl-certfile", `remove it and end TLS ${atGateway}`],
  ["--ssl-keyfile", `remove it and end TLS ${atGateway}`],
  ["--tensor-parallel-size", "set tensorParallelSize"],
  ["--uds", "remove it: the probes and the Service need a port"],
]);

const shortFlags: ReadonlyMap<string, string> = new Map([
  ["-dp", "--data-parallel-size"],
  ["-n", "--nnodes"],
  ["-pp", "--pipeline-parallel-size"],
  ["-r", "--node-rank"],
  ["-tp", "--tensor-parallel-size"],
]);

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
