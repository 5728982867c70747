import { objectPolicy } from "./pack/rule";
import { gpuPods } from "./pack/podSpecs";

interface Config {
  readonly allowed?: readonly string[];
}

/** Classes of Kubernetes' own components: they push every other pod off its node. */
const systemClasses = new Set(["system-cluster-critical", "system-node-critical"]);

/** Who gives way when GPUs run out is decided by the stack's priority classes, never by those of the system. */
export const gpuPodPriority = objectPolicy<Config>({
  name: "gpu-pod-priority",
  description: "GPU pods must have a priority class that the config allows, and none of the system's.",
  severity: "medium",
  properties: {
    allowed: {
      type: "array",
      description: "Priority classes that GPU pods must have one of; without it, a pod may have none.",
      items: { type: "string", minLength: 1 },
      minItems: 1,
    },
  },
  check: (object, { allowed }) =>
    gpuPods(object).flatMap((pod) => {
      const field = pod.spec.get("priorityClassName");
      const name = field.text();
      if (field.isUnknown) return [`${field.path} is not known at preview. Give it a plain value.`];
      if (name !== undefined && systemClasses.has(name)) {
        return [`${field.path} is ${name}, which pushes every other pod off its node. Use a class of your own.`];
      }
      if (allowed === undefined || (name !== undefined && allowed.includes(name))) return [];
      return [`${field.path} is ${JSON.stringify(name ?? null)}; allowed are ${allowed.join(", ")}. Set one of them.`];
    }),
});
