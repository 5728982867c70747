import * as pulumi from "@pulumi/pulumi";
import type { HostsClusterConfig } from "../../config/schema/cluster";
import type { Addon } from "../installChart";
import { Calico } from "./calico";
import { Flannel } from "./flannel";

export { Calico, installationSpec, type CalicoArgs } from "./calico";
export { Flannel, type FlannelArgs } from "./flannel";

/** The part of a cluster's config that its pod network is made of. */
export type PodNetwork = Pick<HostsClusterConfig, "cni" | "podCidr">;

export interface CniArgs extends PodNetwork {
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
}

/** Installs the pod network that the config asks for, or none. Nodes are Ready once it runs. */
export class Cni extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];

  constructor(name: string, { cni, podCidr, chartSource }: CniArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:Cni", name, {}, opts);
    const args = { podCidr, chartSource };
    const child = { parent: this };
    const installed: Addon[] = [];
    if (cni === "calico") installed.push(new Calico("calico", args, child));
    if (cni === "flannel") installed.push(new Flannel("flannel", args, child));
    this.resources = installed.flatMap(({ resources }) => resources);
    this.registerOutputs({});
  }
}
