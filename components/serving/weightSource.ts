import { posix } from "node:path";
import type * as k8s from "../kubernetes";
import type { ModelConfig } from "../config/schema/model";
import type { WeightsConfig } from "../config/schema/weights";

type EnvVar = k8s.types.input.core.v1.EnvVar;

/** Where weights from an image are mounted. */
const weightsPath = "/weights";

/**
 * Bytes that each process may hold of what it streams from a bucket. By default the streamer takes room for all that
 * it reads, beyond any memory limit; this is a file of weights, which the checks of the config count as well.
 */
export const streamBytes = 5e9;

export type SourcedModel = Pick<ModelConfig, "model" | "revision" | "weights" | "loras" | "speculative">;

/**
 * What `vllm serve` is told to load, and from where. Clients call the model by its Hugging Face id in any case.
 */
export function sourceArguments({ model, revision, weights }: SourcedModel): string[] {
  if (weights === undefined) return [model, ...(revision === "main" ? [] : ["--revision", revision])];
  const named = ["--served-model-name", model];
  return weights.type === "image"
    ? // Not by a subPath of the mount: containerd before 2.2 ignores it without a word.
      [posix.join(weightsPath, weights.path ?? ""), ...named]
    : [weights.url, ...named, "--load-format", "runai_streamer"];
}

/** Whether a server finds all that it loads without asking Hugging Face. */
export function isSelfContained({ weights, loras = [], speculative }: SourcedModel): boolean {
  // With an s3:// address vLLM must not be offline: it would look the address up in the cache.
  if (weights?.type !== "image") return false;
  return speculative?.model === undefined && loras.every((lora) => "path" in lora);
}

/** The parts of a pod that a source other than Hugging Face adds. */
export interface SourceParts {
  readonly volumes: k8s.types.input.core.v1.Volume[];
  readonly volumeMounts: k8s.types.input.core.v1.VolumeMount[];
  readonly env: EnvVar[];
  readonly imagePullSecrets?: k8s.types.input.core.v1.LocalObjectReference[];
}

/** Volume, mount and environment of a model's weights. */
export function sourceParts({ weights }: SourcedModel): SourceParts {
  if (weights === undefined) return { volumes: [], volumeMounts: [], env: [] };
  if (weights.type === "s3") return { volumes: [], volumeMounts: [], env: s3Environment(weights) };
  const { reference, pullSecret } = weights;
  return {
    volumes: [{ name: "weights", image: { reference, pullPolicy: "IfNotPresent" } }],
    volumeMounts: [{ name: "weights", mountPath: weightsPath, readOnly: true }],
    env: [],
    ...(pullSecret === undefined ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
  };
}

/** Names are those of the AWS SDK, which the streamer uses, and of the streamer (run-ai/runai-model-streamer). */
function s3Environment({ endpoint, region, secretName }: Extract<WeightsConfig, { type: "s3" }>): EnvVar[] {
  const plain = (name: string, value: string | undefined): EnvVar[] => (value === undefined ? [] : [{ name, value }]);
  const secret = (key: string): EnvVar[] =>
    secretName === undefined ? [] : [{ name: key, valueFrom: { secretKeyRef: { name: secretName, key } } }];
  return [
    ...secret("AWS_ACCESS_KEY_ID"),
    ...secret("AWS_SECRET_ACCESS_KEY"),
    ...plain("AWS_REGION", region),
    ...plain("AWS_ENDPOINT_URL", endpoint),
    ...plain("RUNAI_STREAMER_S3_ENDPOINT", endpoint),
    // Stores other than AWS have no host name a bucket, and no metadata service to ask for credentials.
    ...plain("RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING", endpoint === undefined ? undefined : "0"),
    ...plain("AWS_EC2_METADATA_DISABLED", endpoint === undefined ? undefined : "true"),
    { name: "RUNAI_STREAMER_MEMORY_LIMIT", value: `${streamBytes}` },
  ];
}
