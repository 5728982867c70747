import type { KubeObject } from "./demand/objects";
import type { Ledger } from "./pack/ledger";
import { gpuCount } from "./pack/messages";
import { gpuPods } from "./pack/podSpecs";
import { stackPolicy, type Finding } from "./pack/rule";

interface Config {
  readonly quotas?: Readonly<Record<string, number>>;
  readonly labels?: readonly string[];
}

/** Node labels that hold the product, by each vendor's labeller. */
const productLabels = ["amd.com/gpu.product-name", "nvidia.com/gpu.product"];

/** GPUs of a product are counted by the product that pods select their nodes by; nothing is checked without quotas. */
export const gpuProducts = (ledger: Ledger) =>
  stackPolicy<Config>(ledger, {
    name: "gpu-products",
    description: "The GPUs that the stack can ask for of each product must stay within the product's quota.",
    severity: "high",
    properties: {
      quotas: {
        type: "object",
        description: "GPUs of the stack by product, as the node label spells it; other products get none.",
        additionalProperties: { type: "integer", minimum: 0 },
      },
      labels: {
        type: "array",
        description: `Node labels that hold the product; ${productLabels.join(" and ")} by default.`,
        items: { type: "string", minLength: 1 },
        minItems: 1,
      },
    },
    check: (_, { quotas, labels = productLabels }) => {
      if (quotas === undefined) return [];
      const counts = new Map<string, number>();
      const findings: Finding[] = [];
      const objects = grouped(ledger.objects());
      for (const demand of ledger.demands()) {
        const gpus = ledger.whole(demand.gpus);
        if (gpus === 0) continue;
        const products = (objects.get(demand.urn) ?? []).flatMap((object) => productsOf(object, labels));
        if (products.length === 0) {
          const message = `asks for ${gpuCount(gpus)} of any product. Select nodes by ${labels.join(" or ")}.`;
          findings.push({ label: demand.label, urn: demand.urn, message });
        }
        // Pods that take either of two products may all end on one.
        for (const product of new Set(products)) counts.set(product, (counts.get(product) ?? 0) + gpus);
      }
      for (const [product, count] of counts) {
        const quota = Object.hasOwn(quotas, product) ? (quotas[product] ?? 0) : 0;
        if (count <= quota) continue;
        const message = `asks for ${gpuCount(count)} of product ${product}; its quota is ${quota}. Lower replicas, or change gpu-products.quotas.`;
        findings.push({ label: "Stack", message });
      }
      return findings;
    },
  });

function productsOf(object: KubeObject, labels: readonly string[]): string[] {
  return gpuPods(object).flatMap(({ spec }) => {
    const selected = labels.flatMap((label) => spec.get("nodeSelector", label).text() ?? []);
    const required = spec
      .get("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
      .items()
      .flatMap((term) => term.get("matchExpressions").items())
      .filter((term) => labels.includes(term.get("key").text() ?? "") && term.get("operator").value === "In")
      .flatMap((term) => term.get("values").items())
      .flatMap((value) => value.text() ?? []);
    return [...selected, ...required];
  });
}

function grouped(objects: readonly KubeObject[]): Map<string, KubeObject[]> {
  const groups = new Map<string, KubeObject[]>();
  for (const object of objects) {
    const { urn } = object.resource;
    groups.set(urn, [...(groups.get(urn) ?? []), object]);
  }
  return groups;
}
