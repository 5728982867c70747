import { matches } from "./pack/exemptions";
import { labelOf, objectPolicy } from "./pack/rule";

interface Config {
  readonly resources?: readonly string[];
}

/** What the config names keeps its protection: the engine then refuses to delete or replace it. */
export const protectedResources = objectPolicy<Config>({
  name: "protected-resources",
  description: "Resources that the config names must have the option protect.",
  severity: "high",
  properties: {
    resources: {
      type: "array",
      description: "Resources as kind/namespace/name, with * for any characters; none by default.",
      items: { type: "string", pattern: "^[^/]+/[^/]+/.+$" },
    },
  },
  check: (object, { resources = [] }, { opts }) =>
    opts.protect || !resources.some((pattern) => matches(pattern, labelOf(object)))
      ? []
      : ["is not protected. Set the resource option protect: true."],
});
