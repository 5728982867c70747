import * as pulumi from "@pulumi/pulumi";
import type { HostsClusterConfig } from "../../config/schema/cluster";
import type { HostConnection } from "../connection";
import { join, rollout, settings, upgrade, type ClusterSteps, type Member } from "./steps";
import type { Topology } from "./topology";

export interface WorkersArgs {
  readonly cluster: HostsClusterConfig;
  readonly topology: Topology;
  /** The first control plane. */
  readonly first: HostConnection;
  /** `ControlPlane.upgraded`: no kubelet may be newer than the API servers. */
  readonly controlPlane: readonly pulumi.Resource[];
  readonly members: readonly Member[];
}

/** Joins workers side by side, and upgrades them one by one: drained, upgraded, and back before the next one goes. */
export class Workers extends pulumi.ComponentResource {
  /** What pods that need all workers depend on. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: WorkersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:hosts:Workers", name, {}, opts);
    const steps: ClusterSteps = args;
    const ready: pulumi.Resource[] = [];
    let previous: readonly pulumi.Resource[] = args.controlPlane;
    for (const member of args.members) {
      const joined = join(this, steps, member, args.controlPlane);
      ready.push(settings(this, steps, member.host, [joined]));
      const drained = rollout(this, steps, member.host, "before", [joined, ...previous]);
      const upgraded = upgrade(this, steps, member, [drained]);
      const back = rollout(this, steps, member.host, "after", [upgraded]);
      ready.push(back);
      previous = [back];
    }
    this.ready = ready;
    this.registerOutputs({});
  }
}
