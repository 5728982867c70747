import type { Field } from "../demand/field";
import type { KubeObject } from "../demand/objects";
import { gpuPods, gpuResourcesOf, type PodSpec } from "./podSpecs";

const workloads = new Set(["apps/Deployment", "apps/StatefulSet", "leaderworkerset.x-k8s.io/LeaderWorkerSet"]);

/** Whether an object keeps replicas of a model in service: a Deployment, StatefulSet or LeaderWorkerSet with GPUs. */
export function isServing(object: KubeObject): boolean {
  return !object.isPatch && workloads.has(`${object.group}/${object.kind}`) && gpuPods(object).length > 0;
}

/** The pods of an object that answer requests: of a LeaderWorkerSet with a leader template, the leaders only. */
export function servingPods(object: KubeObject): PodSpec[] {
  if (!isServing(object)) return [];
  const leader = object.root.get("spec", "leaderWorkerTemplate", "leaderTemplate");
  return gpuPods(object).filter((pod) => !leader.exists || pod.spec.path.startsWith(leader.path));
}

/** The containers of a pod that hold GPUs, without those that end before the pod serves. */
export function servingContainers(pod: PodSpec): Field[] {
  return pod.spec
    .get("containers")
    .items()
    .filter((container) => gpuResourcesOf(container).length > 0 || container.get("resources", "claims").exists);
}

/** A whole number in a field, or a default where it is absent; undefined where it is unknown or something else. */
export function numberOr<T>(field: Field, byDefault: T): number | T | undefined {
  if (!field.exists) return byDefault;
  return typeof field.value === "number" ? field.value : undefined;
}
