import type { ResourceValidationPolicy } from "@pulumi/policy";
import type { Field } from "./demand/field";
import { isGpuResource } from "./demand/gpuResources";
import type { KubeObject } from "./demand/objects";
import { containersOf, kubeObjectsOf, podSpecs, type PodSpec } from "./pack/podSpecs";

const name = "no-visible-devices-env";

/** Variables by which a vendor's container runtime hands out GPUs, whatever the pod asks for. */
const runtimeVariable = /^(NVIDIA|AMD|HABANA|ASCEND(_RUNTIME)?|MTHREADS|METAX|CAMBRICON)_VISIBLE_DEVICES$/;

/** Values that hand out none. */
const noDevices = new Set(["void", "none"]);

/** No container names its GPUs to the container runtime: by environment, CDI annotation or runtime class. */
export const noVisibleDevicesEnv: ResourceValidationPolicy = {
  name,
  description: "Pods must not take GPUs from the container runtime behind the scheduler's back.",
  enforcementLevel: "mandatory",
  severity: "critical",
  validateResource: (args, violation) => {
    for (const object of kubeObjectsOf(args)) {
      const faults = podSpecs(object).flatMap((pod) => [
        ...containersOf(pod).flatMap(environmentFaults),
        ...annotationFaults(pod),
        ...runtimeFaults(pod),
      ]);
      for (const message of [...faults, ...sourceFaults(object)]) violation(message);
    }
  },
};

function environmentFaults(container: Field): string[] {
  return container
    .get("env")
    .items()
    .flatMap((entry) => {
      const name = entry.get("name").text();
      if (name === undefined || !runtimeVariable.test(name)) return [];
      const value = entry.get("value");
      if (noDevices.has(value.text() ?? "")) return [];
      return [`${entry.path} sets ${name}. Remove it; the device plugin sets it for the GPUs in resources.limits.`];
    });
}

function annotationFaults(pod: PodSpec): string[] {
  return pod.metadata
    .get("annotations")
    .entries()
    .filter(([key]) => key.startsWith("cdi.k8s.io/"))
    .map(([, field]) => `${field.path} injects devices into the pod. Ask for GPUs in resources.limits instead.`);
}

/** Many GPU images set NVIDIA_VISIBLE_DEVICES=all themselves: under this runtime it takes all GPUs of the node. */
function runtimeFaults(pod: PodSpec): string[] {
  const runtime = pod.spec.get("runtimeClassName");
  if (!/nvidia/i.test(runtime.text() ?? "")) return [];
  return containersOf(pod)
    .filter((container) => !asksForGpus(container) && !declinesDevices(container))
    .map(
      (container) =>
        `${container.path} runs under runtime class ${runtime.text()} without asking for a GPU, so that its image may ` +
        "take them all. Ask for GPUs in resources.limits, or set NVIDIA_VISIBLE_DEVICES to void.",
    );
}

function asksForGpus(container: Field): boolean {
  return container
    .get("resources", "limits")
    .entries()
    .some(([resource]) => isGpuResource(resource));
}

function declinesDevices(container: Field): boolean {
  return container
    .get("env")
    .items()
    .some(
      (entry) =>
        entry.get("name").text() === "NVIDIA_VISIBLE_DEVICES" && noDevices.has(entry.get("value").text() ?? ""),
    );
}

function sourceFaults(object: KubeObject): string[] {
  if (object.group !== "" || (object.kind !== "ConfigMap" && object.kind !== "Secret")) return [];
  return ["data", "stringData"]
    .flatMap((key) => object.root.get(key).entries())
    .filter(([key]) => runtimeVariable.test(key))
    .map(([key, field]) => `${field.path} would set ${key} in pods that import it. Remove the key.`);
}
