import * as pulumi from "@pulumi/pulumi";
import type { AddonsConfig, GpuConfig } from "../config/schema/platform";
import { CertManager } from "./certManager";
import { Cni, type PodNetwork } from "./cni";
import { GpuOperator } from "./gpuOperator";
import type { Addon } from "./installChart";
import { LeaderWorkerSet } from "./leaderWorkerSet";
import { MetalLb } from "./metalLb";

export interface AddonsArgs {
  /** Which add-ons to install; the others are taken to be on the cluster. */
  readonly addons: AddonsConfig;
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
  /** GPU vendor and driver modes. */
  readonly gpu: GpuConfig;
  /** Addresses for LoadBalancer Services: ranges and CIDRs. */
  readonly addresses: readonly string[];
  /** Network interfaces that announce the addresses. Defaults to all. */
  readonly interfaces?: readonly string[];
  /** Pod network to install first. Left out where the cluster has one already. */
  readonly podNetwork?: PodNetwork;
}

/**
 * Everything that models need on a cluster: the pod network, without which no other add-on starts, cert-manager, then
 * the GPU operators that use it, MetalLB, and LeaderWorkerSet where asked for.
 */
export class Addons extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];

  constructor(name: string, args: AddonsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:Addons", name, {}, opts);
    const { addons, chartSource, gpu, podNetwork } = args;
    const network = podNetwork && new Cni("cni", { ...podNetwork, chartSource }, { parent: this });
    const child = { parent: this, dependsOn: [...(network?.resources ?? [])] };
    const installed: Addon[] = network === undefined ? [] : [network];
    let certManager: readonly pulumi.Resource[] | undefined;
    if (addons.certManager === "install") {
      const addon = new CertManager("cert-manager", { chartSource }, child);
      certManager = addon.resources;
      installed.push(addon);
    }
    if (addons.gpuOperator === "install") {
      installed.push(new GpuOperator("gpu-operator", { chartSource, gpu, certManager }, child));
    }
    if (addons.metalLb === "install") {
      const { addresses, interfaces } = args;
      installed.push(new MetalLb("metallb", { chartSource, addresses: [...addresses], interfaces }, child));
    }
    if (addons.leaderWorkerSet === "install") {
      installed.push(new LeaderWorkerSet("lws", { chartSource }, child));
    }
    this.resources = installed.flatMap((addon) => addon.resources);
    this.registerOutputs({});
  }
}
