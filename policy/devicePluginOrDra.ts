import { Field } from "./demand/field";
import { isGpuDeviceClass } from "./demand/gpuResources";
import type { KubeObject } from "./demand/objects";
import type { Ledger } from "./pack/ledger";
import { gpuPods, gpuResources } from "./pack/podSpecs";
import { labelOf, stackPolicy, type Finding } from "./pack/rule";

/** A vendor's word in resource names and device classes. */
const vendors = ["amd", "nvidia", "intel"] as const;

/**
 * A GPU is given out by the vendor's device plugin or by its DRA driver: each counts on its own, so that with both one
 * GPU is given to two pods.
 */
export const devicePluginOrDra = (ledger: Ledger) =>
  stackPolicy(ledger, {
    name: "device-plugin-or-dra",
    description: "A vendor's GPUs must be given out by the device plugin or by DRA, not by both.",
    severity: "high",
    check: () => {
      const objects = ledger.objects();
      return [...objects.flatMap(operatorFault), ...vendors.flatMap((vendor) => mixedUse(vendor, objects))];
    },
  });

function operatorFault(object: KubeObject): Finding[] {
  const spec = object.root.get("spec");
  if (object.group !== "amd.com" || object.kind !== "DeviceConfig") return [];
  if (spec.get("draDriver", "enable").value !== true) return [];
  if (spec.get("devicePlugin", "enableDevicePlugin").value === false) return [];
  const message = "runs the device plugin beside the DRA driver. Set devicePlugin.enableDevicePlugin to false.";
  return [{ label: labelOf(object), urn: object.resource.urn, message }];
}

function mixedUse(vendor: string, objects: readonly KubeObject[]): Finding[] {
  const byPlugin = objects.find((object) =>
    gpuPods(object).some((pod) => gpuResources(pod).some((resource) => resource.includes(vendor))),
  );
  const byClaim = objects.find((object) =>
    deviceClasses(object).some((name) => name.includes(vendor) && isGpuDeviceClass(name)),
  );
  if (byPlugin === undefined || byClaim === undefined) return [];
  const message = `asks for GPUs by claim, and ${labelOf(byPlugin)} by resource name. Use one way for GPUs of ${vendor}.`;
  return [{ label: labelOf(byClaim), urn: byClaim.resource.urn, message }];
}

function deviceClasses(object: KubeObject): string[] {
  if (object.group !== "resource.k8s.io") return [];
  const spec = object.root.get("spec");
  const requests = (object.kind === "ResourceClaimTemplate" ? spec.get("spec") : spec).get("devices", "requests");
  return requests
    .items()
    .flatMap((request) => [request, request.get("exactly"), ...request.get("firstAvailable").items()])
    .flatMap((request: Field) => request.get("deviceClassName").text() ?? []);
}
