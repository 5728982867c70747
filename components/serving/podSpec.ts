import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { parseQuantity } from "../capacity/quantity";
import type { ModelConfig } from "../config/schema/model";
import { engineArguments, serverPort } from "./engineArguments";
import { imageOf, nonRootUser, type ContainerUser } from "./images";
import { terminationGracePeriodSeconds, type Drain } from "./lifecycle";
import { gpuResources, placementOf } from "./placement";
import { probes } from "./probes";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Container = k8s.types.input.core.v1.Container;
type EnvVar = k8s.types.input.core.v1.EnvVar;

/** Where the cache volume is mounted. */
export const cachePath = "/models";

/** A key of a Secret in the model's namespace. */
export interface SecretKey {
  readonly name: pulumi.Input<string>;
  readonly key: string;
}

/** What a pod needs besides its model's config. */
export interface PodOptions {
  /** Claim of the volume for weights and compiled kernels. */
  readonly cacheClaim: pulumi.Input<string>;
  /** Hugging Face token, for gated models. */
  readonly hfToken?: SecretKey;
  readonly user: ContainerUser;
  /** Group ids of the host that own its GPU devices. */
  readonly deviceGroups: readonly number[];
  readonly drain: Drain;
  /** Seconds that a start may take. */
  readonly startupBudget: number;
}

/**
 * The pod of one replica.
 *
 * @throws when /dev/shm does not fit into the memory that it is counted in, or `extraArgs` holds a managed flag
 */
export function podSpec(model: ModelConfig, options: PodOptions): PodSpec {
  refuseOversizedSharedMemory(model);
  return {
    // A Service named vllm would put VLLM_PORT=tcp://… into the environment, which vLLM takes for its own setting.
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    ...placementOf(model.gpuVendor),
    terminationGracePeriodSeconds: terminationGracePeriodSeconds(options.drain),
    securityContext: podSecurityContext(options),
    containers: [container(model, options)],
    volumes: [
      { name: "models", persistentVolumeClaim: { claimName: options.cacheClaim } },
      { name: "shm", emptyDir: { medium: "Memory", sizeLimit: model.resources.sharedMemory } },
    ],
  };
}

function container(model: ModelConfig, options: PodOptions): Container {
  const gpus = gpuResources(model.gpuVendor, model.gpusPerReplica);
  const { cpu, memory } = model.resources;
  return {
    name: "vllm",
    image: imageOf(model),
    // The release images have it as their entry point, others that hold vLLM may not.
    command: ["vllm", "serve"],
    args: engineArguments(model, options.drain.drainSeconds),
    ports: [{ name: "http", containerPort: serverPort }],
    env: environment(model, options),
    resources: {
      requests: { cpu: `${cpu}`, memory, ...gpus },
      // No CPU limit: throttling the scheduler thread stalls the GPUs.
      limits: { memory, ...gpus },
    },
    ...probes(options.startupBudget),
    lifecycle: { preStop: { sleep: { seconds: options.drain.preStopSeconds } } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    volumeMounts: [
      { name: "models", mountPath: cachePath },
      { name: "shm", mountPath: "/dev/shm" },
    ],
  };
}

function environment(model: ModelConfig, options: PodOptions): EnvVar[] {
  const { hfToken } = options;
  return [
    { name: "HF_HOME", value: `${cachePath}/huggingface` },
    // Compiled kernels survive a restart. A directory a model: replicas of different models do not wait for each
    // other's locks, and one model's can be deleted by hand.
    { name: "VLLM_CACHE_ROOT", value: `${cachePath}/vllm/${model.name}` },
    // PyTorch asks for the user's name and home, which the ROCm and CPU images have for root only.
    ...(options.user === "nonRoot"
      ? [
          { name: "USER", value: "vllm" },
          { name: "HOME", value: "/tmp" },
        ]
      : []),
    ...(hfToken === undefined
      ? []
      : [{ name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: hfToken.name, key: hfToken.key } } }]),
  ];
}

function podSecurityContext({ user, deviceGroups }: PodOptions): k8s.types.input.core.v1.PodSecurityContext {
  return {
    seccompProfile: { type: "RuntimeDefault" },
    ...(user === "root"
      ? { runAsUser: 0, runAsGroup: 0 }
      : {
          runAsNonRoot: true,
          runAsUser: nonRootUser.uid,
          runAsGroup: nonRootUser.gid,
          fsGroup: nonRootUser.uid,
          // Weights are hundreds of files and may be terabytes: change owners once, not at each start.
          fsGroupChangePolicy: "OnRootMismatch",
        }),
    ...(deviceGroups.length > 0 ? { supplementalGroups: [...deviceGroups] } : {}),
  };
}

function refuseOversizedSharedMemory(model: ModelConfig): void {
  const { memory, sharedMemory } = model.resources;
  if (parseQuantity(sharedMemory) > parseQuantity(memory)) {
    throw new Error(
      `resources.sharedMemory of model ${model.name} is ${sharedMemory}: it is counted in resources.memory ` +
        `(${memory}) and must not exceed it; raise memory or lower sharedMemory`,
    );
  }
}
