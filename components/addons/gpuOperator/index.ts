import * as pulumi from "@pulumi/pulumi";
import type { GpuConfig } from "../../config/schema/platform";
import type { Addon } from "../installChart";
import { AmdGpuOperator } from "./amd";
import { NVIDIA_TAINT, NvidiaGpuOperator } from "./nvidia";

export { AmdGpuOperator, type AmdGpuOperatorArgs } from "./amd";
export { NvidiaGpuOperator, type NvidiaGpuOperatorArgs } from "./nvidia";

export interface GpuOperatorArgs {
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
  /** Vendor and driver modes. */
  readonly gpu: GpuConfig;
  /** `resources` of the CertManager that the AMD operator needs; leave out where cert-manager exists already. */
  readonly certManager?: readonly pulumi.Resource[];
}

/**
 * Installs the GPU operators that `gpu.vendor` asks for: one, both, or none. With both, the AMD operator's Node
 * Feature Discovery serves the NVIDIA operator too, which comes after it: two of them would fight over node labels.
 */
export class GpuOperator extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];

  constructor(name: string, args: GpuOperatorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:GpuOperator", name, {}, opts);
    const { chartSource, gpu } = args;
    const both = gpu.vendor === "both";
    const operators: Addon[] = [];
    if (both || gpu.vendor === "amd") {
      const sharedWith = both ? [NVIDIA_TAINT] : [];
      const amd = { chartSource, gpu: gpu.amd, sharedWith, dependsOn: args.certManager };
      operators.push(new AmdGpuOperator(`${name}-amd`, amd, { parent: this }));
    }
    if (both || gpu.vendor === "nvidia") {
      const dependsOn = operators.flatMap((operator) => operator.resources);
      const nvidia = { chartSource, gpu: gpu.nvidia, nodeFeatureDiscovery: !both, dependsOn };
      operators.push(new NvidiaGpuOperator(`${name}-nvidia`, nvidia, { parent: this }));
    }
    this.resources = operators.flatMap((operator) => operator.resources);
    this.registerOutputs({});
  }
}
