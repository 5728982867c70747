import { posix } from "node:path";
import type { Field } from "./demand/field";
import type { KubeObject } from "./demand/objects";
import { podSpecs } from "./pack/podSpecs";
import { objectPolicy } from "./pack/rule";

interface Config {
  readonly allowed: readonly string[];
}

/** Directories of a node are mounted only where the config allows: everything else of the node stays closed. */
export const hostPaths = objectPolicy<Config>({
  name: "host-paths",
  description: "Volumes must show no directory of a node beside those that the config allows.",
  severity: "high",
  properties: {
    allowed: {
      type: "array",
      description: "Directories of the nodes that volumes may show, with all below them.",
      items: { type: "string", pattern: "^/[^/]" },
    },
  },
  required: ["allowed"],
  check: (object, { allowed }) =>
    pathsOf(object).flatMap((field) => {
      if (!field.exists) return [];
      const path = posix.normalize(`/${field.text() ?? ""}`).replace(/^\/+/, "/");
      const isAllowed = allowed.some((root) => path === root || path.startsWith(`${root.replace(/\/$/, "")}/`));
      if (!field.isUnknown && isAllowed) return [];
      const value = field.isUnknown ? "not known at preview" : JSON.stringify(field.value);
      return [`${field.path} is ${value}; allowed are ${allowed.join(", ") || "none"}. Use a claim, or allow it.`];
    }),
});

function pathsOf(object: KubeObject): Field[] {
  const spec = object.root.get("spec");
  if (object.group === "" && object.kind === "PersistentVolume") {
    return [spec.get("hostPath", "path"), spec.get("local", "path")];
  }
  return podSpecs(object)
    .flatMap((pod) => pod.spec.get("volumes").items())
    .filter((volume) => !volume.isUnknown)
    .map((volume) => volume.get("hostPath", "path"));
}
