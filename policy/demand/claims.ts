import { demandOf, largest, nothing, problem, sum, times, type Demand } from "./demand";
import { UNKNOWN, type Field } from "./field";
import { isGpuDeviceClass } from "./gpuResources";
import type { KubeObject } from "./objects";
import { readCount } from "./quantity";

/** Finds the ResourceClaimTemplate of the stack that a pod names; undefined if the stack has none. */
export type FindClaimTemplate = (namespace: KubeObject["namespace"], name: string) => Field | undefined;

/** Devices that a ResourceClaim (dynamic resource allocation) takes, under the name of their device class. */
export function claimDemand(spec: Field): Demand {
  const requests = spec.get("devices", "requests");
  if (requests.isUnknown) return problem("unknown", requests.path, "the devices of the claim are not known at preview");
  return sum(requests.items().map(requestDemand));
}

function requestDemand(request: Field): Demand {
  const alternatives = request.get("firstAvailable");
  if (alternatives.exists) return largest(alternatives.items().map(deviceDemand));
  // resource.k8s.io/v1beta1 has these fields in the request itself, later versions under `exactly`.
  return deviceDemand(request.get("exactly").exists ? request.get("exactly") : request);
}

function deviceDemand(request: Field): Demand {
  const deviceClass = request.get("deviceClassName");
  if (deviceClass.isUnknown) return problem("unknown", deviceClass.path, "the device class is not known at preview");
  const name = deviceClass.text() ?? "";
  if (name !== "" && !isGpuDeviceClass(name)) return nothing;
  if (request.get("adminAccess").value === true || request.get("adminAccess").isUnknown) {
    return problem("hidden", request.get("adminAccess").path, "admin access reaches GPUs that others hold");
  }
  const mode = request.get("allocationMode");
  if (mode.exists && mode.value !== "ExactCount") {
    return problem("unbounded", mode.path, "only allocationMode ExactCount takes a known number of devices");
  }
  return times(demandOf(name === "" ? "devices" : name, 1), readCount(request.get("count"), 1));
}

/**
 * Devices that each copy of a pod claims for itself through templates. A claim that pods share by name counts where
 * the ResourceClaim stands.
 */
export function podClaimDemand(pod: Field, namespace: KubeObject["namespace"], find: FindClaimTemplate): Demand {
  const claims = pod.get("resourceClaims");
  if (claims.isUnknown) return problem("unknown", claims.path, "the pod's resource claims are not known at preview");
  return sum(
    claims.items().map((claim) => {
      const template = claim.get("resourceClaimTemplateName");
      if (claim.isUnknown || template.isUnknown) {
        return problem("unknown", template.path, "the pod's resource claim is not known at preview");
      }
      if (!template.exists) return nothing;
      const found = namespace === UNKNOWN ? undefined : find(namespace, template.text() ?? "");
      if (found !== undefined) return claimDemand(found.get("spec", "spec"));
      return problem(
        "hidden",
        template.path,
        `ResourceClaimTemplate ${JSON.stringify(template.value)} is not in the stack`,
      );
    }),
  );
}
