import type { V1ObjectMeta, V1Pod, V1PodTemplateSpec, V1ReplicaSet } from "@kubernetes/client-node";
import { groupKey, groupLabels, groupSize, workloadMark } from "./marks";

/** Where LeaderWorkerSets are in the API. */
export const groupKind = { group: "leaderworkerset.x-k8s.io", version: "v1", plural: "leaderworkersets" } as const;

/** The fields of a LeaderWorkerSet that decide about its pods. */
export interface LeaderWorkerSet {
  readonly metadata?: V1ObjectMeta;
  readonly spec: {
    readonly replicas?: number;
    readonly leaderWorkerTemplate: {
      readonly size?: number;
      readonly leaderTemplate?: V1PodTemplateSpec;
      readonly workerTemplate: V1PodTemplateSpec;
    };
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/**
 * What makes the pods of a LeaderWorkerSet where its controller does not run: a ReplicaSet of one pod for the leader and
 * for each worker of every group, so that each pod has the labels that the controller would give it. ReplicaSets, as
 * they say when the API server refuses a pod.
 */
export function groupSets({ metadata, spec }: LeaderWorkerSet): V1ReplicaSet[] {
  const { size = 1, leaderTemplate, workerTemplate } = spec.leaderWorkerTemplate;
  const { name = "", namespace = "" } = metadata ?? {};
  const groups = Array.from({ length: spec.replicas ?? 1 }, (_, group) => group);
  return groups.flatMap((group) =>
    Array.from({ length: size }, (_, worker) => {
      const template = worker === 0 ? (leaderTemplate ?? workerTemplate) : workerTemplate;
      const labels = {
        [groupLabels.name]: name,
        [groupLabels.group]: String(group),
        [groupLabels.key]: groupKey(namespace, name, group),
        [groupLabels.worker]: String(worker),
      };
      const annotations = { [groupSize]: String(size), [workloadMark]: `${namespace}/${name}` };
      return {
        metadata: { name: `${name}-${group}-${worker}`, namespace, labels, annotations },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: {
            ...template,
            metadata: {
              ...template.metadata,
              labels: { ...template.metadata?.labels, ...labels },
              annotations: { ...template.metadata?.annotations, ...annotations },
            },
          },
        },
      };
    }),
  );
}

/** The group that a pod or a ReplicaSet belongs to, if it belongs to one. */
export const groupOf = ({ metadata }: { readonly metadata?: V1ObjectMeta }): string | undefined =>
  metadata?.labels?.[groupLabels.key];

/**
 * Pods, and those that end with them: LeaderWorkerSet makes a whole group again when it loses one of its pods, as the
 * stack's models ask it to (`RecreateGroupOnPodRestart`).
 */
export function withGroups(lost: readonly V1Pod[], pods: readonly V1Pod[]): V1Pod[] {
  const uids = new Set(lost.map(({ metadata }) => metadata?.uid));
  const groups = new Set(lost.map(groupOf).filter((group) => group !== undefined));
  return pods.filter((pod) => uids.has(pod.metadata?.uid) || groups.has(groupOf(pod) ?? ""));
}
