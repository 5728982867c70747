import { UNKNOWN, type Field } from "./demand/field";
import type { KubeObject } from "./demand/objects";
import type { Ledger } from "./pack/ledger";
import { labelOf, stackPolicy, type Finding } from "./pack/rule";
import { isServing, servingPods } from "./pack/serving";

interface Config {
  readonly required?: boolean;
}

/**
 * A PodDisruptionBudget that allows no eviction blocks every node drain, and with it upgrades and repairs. Without one
 * a drain may take all replicas of a model at once.
 */
export const disruptionBudgets = (ledger: Ledger) =>
  stackPolicy<Config>(ledger, {
    name: "disruption-budgets",
    description: "PodDisruptionBudgets must allow an eviction, and serving workloads with replicas must have one.",
    severity: "medium",
    properties: {
      required: {
        type: "boolean",
        description: "Whether serving workloads with two or more replicas need a budget; false by default.",
      },
    },
    check: (_, { required = false }) => {
      const objects = ledger.objects();
      const budgets = objects.filter(({ group, kind }) => group === "policy" && kind === "PodDisruptionBudget");
      const workloads = objects.filter(isServing);
      return [
        ...budgets.flatMap((budget) => blocked(budget, workloads)),
        ...(required ? workloads.flatMap((workload) => missing(workload, budgets)) : []),
      ];
    },
  });

function blocked(budget: KubeObject, workloads: readonly KubeObject[]): Finding[] {
  const spec = budget.root.get("spec");
  const replicas = Math.min(...workloads.filter((one) => selects(budget, one)).map(replicasOf));
  const [unavailable, available] = [spec.get("maxUnavailable"), spec.get("minAvailable")];
  const allowsNone =
    (unavailable.exists && amount(unavailable, replicas) === 0) ||
    (available.exists && (available.value === "100%" || (amount(available, replicas) ?? 0) >= replicas));
  if (!allowsNone) return [];
  const field = unavailable.exists ? unavailable : available;
  return [
    {
      label: labelOf(budget),
      urn: budget.resource.urn,
      message: `${field.path} is ${JSON.stringify(field.value)}: no pod can be evicted, so that no node can be drained. Set maxUnavailable to 1.`,
    },
  ];
}

function missing(workload: KubeObject, budgets: readonly KubeObject[]): Finding[] {
  if (replicasOf(workload) < 2 || budgets.some((budget) => selects(budget, workload))) return [];
  const message = "has replicas but no PodDisruptionBudget: a drain may take them all at once. Add one.";
  return [{ label: labelOf(workload), urn: workload.resource.urn, message }];
}

function selects(budget: KubeObject, workload: KubeObject): boolean {
  if (budget.namespace === UNKNOWN || budget.namespace !== workload.namespace) return false;
  const wanted = budget.root.get("spec", "selector", "matchLabels").entries();
  return servingPods(workload).some(({ metadata }) =>
    wanted.every(([key, field]) => metadata.get("labels", key).value === field.value),
  );
}

function replicasOf(workload: KubeObject): number {
  const field = workload.root.get("spec", "replicas");
  return typeof field.value === "number" ? field.value : field.isUnknown ? Infinity : 1;
}

/** Pods that a number or a percentage stands for, rounded up as Kubernetes does; undefined where it is unknown. */
function amount(field: Field, replicas: number): number | undefined {
  if (typeof field.value === "number") return field.value;
  const percent = /^(\d+)%$/.exec(field.text() ?? "")?.[1];
  if (percent === undefined) return undefined;
  return percent === "0" ? 0 : Math.ceil((Number(percent) * replicas) / 100);
}
