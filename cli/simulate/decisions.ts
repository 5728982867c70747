import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod, V1ReplicaSet } from "@kubernetes/client-node";
import type { SimulatedCluster, Snapshot } from "./cluster";
import { statedWorkload } from "./marks";

/** A pod that the scheduler finds no node for, or that is not even let in. */
export interface PendingPod {
  readonly namespace: string;
  /** Deployment or other owner that the pod belongs to; its own name where nobody owns it. */
  readonly workload: string;
  /** Pods of that workload that wait for the same reason. */
  readonly count: number;
  /** The scheduler's words, or the API server's where it refuses the pod. */
  readonly reason: string;
}

/** Milliseconds for which nothing may change before everything counts as decided. */
const quietTime = 1500;

/** Milliseconds between two looks at the cluster. */
const interval = 250;

/** Milliseconds after which waiting for a decision is given up; the scheduler retries within 10 s at most. */
const patience = 120_000;

/** Whether the scheduler has said yes or no to every pod, and every replica has a pod or a reason to have none. */
export function isDecided({ pods, replicaSets }: Snapshot): boolean {
  return pods.every(isPodDecided) && replicaSets.every((set) => hasAllPods(set, pods) || refusal(set) !== undefined);
}

function isPodDecided({ spec, status }: V1Pod): boolean {
  // A nominated pod waits only for the end of those that it displaces.
  return spec?.nodeName !== undefined || (refusedBy(status) !== undefined && !status?.nominatedNodeName);
}

function hasAllPods({ metadata, spec }: V1ReplicaSet, pods: readonly V1Pod[]): boolean {
  const own = pods.filter((pod) => pod.metadata?.ownerReferences?.some(({ uid }) => uid === metadata?.uid));
  return own.length >= (spec?.replicas ?? 0);
}

/** The scheduler's words about a pod that it found no node for. */
function refusedBy(status: V1Pod["status"]): string | undefined {
  const condition = status?.conditions?.find(({ type }) => type === "PodScheduled");
  return condition?.status === "False" && condition.reason !== "SchedulingGated" ? condition.message : undefined;
}

/** Why the API server refuses pods of a ReplicaSet: a quota, an admission rule. */
function refusal({ status }: V1ReplicaSet): string | undefined {
  return status?.conditions?.find(({ type, status: value }) => type === "ReplicaFailure" && value === "True")?.message;
}

/**
 * Waits until the scheduler has decided about every pod and nothing changes any more.
 * @throws naming the pods that it did not decide about
 */
export async function waitUntilDecided(cluster: SimulatedCluster): Promise<Snapshot> {
  const deadline = Date.now() + patience;
  let seen = "";
  let since = Date.now();
  for (;;) {
    const snapshot = await cluster.snapshot();
    const now = placement(snapshot);
    if (now !== seen || !isDecided(snapshot)) {
      seen = now;
      since = Date.now();
    } else if (Date.now() - since >= quietTime) {
      return snapshot;
    }
    if (Date.now() > deadline) {
      const open = snapshot.pods.filter((pod) => !isPodDecided(pod)).map(({ metadata }) => metadata?.name);
      throw new Error(`The scheduler did not decide within ${patience / 1000} s about: ${open.join(", ")}`);
    }
    await sleep(interval);
  }
}

function placement({ pods }: Snapshot): string {
  return pods.map(({ metadata, spec }) => `${metadata?.uid} ${spec?.nodeName ?? ""}`).join("\n");
}

/** What waits, and why; pods of one workload with one reason together. */
export function pendingPods(snapshot: Snapshot): PendingPod[] {
  const waiting = snapshot.pods
    .filter(({ spec }) => spec?.nodeName === undefined)
    .map((pod) => ({
      ...ownerOf(pod, snapshot.replicaSets),
      count: 1,
      reason: refusedBy(pod.status) ?? "not decided",
    }));
  const refused = snapshot.replicaSets.flatMap((set) => {
    const reason = refusal(set);
    const own = snapshot.pods.filter((pod) => pod.metadata?.ownerReferences?.some((o) => o.uid === set.metadata?.uid));
    const count = (set.spec?.replicas ?? 0) - own.length;
    return reason === undefined || count <= 0 ? [] : [{ ...setOwner(set), count, reason }];
  });
  const merged = new Map<string, PendingPod>();
  for (const one of [...waiting, ...refused]) {
    const key = JSON.stringify([one.namespace, one.workload, one.reason]);
    merged.set(key, { ...one, count: one.count + (merged.get(key)?.count ?? 0) });
  }
  return [...merged.values()];
}

/** How many pods wait in all. */
export const podCount = (pending: readonly PendingPod[]): number =>
  pending.reduce((total, { count }) => total + count, 0);

/** The workload of a pod: the one that it was made for, the Deployment of its ReplicaSet, its other owner, or itself. */
export function ownerOf(
  { metadata }: V1Pod,
  replicaSets: readonly V1ReplicaSet[],
): { namespace: string; workload: string } {
  const stated = statedWorkload(metadata);
  if (stated !== undefined) {
    return stated;
  }
  const namespace = metadata?.namespace ?? "";
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller);
  const set = replicaSets.find((one) => one.metadata?.uid === owner?.uid);
  return set === undefined ? { namespace, workload: owner?.name ?? metadata?.name ?? "" } : setOwner(set);
}

function setOwner({ metadata, spec }: V1ReplicaSet): { namespace: string; workload: string } {
  const stated = statedWorkload(spec?.template?.metadata);
  if (stated !== undefined) {
    return stated;
  }
  const deployment = metadata?.ownerReferences?.find(({ controller }) => controller)?.name;
  return { namespace: metadata?.namespace ?? "", workload: deployment ?? metadata?.name ?? "" };
}
