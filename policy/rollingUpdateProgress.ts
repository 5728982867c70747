import type { Field } from "./demand/field";
import type { KubeObject } from "./demand/objects";
import { objectPolicy } from "./pack/rule";
import { isServing, numberOr, servingContainers, servingPods } from "./pack/serving";
import { probeBudgetSeconds } from "./servingProbes";

/** Kubernetes' own default, in seconds. */
const defaultDeadline = 600;

/** A rolling update of a serving workload can take a step, and is not called stuck while a model still loads. */
export const rollingUpdateProgress = objectPolicy({
  name: "rolling-update-progress",
  description: "Rolling updates of serving workloads must be able to make progress.",
  severity: "medium",
  check: (object) => {
    if (!isServing(object)) return [];
    if (object.kind === "Deployment") return [...stepFaults(object), ...deadlineFaults(object)];
    const strategy = object.root.get("spec", "updateStrategy", "type");
    return strategy.value === "OnDelete" ? [`${strategy.path} is OnDelete: no update reaches the pods by itself.`] : [];
  },
});

function stepFaults(object: KubeObject): string[] {
  const spec = object.root.get("spec");
  if (spec.get("paused").value === true) return [`${spec.get("paused").path} is true: no update starts. Remove it.`];
  const rolling = spec.get("strategy", "rollingUpdate");
  const isNone = (field: Field): boolean => field.value === 0 || field.value === "0%" || field.value === "0";
  if (!isNone(rolling.get("maxSurge")) || !isNone(rolling.get("maxUnavailable"))) return [];
  return [`${rolling.path} allows neither a new pod nor a missing one. Set maxUnavailable to 1.`];
}

function deadlineFaults(object: KubeObject): string[] {
  const field = object.root.get("spec", "progressDeadlineSeconds");
  const deadline = numberOr(field, defaultDeadline);
  const start = Math.max(
    0,
    ...servingPods(object)
      .flatMap(servingContainers)
      .map((container) => container.get("startupProbe"))
      .filter((probe) => probe.exists)
      .flatMap((probe) => probeBudgetSeconds(probe) ?? []),
  );
  if (deadline === undefined || deadline >= start) return [];
  return [`spec.progressDeadlineSeconds is ${deadline}, and a start may take ${start} s. Raise it above that.`];
}
