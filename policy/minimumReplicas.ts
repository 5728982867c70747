import { objectPolicy } from "./pack/rule";
import { isServing } from "./pack/serving";

interface Config {
  readonly replicas?: number;
}

/** A model in production survives the loss of a pod. A workload with no replicas is switched off, which is allowed. */
export const minimumReplicas = objectPolicy<Config>({
  name: "minimum-replicas",
  description: "Serving workloads must have as many replicas as the config asks for.",
  severity: "medium",
  properties: {
    replicas: { type: "integer", minimum: 1, description: "Replicas at least; 1 by default, 2 suits production." },
  },
  check: (object, { replicas = 1 }) => {
    if (!isServing(object)) return [];
    const field = object.root.get("spec", "replicas");
    const count = field.exists ? field.value : 1;
    // Unknown and malformed counts are the concern of the policy gpu-demand.
    if (typeof count !== "number" || count === 0 || count >= replicas) return [];
    return [`spec.replicas is ${count}; this stack wants ${replicas} or more. Raise it.`];
  },
});
