import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { gpuResourceName } from "../../config/schema/common";
import type { GpuConfig } from "../../config/schema/platform";
import { charts } from "../charts";
import { installChart, type Addon } from "../installChart";

export interface NvidiaGpuOperatorArgs {
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
  /** Driver mode, toolkit, MIG and time slicing. */
  readonly gpu: GpuConfig["nvidia"];
  /** Run Node Feature Discovery; false where another operator of the cluster already does. */
  readonly nodeFeatureDiscovery: boolean;
  /** What must be there first: whoever runs Node Feature Discovery instead. */
  readonly dependsOn?: readonly pulumi.Resource[];
}

/** The keys of the chart's values that the stack sets. */
export interface NvidiaGpuOperatorValues {
  readonly driver: { readonly enabled: boolean; readonly version?: string };
  readonly toolkit: { readonly enabled: boolean };
  readonly mig: { readonly strategy: "none" | "single" | "mixed" };
  readonly devicePlugin?: {
    readonly config: {
      readonly create: boolean;
      readonly name: string;
      /** The entry of `data` for nodes without a label of their own. */
      readonly default: string;
      /** Device plugin configurations, YAML texts, by name. */
      readonly data: Readonly<Record<string, string>>;
    };
  };
  readonly nfd: { readonly enabled: boolean };
  readonly operator: { readonly cleanupCRD: boolean };
  readonly dcgmExporter: { readonly serviceMonitor: { readonly enabled: boolean } };
}

/** The taint that is customary on NVIDIA nodes, and that the operator's own daemons tolerate. */
export const NVIDIA_TAINT = { key: gpuResourceName.nvidia, operator: "Exists", effect: "NoSchedule" } as const;

/** The chart's values for a `gpu.nvidia` config. */
export function nvidiaGpuOperatorValues(
  gpu: GpuConfig["nvidia"],
  nodeFeatureDiscovery: boolean,
): NvidiaGpuOperatorValues {
  return {
    driver: {
      enabled: gpu.driver === "operator",
      ...(gpu.driver === "operator" && gpu.driverVersion !== undefined ? { version: gpu.driverVersion } : {}),
    },
    toolkit: { enabled: gpu.toolkit },
    mig: { strategy: gpu.mig },
    ...(gpu.timeSlicing === undefined ? {} : { devicePlugin: { config: timeSlicingConfig(gpu.timeSlicing) } }),
    nfd: { enabled: nodeFeatureDiscovery },
    // Helm leaves CRDs behind; nothing of the stack may be left by destroy.
    operator: { cleanupCRD: true },
    // On by default, and refused where the Prometheus operator's CRDs are not there.
    dcgmExporter: { serviceMonitor: { enabled: false } },
  };
}

function timeSlicingConfig(replicas: number): NonNullable<NvidiaGpuOperatorValues["devicePlugin"]>["config"] {
  const config = {
    version: "v1",
    sharing: {
      timeSlicing: {
        // Two slices may lie on one GPU, so a pod that asks for two would not get what it expects.
        failRequestsGreaterThanOne: true,
        resources: [{ name: gpuResourceName.nvidia, replicas }],
      },
    },
  };
  return { create: true, name: "time-slicing", default: "any", data: { any: stringify(config) } };
}

/** Installs the NVIDIA GPU operator, whose chart makes the ClusterPolicy from the values. */
export class NvidiaGpuOperator extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];

  constructor(name: string, args: NvidiaGpuOperatorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:NvidiaGpuOperator", name, {}, opts);
    const { release } = installChart(this, name, {
      chart: charts.nvidiaGpuOperator,
      chartSource: args.chartSource,
      values: nvidiaGpuOperatorValues(args.gpu, args.nodeFeatureDiscovery),
      privileged: true,
      dependsOn: args.dependsOn,
    });
    this.resources = [release];
    this.registerOutputs({});
  }
}
