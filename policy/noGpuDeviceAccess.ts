import { posix } from "node:path";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import type { Field } from "./demand/field";
import type { KubeObject } from "./demand/objects";
import { containersOf, kubeObjectsOf, podSpecs, type PodSpec } from "./pack/podSpecs";

const name = "no-gpu-device-access";

const devicePath = /^\/dev\/(kfd|dri|nvidia[^/]*|accel|habanalabs[^/]*|neuron\d*|davinci[^/]*)(\/|$)/;

/**
 * No pod reaches GPUs past the scheduler: by mounting their device files, a directory above them, or as privileged,
 * which shows it all devices of the node. GPUs taken so appear in no quota.
 */
export const noGpuDeviceAccess: ResourceValidationPolicy = {
  name,
  description: "Pods must get GPUs from the scheduler, not by device files of the node.",
  enforcementLevel: "mandatory",
  severity: "critical",
  validateResource: (args, violation) => {
    for (const object of kubeObjectsOf(args)) {
      const faults = podSpecs(object).flatMap((pod) => [...hostPathFaults(pod), ...privilegedFaults(pod)]);
      for (const message of [...faults, ...volumeFaults(object)]) violation(message);
    }
  },
};

function volumeFaults(object: KubeObject): string[] {
  if (object.group !== "" || object.kind !== "PersistentVolume") return [];
  const spec = object.root.get("spec");
  return [spec.get("hostPath", "path"), spec.get("local", "path")].flatMap((field) => pathFault(field) ?? []);
}

function hostPathFaults(pod: PodSpec): string[] {
  return pod.spec
    .get("volumes")
    .items()
    .flatMap((volume) => pathFault(volume.get("hostPath", "path")) ?? []);
}

function privilegedFaults(pod: PodSpec): string[] {
  return containersOf(pod).flatMap((container) => {
    // What is wrong with a wholly unknown container, the policy gpu-demand says.
    const field = container.get("securityContext", "privileged");
    if (container.isUnknown) return [];
    if (field.value !== true && !field.isUnknown) return [];
    const state = field.isUnknown ? "is not known at preview" : "is true";
    return [
      `${field.path} ${state}: a privileged container sees all GPUs of its node. Ask for GPUs in resources.limits.`,
    ];
  });
}

function pathFault(field: Field): string | undefined {
  if (!field.exists) return undefined;
  const advice = "Ask for GPUs in resources.limits; the device plugin mounts what they need.";
  if (field.isUnknown) return `${field.path} is not known at preview, and may hold GPU device files. ${advice}`;
  const path = posix.normalize(`/${field.text() ?? ""}`).replace(/^\/+/, "/");
  const shows = devicePath.test(path) || /^\/(dev\/?)?$/.test(path);
  return shows ? `${field.path} is ${JSON.stringify(field.value)}, which shows GPU device files. ${advice}` : undefined;
}
