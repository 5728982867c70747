import type { V1Pod } from "@kubernetes/client-node";
import type { Snapshot } from "./cluster";
import { ownerOf, pendingPods, type PendingPod } from "./decisions";
import type { Failures } from "./failures";
import { fragmentation, type Fragmentation } from "./fragmentation";
import { groupOf } from "./groups";
import { nodeGpus, nodeState, podGpus, type NodeGpus, type NodeState } from "./gpus";
import { groupSize, isRunning } from "./marks";

/** Replicas of a model and the nodes that they are on. */
export interface PlacedModel {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  /** Replicas all of whose pods have a node. */
  readonly placed: number;
  /** GPUs of one replica, by resource; of all its pods together where it has several. */
  readonly gpus: Readonly<Record<string, number>>;
  /** Pods by node: replicas, but where a replica has several pods. */
  readonly nodes: Readonly<Record<string, number>>;
}

/** Orders in which the pods came. */
export interface Orders {
  readonly tried: number;
  /** Those that left something Pending. */
  readonly withPending: number;
}

/** What a simulation found; the document of `--json`. */
export interface SimulationResult {
  readonly stack: string;
  /** Where the nodes come from. */
  readonly source: string;
  readonly nodes: readonly { readonly name: string; readonly state: NodeState }[];
  readonly gpus: readonly NodeGpus[];
  readonly models: readonly PlacedModel[];
  /** What waits in the order that leaves most Pending, of which nodes, GPUs and models tell as well. */
  readonly pending: readonly PendingPod[];
  readonly orders: Orders;
  readonly fragmentation: readonly Fragmentation[];
  readonly failures?: Failures;
  /** URNs of resources that the engine did not bring to their end, because pods of theirs fit nowhere. */
  readonly unfinished: readonly string[];
  /** What the result rests on and a reader should know. */
  readonly notes: readonly string[];
}

/** The part of the result that a placement tells. */
export function describePlacement(
  snapshot: Snapshot,
): Pick<SimulationResult, "nodes" | "gpus" | "models" | "pending" | "fragmentation"> {
  const gpus = nodeGpus(snapshot.nodes, snapshot.pods);
  return {
    nodes: snapshot.nodes.map((node) => ({ name: node.metadata?.name ?? "", state: nodeState(node) })),
    gpus,
    models: placedModels(snapshot),
    pending: pendingPods(snapshot),
    fragmentation: fragmentation(gpus, replicaSizes(snapshot)),
  };
}

/** Whether anything would be Pending, now or after the nodes failed. */
export function hasPending({ pending, failures }: Pick<SimulationResult, "pending" | "failures">): boolean {
  return pending.length > 0 || (failures?.worst.pods ?? 0) > 0;
}

function placedModels({ pods, replicaSets }: Snapshot): PlacedModel[] {
  const models = groupBy(pods.filter(isModel), (pod) => {
    const { namespace, workload } = ownerOf(pod, replicaSets);
    return `${namespace}/${workload}`;
  });
  return [...models].map(([key, own]) => {
    const [namespace = "", name = ""] = key.split("/");
    const replicas = [...groupBy(own, (pod) => groupOf(pod) ?? pod.metadata?.uid ?? "").values()];
    const nodes: Record<string, number> = {};
    for (const node of own.map(({ spec }) => spec?.nodeName).filter((one) => one !== undefined)) {
      nodes[node] = (nodes[node] ?? 0) + 1;
    }
    return {
      namespace,
      name,
      replicas: replicas.length,
      placed: replicas.filter(isPlaced).length,
      gpus: sumOf((replicas[0] ?? []).map(podGpus)),
      nodes,
    };
  });
}

function groupBy(pods: readonly V1Pod[], keyOf: (pod: V1Pod) => string): Map<string, V1Pod[]> {
  const groups = new Map<string, V1Pod[]>();
  for (const pod of pods) {
    groups.set(keyOf(pod), [...(groups.get(keyOf(pod)) ?? []), pod]);
  }
  return groups;
}

/** Whether every pod of a replica is there and has a node. */
function isPlaced(pods: readonly V1Pod[]): boolean {
  const size = Number(pods[0]?.metadata?.annotations?.[groupSize] ?? 1);
  return pods.length >= size && pods.every(({ spec }) => spec?.nodeName !== undefined);
}

function sumOf(asks: readonly Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [resource, count] of asks.flatMap((ask) => Object.entries(ask))) {
    total[resource] = (total[resource] ?? 0) + count;
  }
  return total;
}

function isModel(pod: V1Pod): boolean {
  const served = pod.metadata?.labels?.["app.kubernetes.io/name"] === "vllm" || Object.keys(podGpus(pod)).length > 0;
  return served && !isRunning(pod);
}

/** GPUs of a pod of everything of the stack that asks for some, those scaled to nothing included. */
function replicaSizes({ pods, replicaSets }: Snapshot): Record<string, number[]> {
  const sizes: Record<string, number[]> = {};
  const own = pods.filter((pod) => !isRunning(pod));
  const templates = replicaSets.filter((set) => !isRunning(set)).map(({ spec }) => ({ spec: spec?.template?.spec }));
  for (const [resource, count] of [...own, ...templates].flatMap((pod) => Object.entries(podGpus(pod)))) {
    sizes[resource] = [...(sizes[resource] ?? []), count];
  }
  return sizes;
}
