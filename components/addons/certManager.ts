import * as pulumi from "@pulumi/pulumi";
import { charts } from "./charts";
import { installChart, type Addon } from "./installChart";

export interface CertManagerArgs {
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
}

interface CertManagerValues {
  readonly crds: {
    readonly enabled: boolean;
    /** Whether the CRDs, and with them every Certificate, outlive the release. */
    readonly keep: boolean;
  };
  readonly startupapicheck: { readonly enabled: boolean };
}

const values: CertManagerValues = {
  // Nothing of the stack may be left behind by destroy; the chart would keep its CRDs.
  crds: { enabled: true, keep: false },
  // A post-install hook that ends once the webhook answers, which the release waits for: without it the first
  // Certificate races the webhook's CA bundle and is refused.
  startupapicheck: { enabled: true },
};

/** Installs cert-manager with its CRDs, and is ready when its webhook answers. */
export class CertManager extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];
  /** Namespace that cert-manager runs in. */
  readonly namespace: pulumi.Output<string>;

  constructor(name: string, args: CertManagerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:CertManager", name, {}, opts);
    const { namespace, release } = installChart(this, name, {
      chart: charts.certManager,
      chartSource: args.chartSource,
      values,
    });
    this.namespace = namespace;
    this.resources = [release];
    this.registerOutputs({ namespace: this.namespace });
  }
}
