import { podClaimDemand, type FindClaimTemplate } from "./claims";
import { largest, nothing, problem, sum, type Demand } from "./demand";
import type { Field } from "./field";
import { isGpuResource } from "./gpuResources";
import type { KubeObject } from "./objects";
import { quantityDemand } from "./quantity";

/** What counting a pod needs to know of the rest of the stack. */
export interface PodContext {
  readonly namespace: KubeObject["namespace"];
  readonly findClaimTemplate: FindClaimTemplate;
  /** Extended resource names that a DeviceClass of the stack backs with devices. */
  readonly deviceBackedResources: ReadonlySet<string>;
}

/**
 * GPUs of one pod as the scheduler counts them: containers together with sidecars (init containers that restart
 * always), or the largest plain init container together with the sidecars started before it, whichever is more.
 */
export function podDemand(pod: Field, context: PodContext): Demand {
  if (pod.isUnknown) return problem("unknown", pod.path, "the pod is not known at preview");
  const containers = sum(
    pod
      .get("containers")
      .items()
      .map((item) => containerDemand(item, context)),
  );
  let sidecars: Demand = nothing;
  const starts: Demand[] = [];
  for (const container of pod.get("initContainers").items()) {
    const demand = containerDemand(container, context);
    const restartPolicy = container.get("restartPolicy");
    // Counted as both where it is not known: what runs on and what runs first.
    if (restartPolicy.value === "Always" || restartPolicy.isUnknown) sidecars = sum([sidecars, demand]);
    starts.push(restartPolicy.value === "Always" ? sidecars : sum([sidecars, demand]));
  }
  const scheduled = largest([sum([containers, sidecars]), ...starts, resourceDemand(pod.get("resources"), context)]);
  const claims = podClaimDemand(pod, context.namespace, context.findClaimTemplate);
  return sum([scheduled, gpuList(pod.get("overhead"), context), claims]);
}

export function containerDemand(container: Field, context: PodContext): Demand {
  if (container.isUnknown) return problem("unknown", container.path, "the container is not known at preview");
  return resourceDemand(container.get("resources"), context);
}

/** The larger of `limits` and `requests`: Kubernetes wants them equal and takes either for the other. */
export function resourceDemand(resources: Field, context: PodContext): Demand {
  return largest(["limits", "requests"].map((side) => gpuList(resources.get(side), context)));
}

function gpuList(list: Field, context: PodContext): Demand {
  if (list.isUnknown) return problem("unknown", list.path, "the container's resources are not known at preview");
  return sum(
    list
      .entries()
      .filter(([name]) => isGpuResource(name) || context.deviceBackedResources.has(name))
      .map(([name, quantity]) => quantityDemand(name, quantity)),
  );
}
