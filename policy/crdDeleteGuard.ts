import { objectPolicy } from "./pack/rule";

/**
 * Deleting a CustomResourceDefinition deletes every object of its kind, in all namespaces and of all stacks. No policy
 * sees what an update deletes, so the definition has to carry the guard itself.
 */
export const crdDeleteGuard = objectPolicy({
  name: "crd-delete-guard",
  description: "CustomResourceDefinitions must be protected, since deleting one deletes all objects of its kind.",
  severity: "high",
  check: (object, _config, { opts }) => {
    const isDefinition = object.group === "apiextensions.k8s.io" && object.kind === "CustomResourceDefinition";
    if (!isDefinition || object.isPatch || opts.protect) return [];
    return ["deleting it would delete every object of its kind. Set the resource option protect: true."];
  },
});
