import type * as k8s from "@pulumi/kubernetes";
import { gpuResourceName, type GpuVendor } from "../config/schema/common";
import type { Accelerator } from "./images";

/** The label that a vendor's operator puts on nodes with its GPUs (Node Feature Discovery, GPU feature discovery). */
const nodeLabels: Readonly<Record<GpuVendor, string>> = {
  amd: "feature.node.kubernetes.io/amd-gpu",
  nvidia: "nvidia.com/gpu.present",
};

/** The part of a pod spec that brings it to nodes with its GPUs. */
export type Placement = Pick<k8s.types.input.core.v1.PodSpec, "nodeSelector" | "tolerations">;

/**
 * Nodes for a model: those with its vendor's GPUs, whether or not they are tainted against other pods with the name of
 * the vendor's resource, as both vendors' guides do. A CPU model goes anywhere that is not tainted.
 */
export function placementOf(accelerator: Accelerator): Placement {
  if (accelerator === "none") {
    return {};
  }
  return {
    nodeSelector: { [nodeLabels[accelerator]]: "true" },
    tolerations: [{ key: gpuResourceName[accelerator], operator: "Exists", effect: "NoSchedule" }],
  };
}

/** GPU requests of one replica; Kubernetes takes extended resources only with limits that equal requests. */
export function gpuResources(accelerator: Accelerator, gpusPerReplica: number): Record<string, string> {
  return accelerator === "none" || gpusPerReplica === 0 ? {} : { [gpuResourceName[accelerator]]: `${gpusPerReplica}` };
}
