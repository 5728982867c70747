import * as pulumi from "@pulumi/pulumi";
import { charts } from "../charts";
import { installChart, type Addon } from "../installChart";

export interface FlannelArgs {
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
  /** Addresses of pods: the `podSubnet` that kubeadm was given. */
  readonly podCidr: string;
}

interface FlannelValues {
  readonly podCidr: string;
}

/**
 * Installs flannel: one VXLAN over the hosts' default interfaces (UDP 8472), and no NetworkPolicy. Each node's part of
 * `podCidr` is the one that the controller manager gave it.
 */
export class Flannel extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];

  constructor(name: string, { chartSource, podCidr }: FlannelArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:Flannel", name, {}, opts);
    const values: FlannelValues = { podCidr };
    const { release } = installChart(this, name, {
      chart: charts.flannel,
      chartSource,
      values,
      // Its pods set up the hosts' network.
      privileged: true,
    });
    this.resources = [release];
    this.registerOutputs({});
  }
}
