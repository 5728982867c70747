import { createHash } from "node:crypto";
import type { V1ObjectMeta, V1Pod, V1ReplicaSet } from "@kubernetes/client-node";

/** Namespace of the pods that run on the given nodes already. */
export const runningNamespace = "simulate-running-pods";

/** Says of a pod that a simulation made, which workload it stands for: `<namespace>/<name>`. */
export const workloadMark = "simulate.inference-stack/workload";

/** Labels of the pods of a LeaderWorkerSet, by its API. */
export const groupLabels = {
  name: "leaderworkerset.sigs.k8s.io/name",
  group: "leaderworkerset.sigs.k8s.io/group-index",
  key: "leaderworkerset.sigs.k8s.io/group-key",
  worker: "leaderworkerset.sigs.k8s.io/worker-index",
} as const;

/** Annotation of the pods of a LeaderWorkerSet: how many a group has. */
export const groupSize = "leaderworkerset.sigs.k8s.io/size";

/** The workload that an object was made for, where it says so. */
export function statedWorkload(metadata?: V1ObjectMeta): { namespace: string; workload: string } | undefined {
  const [namespace, workload] = metadata?.annotations?.[workloadMark]?.split("/") ?? [];
  return namespace === undefined || workload === undefined ? undefined : { namespace, workload };
}

/** Whether a pod stands for one that ran before the stack came, or a ReplicaSet makes such a pod. */
export const isRunning = ({ metadata }: V1Pod | V1ReplicaSet): boolean => metadata?.namespace === runningNamespace;

/** What the pods of one group have in common and no other group has. */
export function groupKey(namespace: string, name: string, group: number): string {
  return createHash("sha1").update(`${namespace}/${name}-${group}`).digest("hex");
}
