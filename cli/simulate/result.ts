import type { V1Pod } from "@kubernetes/client-node";
import type { Snapshot } from "./cluster";
import { ownerOf, pendingPods, type PendingPod } from "./decisions";
import type { Failures } from "./failures";
import { fragmentation, type Fragmentation } from "./fragmentation";
import { nodeGpus, nodeState, podGpus, type NodeGpus, type NodeState } from "./gpus";

/** Replicas of a model and the nodes that they are on. */
export interface PlacedModel {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly placed: number;
  /** GPUs of one replica, by resource. */
  readonly gpus: Readonly<Record<string, number>>;
  /** Replicas by node. */
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
  const models = new Map<string, PlacedModel>();
  for (const pod of pods.filter(isModel)) {
    const { namespace, workload: name } = ownerOf(pod, replicaSets);
    const key = `${namespace}/${name}`;
    const known = models.get(key) ?? { namespace, name, replicas: 0, placed: 0, gpus: podGpus(pod), nodes: {} };
    const node = pod.spec?.nodeName;
    models.set(key, {
      ...known,
      replicas: known.replicas + 1,
      placed: known.placed + (node === undefined ? 0 : 1),
      nodes: node === undefined ? known.nodes : { ...known.nodes, [node]: (known.nodes[node] ?? 0) + 1 },
    });
  }
  return [...models.values()];
}

function isModel(pod: V1Pod): boolean {
  return pod.metadata?.labels?.["app.kubernetes.io/name"] === "vllm" || Object.keys(podGpus(pod)).length > 0;
}

/** GPUs of a replica of everything that asks for some, those scaled to nothing included. */
function replicaSizes({ pods, replicaSets }: Snapshot): Record<string, number[]> {
  const sizes: Record<string, number[]> = {};
  const templates = replicaSets.map(({ spec }) => ({ spec: spec?.template?.spec }));
  for (const [resource, count] of [...pods, ...templates].flatMap((pod) => Object.entries(podGpus(pod)))) {
    sizes[resource] = [...(sizes[resource] ?? []), count];
  }
  return sizes;
}
