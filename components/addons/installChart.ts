import * as k8s from "../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { knownAfter } from "../knownAfter";
import { resolveChart, type Chart } from "./charts";

/** What every add-on gives to those that come after it. */
export interface Addon {
  /**
   * The resources that must be there before anything uses the add-on: pass them to `dependsOn`. They are listed
   * because depending on a component waits for its children only, and for nothing at all while it has none.
   */
  readonly resources: readonly pulumi.Resource[];
}

export interface InstallChartArgs {
  readonly chart: Chart;
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
  /** The chart's values, by the interface that the add-on declares for the keys it sets. */
  readonly values: object;
  /** Let pods use host paths, host networking and privileges. Defaults to false. */
  readonly privileged?: boolean;
  /** What must be there first. */
  readonly dependsOn?: readonly pulumi.Resource[];
}

export interface InstalledChart {
  /** Name of the chart's namespace, known when that exists. */
  readonly namespace: pulumi.Output<string>;
  readonly release: k8s.helm.v3.Release;
}

/** Long enough to pull an operator's images over a slow line; Helm's own 5 minutes are not. */
const TIMEOUT_SECONDS = 600;

/**
 * Makes the chart's namespace and installs the chart there as a Helm release, awaited until its workloads are
 * available and its hooks are done. A Release, because Chart resources drop or misplace hooks.
 */
export function installChart(parent: pulumi.Resource, name: string, args: InstallChartArgs): InstalledChart {
  const { chart, chartSource, values, privileged = false, dependsOn = [] } = args;
  const reference = resolveChart(chartSource, chart);
  const made = new k8s.core.v1.Namespace(
    name,
    { metadata: { name: chart.namespace, labels: privileged ? podSecurityLabels : {} } },
    // The name is fixed: a replacement cannot stand beside the old one.
    { parent, deleteBeforeReplace: true },
  );
  const namespace = knownAfter(chart.namespace, made);
  const release = new k8s.helm.v3.Release(
    name,
    {
      ...reference,
      name: chart.release,
      namespace,
      values: values as Record<string, unknown>,
      timeout: TIMEOUT_SECONDS,
      maxHistory: 5,
    },
    { parent, dependsOn: [made, ...dependsOn], deleteBeforeReplace: true },
  );
  return { namespace, release };
}

const podSecurityLabels = {
  "pod-security.kubernetes.io/enforce": "privileged",
  "pod-security.kubernetes.io/audit": "privileged",
  "pod-security.kubernetes.io/warn": "privileged",
};
