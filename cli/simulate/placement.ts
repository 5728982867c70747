import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { isGpuResource } from "../../policy/demand/gpuResources";
import type { GivenNode } from "../../sim/cluster";
import type { SimulatedCluster, Snapshot } from "./cluster";
import { waitUntilDecided } from "./decisions";
import { isRunning } from "./marks";
import type { Workload } from "./orders";

/** GPUs, CPUs and pods of a node while the program comes up: more than any stack asks for. */
const plenty = { count: "1000000", memory: "1Pi" } as const;

/**
 * The nodes with room for everything: no pod of the program then waits, so that all of the program comes to be before
 * the scheduler decides with what is really there.
 */
export function withPlenty(nodes: readonly GivenNode[]): GivenNode[] {
  return nodes.map((node) => {
    const capacity = Object.fromEntries(
      Object.entries({ ...node.capacity, cpu: "", memory: "", pods: "" }).map(([name, quantity]) => [
        name,
        name === "memory" || name === "ephemeral-storage"
          ? plenty.memory
          : ["cpu", "pods"].includes(name) || (isGpuResource(name) && quantity !== "0")
            ? plenty.count
            : quantity,
      ]),
    );
    return { ...node, taints: [], unschedulable: false, capacity, allocatable: capacity };
  });
}

/**
 * Lets the scheduler place the pods of all workloads anew on the nodes as they are now, one after the other.
 *
 * @param workloads all workloads, with the replicas that they are to have
 * @param order the workloads of the pods, in the order in which these come
 */
export async function placeAnew(
  cluster: SimulatedCluster,
  workloads: readonly Workload[],
  order: readonly Workload[],
  prepareNodes: () => Promise<void>,
): Promise<Snapshot> {
  await Promise.all(workloads.map((workload) => cluster.scale(workload, 0)));
  await waitUntilGone(cluster);
  await prepareNodes();
  const count = new Map<Workload, number>();
  for (const workload of order) {
    count.set(workload, (count.get(workload) ?? 0) + 1);
    const before = (await cluster.presentPods()).length;
    await cluster.scale(workload, count.get(workload) ?? 0);
    await waitForOneMore(cluster, before);
  }
  return waitUntilDecided(cluster);
}

/** Milliseconds for the controllers to remove all pods. */
const patience = 60_000;

async function waitUntilGone(cluster: SimulatedCluster): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    const [{ replicaSets }, pods] = await Promise.all([cluster.snapshot(), cluster.presentPods()]);
    const left = movable(pods).filter((pod) => !isRunning(pod));
    if (left.length === 0 && replicaSets.every((set) => set.spec?.replicas === 0 || isRunning(set))) {
      return;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `Pods did not go within ${patience / 1000} s: ${left.map((pod) => pod.metadata?.name).join(", ")}`,
      );
    }
    await cluster.removePods(left);
    await sleep(200);
  }
}

/** Milliseconds for the controllers to make a pod; one that a quota forbids never comes. */
const podPatience = 1_500;

async function waitForOneMore(cluster: SimulatedCluster, before: number): Promise<void> {
  const deadline = Date.now() + podPatience;
  while ((await cluster.presentPods()).length <= before && Date.now() < deadline) {
    await sleep(30);
  }
}

/**
 * Pods that are made again on whichever node has room. A DaemonSet's belong to their node, a Job's end by
 * themselves, and a pod without an owner would not come back.
 */
export function movable(pods: readonly V1Pod[]): V1Pod[] {
  return pods.filter((pod) => {
    const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller);
    return owner !== undefined && !["DaemonSet", "Node", "Job"].includes(owner.kind);
  });
}

/** Where the pods of each owner run: node names, `undefined` for one that waits. By the owner's UID. */
export type Placement = ReadonlyMap<string, readonly (string | undefined)[]>;

/** Where the movable pods run, or those of them that are `wanted`. */
export function placementOf({ pods }: Pick<Snapshot, "pods">, wanted: (pod: V1Pod) => boolean = () => true): Placement {
  const placement = new Map<string, (string | undefined)[]>();
  for (const pod of movable(pods).filter(wanted)) {
    const owner = controllerOf(pod);
    placement.set(owner, [...(placement.get(owner) ?? []), pod.spec?.nodeName]);
  }
  return placement;
}

const controllerOf = ({ metadata }: V1Pod): string =>
  metadata?.ownerReferences?.find(({ controller }) => controller)?.uid ?? "";

/** Pods that are not where the placement has one of their owner. */
export function misplaced(placement: Placement, pods: readonly V1Pod[]): V1Pod[] {
  const free = new Map([...placement].map(([owner, nodes]) => [owner, [...nodes]]));
  return movable(pods).filter((pod) => {
    const places = free.get(controllerOf(pod)) ?? [];
    const index = places.indexOf(pod.spec?.nodeName);
    if (index >= 0) {
      places.splice(index, 1);
    }
    return index < 0;
  });
}

/** Nodes for pods that wait, so that the placement is whole again. */
export function bindings(
  placement: Placement,
  pods: readonly V1Pod[],
): { readonly pod: V1Pod; readonly node: string }[] {
  const own = movable(pods);
  return [...placement].flatMap(([owner, nodes]) => {
    const mine = own.filter((pod) => controllerOf(pod) === owner);
    const missing = nodes.filter((node) => node !== undefined);
    for (const { spec } of mine) {
      const index = spec?.nodeName === undefined ? -1 : missing.indexOf(spec.nodeName);
      if (index >= 0) {
        missing.splice(index, 1);
      }
    }
    return mine
      .filter(({ spec }) => spec?.nodeName === undefined)
      .slice(0, missing.length)
      .map((pod, index) => ({ pod, node: missing[index] ?? "" }));
  });
}
