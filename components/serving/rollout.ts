import { suitsSelector, type Labels } from "../capacity/nodeSelector";
import { parseQuantity } from "../capacity/quantity";
import { suitsProduct } from "../config/product";
import type { GpuVendor } from "../config/schema/common";
import type { ModelConfig } from "../config/schema/model";
import type { NamespaceConfig, StorageConfig } from "../config/schema/platform";

/** What a node can give to pods. */
export interface NodeRoom {
  readonly gpus: Readonly<Partial<Record<GpuVendor, number>>>;
  /** GPU product, as a label or a data sheet names it; absent while unknown. */
  readonly product?: string;
  /** Labels of the node; absent while unknown. */
  readonly labels?: Labels;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
}

/** What the rollouts of a stack have to share. */
export interface RolloutRoom {
  /** The cluster's nodes; what runs on them beside the stack's models is not known and not counted. */
  readonly nodes: readonly NodeRoom[];
  readonly namespaces: readonly NamespaceConfig[];
  readonly storage: StorageConfig;
}

/** The part of a Deployment that says how pods are replaced. */
export interface RollingUpdate {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** A new replica first, or an old one away first. Never both 0, which Kubernetes refuses as it could not go on. */
export function rollingUpdate(surges: boolean): RollingUpdate {
  return surges ? { maxSurge: 1, maxUnavailable: 0 } : { maxSurge: 0, maxUnavailable: 1 };
}

/**
 * The models whose rollout starts a new replica before it stops an old one. With `rollout: auto` these are the models
 * for which GPUs, CPUs and memory are left on one node, and in the namespace's quota, beside all replicas of all models
 * and one more of each model that surges already, in the order of the config: all may roll at the same time. Replicas of
 * several nodes surge only where asked to.
 */
export function surgingModels(models: readonly ModelConfig[], room: RolloutRoom): ReadonlySet<ModelConfig> {
  const asked = models.filter(({ rollout }) => rollout === "surge");
  const automatic = models.filter(
    ({ rollout = "auto", replicas, nodesPerReplica = 1 }) =>
      rollout === "auto" && replicas > 0 && nodesPerReplica === 1,
  );
  const nodes = room.nodes.map((node) => new FreeNode(node));
  const fits = !isBoundToOneNode(room) && placeReplicas([...models, ...asked.map(once)], nodes);
  if (!fits) return new Set(asked);
  const surging = new Set(asked);
  for (const model of automatic) {
    const isInQuota = quotaHolds(
      room.namespaces.find(({ name }) => name === model.namespace),
      [...models, ...[...surging, model].map(once)],
    );
    if (isInQuota && nodes.some((node) => node.take(model))) surging.add(model);
  }
  return surging;
}

/** A replica is a pod on each of its nodes. */
const podsOf = ({ replicas, nodesPerReplica = 1 }: ModelConfig): number => replicas * nodesPerReplica;

const once = (model: ModelConfig): ModelConfig => ({ ...model, replicas: 1 });

/** A volume that one node mounts holds a new replica back until the old one is gone, unless they share the node. */
function isBoundToOneNode({ storage, nodes }: RolloutRoom): boolean {
  return storage.type === "storageClass" && storage.accessMode === "ReadWriteOnce" && nodes.length > 1;
}

/** Puts all replicas on nodes, large ones first, each on the first node with room. False when some find none. */
function placeReplicas(models: readonly ModelConfig[], nodes: readonly FreeNode[]): boolean {
  const largestFirst = [...models].sort((a, b) => b.gpusPerReplica - a.gpusPerReplica);
  return largestFirst.every((model) =>
    Array.from({ length: podsOf(model) }).every(() => nodes.some((node) => node.take(model))),
  );
}

function quotaHolds(namespace: NamespaceConfig | undefined, models: readonly ModelConfig[]): boolean {
  if (namespace === undefined) return false;
  const inside = models.filter((model) => model.namespace === namespace.name);
  const total = (perReplica: (model: ModelConfig) => number) =>
    inside.reduce((sum, model) => sum + podsOf(model) * perReplica(model), 0);
  const { gpuQuota, cpuQuota = Infinity, memoryQuota } = namespace;
  return (
    total(({ gpusPerReplica }) => gpusPerReplica) <= gpuQuota &&
    total(({ resources }) => parseQuantity(resources.cpu)) <=
      (cpuQuota === Infinity ? cpuQuota : parseQuantity(cpuQuota)) &&
    total(({ resources }) => parseQuantity(resources.memory)) <=
      (memoryQuota === undefined ? Infinity : parseQuantity(memoryQuota))
  );
}

/** What is left of a node. */
class FreeNode {
  private readonly gpus: Partial<Record<GpuVendor, number>>;
  private cpus: number;
  private memory: number;
  private readonly product: string | undefined;
  private readonly labels: Labels | undefined;

  constructor(node: NodeRoom) {
    this.gpus = { ...node.gpus };
    this.cpus = node.cpus;
    this.memory = node.memory;
    this.product = node.product;
    this.labels = node.labels;
  }

  /** Takes a replica, if there is room for it. */
  take(model: ModelConfig): boolean {
    const { gpuVendor, gpusPerReplica, resources } = model;
    if (!suitsProduct(model, this.product) || !suitsSelector(model.nodeSelector, this.labels)) return false;
    const gpus = gpuVendor === "none" ? 0 : (this.gpus[gpuVendor] ?? 0) - gpusPerReplica;
    const cpus = this.cpus - parseQuantity(resources.cpu);
    const memory = this.memory - parseQuantity(resources.memory);
    if (Math.min(gpus, cpus, memory) < 0) return false;
    if (gpuVendor !== "none") this.gpus[gpuVendor] = gpus;
    this.cpus = cpus;
    this.memory = memory;
    return true;
  }
}
