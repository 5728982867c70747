import * as k8s from "../../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { GpuConfig } from "../../config/schema/platform";
import { charts } from "../charts";
import { installChart, type Addon } from "../installChart";

export interface AmdGpuOperatorArgs {
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
  /** Driver mode and metrics exporter. */
  readonly gpu: GpuConfig["amd"];
  /** Taints of other vendors' nodes that Node Feature Discovery must tolerate to label them. Defaults to none. */
  readonly sharedWith?: readonly Toleration[];
  /** The add-ons whose resources must be there first: cert-manager, whose Certificates the driver module manager uses. */
  readonly dependsOn?: readonly pulumi.Resource[];
}

/** A pod's toleration of a node taint. */
export interface Toleration {
  readonly key: string;
  readonly operator: "Equal" | "Exists";
  readonly value?: string;
  readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

interface AmdGpuOperatorValues {
  readonly crds: { readonly defaultCR: { readonly install: boolean; readonly upgrade: boolean } };
  readonly "node-feature-discovery": {
    readonly enabled: boolean;
    readonly worker?: { readonly tolerations: readonly Toleration[] };
  };
  readonly remediation: { readonly enabled: boolean; readonly installCRDs: boolean };
}

/** The part of `amd.com/v1alpha1` DeviceConfig that the stack sets. */
export interface DeviceConfigSpec {
  readonly selector: Readonly<Record<string, string>>;
  readonly driver: {
    readonly enable: boolean;
    readonly blacklist?: boolean;
    readonly version?: string;
    readonly image?: string;
  };
  readonly devicePlugin: { readonly enableDevicePlugin: boolean; readonly enableNodeLabeller: boolean };
  readonly metricsExporter: {
    readonly enable: boolean;
    readonly serviceType?: "ClusterIP" | "NodePort";
    /** Port of the exporter's Service. */
    readonly port?: number;
  };
}

/** The label by which Node Feature Discovery marks nodes with an AMD GPU, by the rule in the chart. */
const AMD_NODE = { "feature.node.kubernetes.io/amd-gpu": "true" };

/** What the chart's NFD workers tolerate; a list in values replaces the chart's own. */
const defaultTolerations: readonly Toleration[] = [
  { key: "amd-dcm", operator: "Equal", value: "up", effect: "NoExecute" },
  { key: "amd-gpu-unhealthy", operator: "Exists", effect: "NoSchedule" },
];

/** The DeviceConfig for an `gpu.amd` config. Throws when the operator is to build a driver without version or image. */
export function deviceConfigSpec(gpu: GpuConfig["amd"]): DeviceConfigSpec {
  return {
    selector: AMD_NODE,
    driver: driverSpec(gpu),
    devicePlugin: { enableDevicePlugin: true, enableNodeLabeller: true },
    metricsExporter: gpu.metricsExporter ? { enable: true, serviceType: "ClusterIP", port: 5000 } : { enable: false },
  };
}

function driverSpec(gpu: GpuConfig["amd"]): DeviceConfigSpec["driver"] {
  if (gpu.driver === "preinstalled") {
    return { enable: false };
  }
  if (gpu.driverVersion === undefined || gpu.driverImage === undefined) {
    throw new Error(
      "gpu.amd.driver: operator needs gpu.amd.driverVersion (as amdgpu's repository spells it) and " +
        "gpu.amd.driverImage (a registry path that the operator pushes driver images to)",
    );
  }
  // The kernel's own amdgpu must not load before the operator's.
  return { enable: true, blacklist: true, version: gpu.driverVersion, image: gpu.driverImage };
}

function chartValues(sharedWith: readonly Toleration[]): AmdGpuOperatorValues {
  return {
    // The DeviceConfig is ours: the chart's would be kept on upgrade and hold the wrong driver mode.
    crds: { defaultCR: { install: false, upgrade: false } },
    "node-feature-discovery": {
      enabled: true,
      ...(sharedWith.length === 0 ? {} : { worker: { tolerations: [...defaultTolerations, ...sharedWith] } }),
    },
    // Brings a workflow engine and its CRDs for node repair, which the DeviceConfig leaves off.
    remediation: { enabled: false, installCRDs: false },
  };
}

/** Installs the AMD GPU operator, and the DeviceConfig by which it runs device plugin, labeller and exporter. */
export class AmdGpuOperator extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];

  constructor(name: string, args: AmdGpuOperatorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:AmdGpuOperator", name, {}, opts);
    const spec = deviceConfigSpec(args.gpu);
    const { namespace, release } = installChart(this, name, {
      chart: charts.amdGpuOperator,
      chartSource: args.chartSource,
      values: chartValues(args.sharedWith ?? []),
      privileged: true,
      dependsOn: args.dependsOn,
    });
    const deviceConfig = new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: "amd.com/v1alpha1",
        kind: "DeviceConfig",
        metadata: { name: "default", namespace },
        spec,
      },
      // On destroy the operator must still run to take the DeviceConfig's finalizer off.
      { parent: this, dependsOn: release, deleteBeforeReplace: true },
    );
    this.resources = [release, deviceConfig];
    this.registerOutputs({});
  }
}
