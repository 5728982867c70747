import type * as k8s from "../kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { parseQuantity } from "../capacity/quantity";
import type { ModelConfig } from "../config/schema/model";
import { drainContainer, drainHook, drainMiddleware, drainVolume } from "./connectionDrain";
import { engineArguments, serverPort, type Rank } from "./engineArguments";
import { hasReadOnlyRoot, imageOf, nonRootUser, type ContainerUser } from "./images";
import { terminationGracePeriodSeconds, type Drain } from "./lifecycle";
import { gpuResources, placementOf } from "./placement";
import { probes } from "./probes";
import { downloadCommand } from "./weights";
import { isSelfContained, sourceParts } from "./weightSource";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Container = k8s.types.input.core.v1.Container;
type EnvVar = k8s.types.input.core.v1.EnvVar;

/** Disk for /tmp and logs unless config says: room for compiler caches and a few gigabytes of logs. */
const defaultEphemeralStorage = "8Gi";

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
  /** ConfigMap of the middleware that makes clients leave their connections; without it they keep them. */
  readonly middleware?: pulumi.Input<string>;
  /** The pod's part in a replica of several nodes. Defaults to leader, which a replica of one pod is, too. */
  readonly rank?: Rank;
}

/**
 * The pod of one replica, or of one of its nodes.
 *
 * @throws when /dev/shm does not fit into the memory that it is counted in, or `extraArgs` holds a managed flag
 */
export function podSpec(model: ModelConfig, options: PodOptions): PodSpec {
  refuseOversizedSharedMemory(model);
  const { volumes, imagePullSecrets } = sourceParts(model);
  return {
    // A Service named vllm would put VLLM_PORT=tcp://… into the environment, which vLLM takes for its own setting.
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    ...placementOf(model),
    terminationGracePeriodSeconds: terminationGracePeriodSeconds(options.drain),
    securityContext: podSecurityContext(options),
    ...(imagePullSecrets === undefined ? {} : { imagePullSecrets }),
    ...(model.predownload === true ? { initContainers: [downloadContainer(model, options)] } : {}),
    containers: [container(model, options)],
    volumes: [
      { name: "models", persistentVolumeClaim: { claimName: options.cacheClaim } },
      { name: "shm", emptyDir: { medium: "Memory", sizeLimit: model.resources.sharedMemory } },
      { name: "tmp", emptyDir: {} },
      ...volumes,
      ...(options.middleware === undefined ? [] : [drainVolume(options.middleware)]),
    ],
  };
}

function container(model: ModelConfig, options: PodOptions): Container {
  const { drain, rank, middleware } = options;
  const gpus = gpuResources(model.gpuVendor, model.gpusPerReplica);
  const source = sourceParts(model);
  const extra = middleware === undefined ? undefined : drainContainer(drain);
  const isOffline = model.predownload === true || isSelfContained(model);
  return {
    name: "vllm",
    image: imageOf(model),
    // The release images have it as their entry point, others that hold vLLM may not.
    command: ["vllm", "serve"],
    args: engineArguments(model, drain.drainSeconds, rank, extra && drainMiddleware),
    env: [
      ...environment(model, options),
      ...source.env,
      ...(extra?.env ?? []),
      ...(isOffline ? [offline] : tokenVariable(options)),
    ],
    resources: resources(model, gpus),
    ...(rank === "worker" ? workerLife(options) : serverLife(options)),
    securityContext: containerSecurityContext(model),
    volumeMounts: [
      modelsMount,
      { name: "shm", mountPath: "/dev/shm" },
      temporaryMount,
      ...source.volumeMounts,
      ...(extra?.volumeMounts ?? []),
    ],
  };
}

function serverLife({ startupBudget, drain, middleware }: PodOptions): Partial<Container> {
  return {
    ports: [{ name: "http", containerPort: serverPort }],
    ...probes(startupBudget),
    lifecycle: {
      preStop: middleware === undefined ? { sleep: { seconds: drain.preStopSeconds } } : drainHook(drain),
    },
  };
}

/** A worker has no HTTP server to ask, and must not stop while its leader, told to stop with it, still drains. */
function workerLife({ drain }: PodOptions): Partial<Container> {
  return { lifecycle: { preStop: { sleep: { seconds: drain.preStopSeconds + drain.drainSeconds } } } };
}

/** Brings the weights to the cache volume; the token is needed here only. */
function downloadContainer(model: ModelConfig, options: PodOptions): Container {
  return {
    name: "weights",
    image: imageOf(model),
    command: downloadCommand(model),
    env: [...environment(model, options), ...tokenVariable(options)],
    // A pod is charged for its largest container at a time, so this costs nothing.
    resources: resources(model, {}),
    securityContext: containerSecurityContext(model),
    // The reason of a failure is its last words: they show in the pod's status.
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [modelsMount, temporaryMount],
  };
}

const modelsMount = { name: "models", mountPath: cachePath };
const temporaryMount = { name: "tmp", mountPath: "/tmp" };
const offline: EnvVar = { name: "HF_HUB_OFFLINE", value: "1" };

function containerSecurityContext(model: ModelConfig): k8s.types.input.core.v1.SecurityContext {
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: hasReadOnlyRoot(model),
  };
}

function resources(
  { resources: { cpu, memory, ephemeralStorage = defaultEphemeralStorage, exclusiveCpus } }: ModelConfig,
  gpus: Record<string, string>,
): k8s.types.input.core.v1.ResourceRequirements {
  return {
    requests: { cpu: `${cpu}`, memory, "ephemeral-storage": ephemeralStorage, ...gpus },
    // No CPU limit: throttling the scheduler thread stalls the GPUs. Only with CPUs of its own is there no throttling.
    limits: { ...(exclusiveCpus === true ? { cpu: `${cpu}` } : {}), memory, ...gpus },
  };
}

function environment(model: ModelConfig, options: PodOptions): EnvVar[] {
  return [
    { name: "HF_HOME", value: `${cachePath}/huggingface` },
    // Compiled kernels survive a restart. A directory a model: replicas of different models do not wait for each
    // other's locks, and one model's can be deleted by hand.
    { name: "VLLM_CACHE_ROOT", value: `${cachePath}/vllm/${model.name}` },
    // PyTorch asks for the user's name, which the ROCm and CPU images have for root only. Compilers keep their caches
    // in the home directory, which nobody but root could write to, and root neither on a read-only root file system.
    ...(options.user === "nonRoot" ? [{ name: "USER", value: "vllm" }] : []),
    ...(options.user === "nonRoot" || hasReadOnlyRoot(model) ? [{ name: "HOME", value: "/tmp" }] : []),
  ];
}

function tokenVariable({ hfToken }: PodOptions): EnvVar[] {
  if (hfToken === undefined) return [];
  return [{ name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: hfToken.name, key: hfToken.key } } }];
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
