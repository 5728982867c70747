import type { Count, Problem } from "./demand";
import type { Field } from "./field";
import { UNKNOWN } from "./field";
import { objectKey, type KubeObject } from "./objects";
import { largestOf, readCount } from "./quantity";

/** An object that sets the replica count of another. */
export interface Autoscaler {
  readonly object: KubeObject;
  /** `kind/namespace/name` of what it scales; undefined while unknown. */
  readonly target: string | undefined;
  readonly maximum: Count;
}

/** Annotation with which KEDA holds a target at a replica count, past its maximum. */
const pausedReplicas = "autoscaling.keda.sh/paused-replicas";

export function isAutoscaler(object: KubeObject): boolean {
  return (
    (object.group === "autoscaling" && object.kind === "HorizontalPodAutoscaler") ||
    (object.group === "keda.sh" && object.kind === "ScaledObject")
  );
}

export function readAutoscaler(object: KubeObject): Autoscaler {
  const { root } = object;
  const spec = root.get("spec");
  const reference = spec.get("scaleTargetRef");
  const maximum =
    object.kind === "ScaledObject"
      ? largestOf(readCount(spec.get("maxReplicaCount"), 100), readCount(spec.get("minReplicaCount"), 0), paused(root))
      : largestOf(readCount(spec.get("maxReplicas"), 1), readCount(spec.get("minReplicas"), 1));
  // The problems show up at the target, so their paths must tell whose they are.
  const problems = maximum.problems.map((found) => ({ ...found, path: `${found.path} of its ${object.kind}` }));
  return { object, target: targetKey(reference, object), maximum: { value: maximum.value, problems } };
}

/** Why the target of an autoscaler cannot be told. */
export function targetProblem(autoscaler: Autoscaler, isInStack: (target: string) => boolean): Problem | undefined {
  const { path } = autoscaler.object.root.get("spec", "scaleTargetRef");
  if (autoscaler.target === undefined) {
    return { kind: "unknown", path, message: "the target to scale is not known at preview" };
  }
  if (isInStack(autoscaler.target)) return undefined;
  return { kind: "hidden", path, message: `the target ${autoscaler.target} is not in the stack` };
}

function targetKey(reference: Field, object: KubeObject): string | undefined {
  const kind = reference.get("kind");
  const name = reference.get("name");
  if (kind.isUnknown) return undefined;
  return objectKey({
    kind: kind.text() ?? "Deployment",
    namespace: object.namespace,
    name: name.text() ?? UNKNOWN,
  });
}

function paused(root: Field): Count {
  const annotation = root.get("metadata", "annotations", pausedReplicas);
  const text = annotation.text();
  if (!annotation.exists || (text !== undefined && /^\d{1,9}$/.test(text))) {
    return { value: Number(text ?? 0), problems: [] };
  }
  const kind = annotation.isUnknown ? "unknown" : "malformed";
  return { value: 0, problems: [{ kind, path: annotation.path, message: "the paused replica count cannot be told" }] };
}
