import type { Field } from "./demand/field";
import { containersOf, podSpecs, type PodSpec } from "./pack/podSpecs";
import { objectPolicy } from "./pack/rule";

/** Capabilities that reach beyond the container. What `privileged` opens is refused by no-gpu-device-access. */
const hostCapabilities = new Set([
  "ALL",
  "BPF",
  "MKNOD",
  "NET_ADMIN",
  "SYS_ADMIN",
  "SYS_BOOT",
  "SYS_MODULE",
  "SYS_RAWIO",
]);

/** No pod shares the network, processes or memory of its node, or holds capabilities over it. */
export const noHostAccess = objectPolicy({
  name: "no-host-access",
  description: "Pods must not share namespaces of their node or hold capabilities over it.",
  severity: "critical",
  check: (object) => podSpecs(object).flatMap((pod) => [...namespaceFaults(pod), ...containersOf(pod).flatMap(faults)]),
});

function namespaceFaults({ spec }: PodSpec): string[] {
  return ["hostNetwork", "hostPID", "hostIPC"].flatMap((key) => {
    const field = spec.get(key);
    if (spec.isUnknown || !field.exists || field.value === false) return [];
    return [`${field.path} ${field.isUnknown ? "is not known at preview" : "is set"}. Remove it.`];
  });
}

function faults(container: Field): string[] {
  if (container.isUnknown) return [];
  const context = container.get("securityContext");
  const added = context
    .get("capabilities", "add")
    .items()
    .filter((field) => field.isUnknown || hostCapabilities.has((field.text() ?? "").replace(/^CAP_/, "").toUpperCase()))
    .map((field) => `${field.path} adds ${field.text() ?? "capabilities not known at preview"}. Remove it.`);
  const mount = context.get("procMount");
  return mount.text() === "Unmasked" ? [...added, `${mount.path} is Unmasked. Remove it.`] : added;
}
