import type { ResourceValidationPolicy } from "@pulumi/policy";
import { isGpuResource } from "./demand/gpuResources";
import { UNKNOWN, type Field } from "./demand/field";
import { containersOf, kubeObjectsOf, podSpecs } from "./pack/podSpecs";

const name = "gpu-requests-equal-limits";

/**
 * A container that asks for GPUs sets a limit, and a request only if it equals it. Kubernetes refuses anything else
 * when the pod is made, which a Deployment shows only as an endless rollout.
 * @see https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/
 */
export const gpuRequestsEqualLimits: ResourceValidationPolicy = {
  name,
  description: "A container's GPU requests must equal its limits.",
  enforcementLevel: "mandatory",
  severity: "high",
  validateResource: (args, violation) => {
    for (const container of kubeObjectsOf(args).flatMap(podSpecs).flatMap(containersOf)) {
      for (const message of mismatches(container.get("resources"))) violation(message);
    }
  },
};

function mismatches(resources: Field): string[] {
  return resources
    .get("requests")
    .entries()
    .filter(([resource]) => isGpuResource(resource))
    .flatMap(([resource, request]) => {
      const limit = resources.get("limits", resource);
      // Unknown counts are the concern of the policy gpu-demand.
      if (limit.value === UNKNOWN || request.value === UNKNOWN || !request.exists) return [];
      const [asked, allowed] = [JSON.stringify(request.value), JSON.stringify(limit.value)];
      if (limit.exists && unquoted(asked) === unquoted(allowed)) return [];
      const found = limit.exists ? `is ${asked}, and the limit is ${allowed}` : "has no limit";
      return [`${request.path} ${found}. Set limits["${resource}"] and leave the request out.`];
    });
}

/** `"1"` and `1` are the same quantity. */
function unquoted(json: string): string {
  return json.replace(/^"(.*)"$/, "$1");
}
