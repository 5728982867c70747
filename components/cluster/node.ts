import type { Labels } from "../capacity/nodeSelector";
import type { GpuVendor } from "../config/schema/common";

/** A node that models can run on. */
export interface ClusterNode {
  readonly name: string;
  /** InternalIP of the node. */
  readonly address: string;
  /** GPUs that pods can be given, by vendor. On a live cluster 0 until the device plugin runs. */
  readonly gpus: Readonly<Record<GpuVendor, number>>;
  /** GPU product as the node labeller reports it; absent while unknown. */
  readonly product?: string;
  /** Labels as far as they are known; absent while none is. */
  readonly labels?: Labels;
  /** CPUs that pods can be given. */
  readonly cpus: number;
  /** Memory that pods can be given, in bytes. */
  readonly memory: number;
}
