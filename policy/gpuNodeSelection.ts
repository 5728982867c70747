import type { Field } from "./demand/field";
import { objectPolicy } from "./pack/rule";
import { gpuPods, gpuResources, type PodSpec } from "./pack/podSpecs";

interface Config {
  readonly labels?: readonly string[];
}

/** Vendors by the domain of their resources, and the word that the labels of their nodes hold. */
const vendors: Readonly<Record<string, RegExp>> = {
  "amd.com": /amd/i,
  "nvidia.com": /nvidia/i,
  "gpu.intel.com": /intel/i,
  "habana.ai": /habana|gaudi/i,
};

/**
 * A GPU pod selects nodes of its vendor, so that it says what it needs where a resource name is shared or mistyped,
 * and does not name a node, which leaves out the scheduler and with it the count of free GPUs.
 */
export const gpuNodeSelection = objectPolicy<Config>({
  name: "gpu-node-selection",
  description: "GPU pods must select nodes of the vendor whose GPUs they ask for.",
  severity: "medium",
  properties: {
    labels: {
      type: "array",
      description: "Further node labels that mark GPU nodes, of any vendor.",
      items: { type: "string", minLength: 1 },
    },
  },
  check: (object, { labels = [] }) =>
    gpuPods(object).flatMap((pod) => [
      ...(pod.spec.get("nodeName").exists
        ? [`${pod.spec.get("nodeName").path} goes past the scheduler. Remove it, and select nodes by label.`]
        : []),
      ...gpuResources(pod).flatMap((resource) => selectionFault(pod, resource, labels)),
    ]),
});

function selectionFault(pod: PodSpec, resource: string, labels: readonly string[]): string[] {
  const domain = resource.slice(0, resource.indexOf("/"));
  const own = vendors[domain];
  const selector = pod.spec.get("nodeSelector");
  if (selector.isUnknown) return [`${selector.path} is not known at preview. Give it plain values.`];
  const keys = selectedLabels(pod.spec);
  if (own === undefined || keys.some((key) => own.test(key) || labels.includes(key))) return [];
  const foreign = keys.filter((key) => Object.values(vendors).some((word) => word.test(key)));
  const found = foreign.length > 0 ? `selects nodes by ${foreign.join(", ")}` : "selects no nodes of that vendor";
  return [
    `${pod.spec.path} asks for ${resource} and ${found}. Set a nodeSelector such as ` +
      `${domain === "amd.com" ? "feature.node.kubernetes.io/amd-gpu" : `${domain}/gpu.present`}: "true".`,
  ];
}

/** Labels that a node must have: those of nodeSelector and of required node affinity. */
function selectedLabels(spec: Field): string[] {
  const terms = spec
    .get("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    .items()
    .flatMap((term) => term.get("matchExpressions").items())
    .filter((expression) => ["In", "Exists"].includes(expression.get("operator").text() ?? ""))
    .flatMap((expression) => expression.get("key").text() ?? []);
  return [
    ...spec
      .get("nodeSelector")
      .entries()
      .map(([key]) => key),
    ...terms,
  ];
}
