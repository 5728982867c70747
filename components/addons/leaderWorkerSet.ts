import * as pulumi from "@pulumi/pulumi";
import { charts } from "./charts";
import { installChart, type Addon } from "./installChart";

export interface LeaderWorkerSetArgs {
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
}

/**
 * Installs LeaderWorkerSet, which starts the pods of a model on several nodes as one. It makes the certificates of its
 * webhook itself, so it needs nothing; it is ready when its controller is.
 */
export class LeaderWorkerSet extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];
  /** Namespace that the controller runs in. */
  readonly namespace: pulumi.Output<string>;

  constructor(name: string, args: LeaderWorkerSetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:LeaderWorkerSet", name, {}, opts);
    const { namespace, release } = installChart(this, name, {
      chart: charts.leaderWorkerSet,
      chartSource: args.chartSource,
      values: {},
    });
    this.namespace = namespace;
    this.resources = [release];
    this.registerOutputs({ namespace: this.namespace });
  }
}
