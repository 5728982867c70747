import type * as k8s from "../kubernetes";
import { amdMemoryLabels } from "../capacity/gpuMemory";
import { parseQuantity } from "../capacity/quantity";
import { gpuResourceName, type GpuVendor } from "../config/schema/common";
import type { ModelConfig } from "../config/schema/model";
import type { Accelerator } from "./images";
import { selectorLabels } from "./labels";

/** The label that a vendor's operator puts on nodes with its GPUs (Node Feature Discovery, GPU feature discovery). */
const nodeLabels: Readonly<Record<GpuVendor, string>> = {
  amd: "feature.node.kubernetes.io/amd-gpu",
  nvidia: "nvidia.com/gpu.present",
};

/** The label with which a vendor's operator tells the product (node labeller, GPU feature discovery). */
const productLabels: Readonly<Record<GpuVendor, string>> = {
  amd: "amd.com/gpu.product-name",
  nvidia: "nvidia.com/gpu.product",
};

/** The part of a pod spec that says on which nodes it runs. */
export type Placement = Pick<
  k8s.types.input.core.v1.PodSpec,
  "nodeSelector" | "affinity" | "tolerations" | "priorityClassName" | "topologySpreadConstraints"
>;

export type PlacedModel = Pick<
  ModelConfig,
  | "name"
  | "gpuVendor"
  | "gpuProduct"
  | "gpuMemory"
  | "nodeSelector"
  | "tolerations"
  | "priorityClassName"
  | "nodesPerReplica"
>;

/**
 * Nodes for a model: those with its vendor's GPUs (of its product, or with its memory) and with the labels that it
 * selects, whether or not they are tainted against other pods with the name of the vendor's resource, as both vendors'
 * guides do. A CPU model goes anywhere that is not tainted.
 */
export function placementOf(model: PlacedModel): Placement {
  const { gpuVendor, gpuMemory, priorityClassName } = model;
  const nodeSelector = { ...model.nodeSelector, ...gpuLabels(model) };
  const tolerations = [...vendorTolerations(gpuVendor), ...(model.tolerations ?? [])];
  return {
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(gpuVendor === "none" || gpuMemory === undefined ? {} : { affinity: memoryAffinity(gpuVendor, gpuMemory) }),
    ...(tolerations.length > 0 ? { tolerations } : {}),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    // Pods of one replica on several nodes are spread by the GPUs that they ask for.
    ...((model.nodesPerReplica ?? 1) > 1 ? {} : { topologySpreadConstraints: [spreadOverNodes(model.name)] }),
  };
}

function gpuLabels({ gpuVendor, gpuProduct }: PlacedModel): Record<string, string> {
  if (gpuVendor === "none") return {};
  return {
    [nodeLabels[gpuVendor]]: "true",
    ...(gpuProduct === undefined ? {} : { [productLabels[gpuVendor]]: gpuProduct }),
  };
}

/**
 * Nodes whose GPUs have at least that much memory, by the labels of both vendors' operators: AMD's node labeller writes
 * `192G`, of which only known sizes can be listed; NVIDIA's GPU feature discovery writes MiB, a plain number.
 */
function memoryAffinity(vendor: GpuVendor, least: string): k8s.types.input.core.v1.Affinity {
  const bytes = parseQuantity(least);
  const expression =
    vendor === "amd"
      ? { key: "amd.com/gpu.vram", operator: "In", values: amdMemoryLabels(bytes) }
      : { key: "nvidia.com/gpu.memory", operator: "Gt", values: [`${Math.ceil(bytes / 2 ** 20) - 1}`] };
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [expression] }] },
    },
  };
}

function vendorTolerations(vendor: Accelerator): k8s.types.input.core.v1.Toleration[] {
  return vendor === "none" ? [] : [{ key: gpuResourceName[vendor], operator: "Exists", effect: "NoSchedule" }];
}

/**
 * Replicas go to different nodes where there is a choice, so that the loss of one node is not the loss of a model. It
 * is the same for one replica, so that a second one does not restart the first. Pods of an older revision do not
 * count: they are about to go.
 */
function spreadOverNodes(model: string): k8s.types.input.core.v1.TopologySpreadConstraint {
  return {
    maxSkew: 1,
    topologyKey: "kubernetes.io/hostname",
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorLabels(model) },
    matchLabelKeys: ["pod-template-hash"],
  };
}

/** GPU requests of one replica; Kubernetes takes extended resources only with limits that equal requests. */
export function gpuResources(accelerator: Accelerator, gpusPerReplica: number): Record<string, string> {
  return accelerator === "none" || gpusPerReplica === 0 ? {} : { [gpuResourceName[accelerator]]: `${gpusPerReplica}` };
}
