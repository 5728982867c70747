import * as pulumi from "@pulumi/pulumi";
import type { HostConfig, HostsClusterConfig } from "../../config/schema/hosts";
import type { FleetConnection, HostConnection } from "../connection";
import { RemoteStep } from "../remoteStep";
import { rebootStep } from "./reboot";
import { containerdStep, packagesStep, systemStep, tuningStep } from "./steps";

export interface PrerequisitesArgs {
  readonly cluster: HostsClusterConfig;
  /** How each host is reached, by its name. */
  readonly connections: ReadonlyMap<string, HostConnection>;
  /** The SSH public key of each host, by its name. */
  readonly hostKeys: Readonly<Record<string, pulumi.Input<string>>>;
  readonly fleet: FleetConnection;
  /** What must be there before a host is changed: the preflight. */
  readonly after: readonly pulumi.Resource[];
  /** Whether containerd has to mount images as volumes. Defaults to false. */
  readonly imageVolumes?: boolean;
}

/** For packages from a slow mirror, and for an image. */
const STEP_TIMEOUT = "30m";

/**
 * Prepares hosts for kubeadm, all at the same time: system settings, GPU settings where asked (with a reboot where
 * allowed), packages, containerd. Each step finds out what is done already. No disk is touched but by files of packages
 * and of these settings.
 */
export class Prerequisites extends pulumi.ComponentResource {
  /** The last step of each host, by its name: what runs on the host depends on it. */
  readonly ready: ReadonlyMap<string, pulumi.Resource>;

  constructor(name: string, args: PrerequisitesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:hosts:Prerequisites", name, {}, opts);
    this.ready = new Map(args.cluster.hosts.map((host) => [host.name, this.prepare(host, args)]));
    this.registerOutputs({});
  }

  private prepare(host: HostConfig, args: PrerequisitesArgs): pulumi.Resource {
    const { cluster, after, imageVolumes = false } = args;
    const connection = args.connections.get(host.name);
    if (connection === undefined) throw new Error(`${host.name}: no connection`);
    const customTimeouts = { create: STEP_TIMEOUT, update: STEP_TIMEOUT };
    const options = (...dependsOn: pulumi.Resource[]) => ({ parent: this, dependsOn, customTimeouts });
    const system = new RemoteStep(`${host.name}-system`, systemStep(connection), options(...after));
    const tuned = host.gpus > 0 ? this.tune(host, connection, args, system) : system;
    const packages = new RemoteStep(`${host.name}-packages`, packagesStep(connection, cluster), options(tuned));
    const containerd = containerdStep(connection, cluster, imageVolumes);
    return new RemoteStep(`${host.name}-containerd`, containerd, options(packages));
  }

  private tune(
    host: HostConfig,
    connection: HostConnection,
    { cluster, hostKeys, fleet }: PrerequisitesArgs,
    system: pulumi.Resource,
  ): pulumi.Resource {
    const step = tuningStep(connection, cluster);
    if (step === undefined) return system;
    const tuning = new RemoteStep(`${host.name}-gpu-tuning`, step, { parent: this, dependsOn: system });
    if (cluster.tuning.reboot === "never") return tuning;
    const hostKey = hostKeys[host.name];
    if (hostKey === undefined) throw new Error(`${host.name}: no SSH host key`);
    return rebootStep(
      `${host.name}-reboot`,
      { host, hostKey, fleet, tuning: step },
      { parent: this, dependsOn: tuning },
    );
  }
}
