import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { HostConfig, HostsClusterConfig } from "../config/schema/cluster";
import type { GpuConfig, StorageConfig } from "../config/schema/platform";
import { ControlPlane } from "./cluster/controlPlane";
import type { Member } from "./cluster/steps";
import { topologyOf } from "./cluster/topology";
import { Workers } from "./cluster/workers";
import { connectTo, type FleetConnection, type HostConnection } from "./connection";
import { hostKeysOf } from "./hostKeys";
import { modelStorageOf, planOf } from "./preflight/plan";
import { Preflight } from "./preflight/preflight";
import { Prerequisites } from "./prerequisites";

export { Validation, type Finding, type ValidationArgs } from "./cluster/validation";

/** The secrets by which hosts are reached; the names are those of the stack's `secrets`. */
export interface HostsSecrets {
  readonly sshPrivateKey?: pulumi.Output<string>;
  readonly sshPrivateKeyPassphrase?: pulumi.Output<string>;
  readonly sudoPassword?: pulumi.Output<string>;
}

export interface HostsArgs {
  readonly cluster: HostsClusterConfig;
  /** GPU vendor of hosts that name none, and who installs the driver. */
  readonly gpu: GpuConfig;
  /** Where model weights lie: a directory of the hosts must have room for them. */
  readonly storage: StorageConfig;
  /** Whether containerd has to mount images as volumes: some model's weights come from one. Defaults to false. */
  readonly imageVolumes?: boolean;
  readonly secrets: HostsSecrets;
}

/**
 * Makes a Kubernetes cluster of bare hosts over SSH: all of them are looked at before one is changed, then prepared side
 * by side; the first control plane makes the cluster, the others and the workers join it. A changed version upgrades it,
 * a host that leaves the config leaves the cluster and is reset.
 */
export class Hosts extends pulumi.ComponentResource {
  /** kubeconfig of the administrator, as JSON. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** Names the cluster for good, whatever its addresses and certificates become. */
  readonly clusterIdentifier: pulumi.Output<string>;
  /** What anything on the cluster depends on: the API server answers, and every host is a node with labels and taints. */
  readonly ready: readonly pulumi.Resource[];
  /** How each host is reached, by its name. */
  readonly connections: ReadonlyMap<string, HostConnection>;

  constructor(name: string, args: HostsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:hosts:Hosts", name, {}, opts);
    const { cluster, gpu, storage, imageVolumes = false } = args;
    const child = { parent: this };
    const topology = topologyOf(cluster);
    const clusterId = new random.RandomUuid(`${name}-cluster`, {}, child).result;
    const fleet = fleetConnection(cluster, args.secrets, clusterId);

    const hostKeys = hostKeysOf(cluster, fleet, this);
    const plan = planOf(cluster, gpu, { modelStorage: modelStorageOf(storage), imageVolumes });
    const preflight = new Preflight("preflight", { plan, hostKeys, fleet }, child);

    const connections = new Map(
      cluster.hosts.map((host) => [host.name, connectTo(host, keyOf(host, hostKeys), fleet)]),
    );
    const after = preflight.resources;
    const prepared = { cluster, connections, hostKeys, fleet, after, imageVolumes };
    const prerequisites = new Prerequisites("prerequisites", prepared, child);
    const members = membersOf(cluster, connections, prerequisites);
    const memberOf = (host: HostConfig) => members.get(host.name) as Member;

    const first = memberOf(topology.first);
    const controlPlane = new ControlPlane(
      "control-plane",
      { cluster, topology, members: [first, ...topology.otherControlPlanes.map(memberOf)] },
      child,
    );
    const workers = new Workers(
      "workers",
      {
        cluster,
        topology,
        first: first.connection,
        controlPlane: controlPlane.upgraded,
        members: topology.workers.map(memberOf),
      },
      child,
    );

    this.kubeconfig = controlPlane.kubeconfig;
    this.clusterIdentifier = clusterId;
    this.ready = [...controlPlane.ready, ...controlPlane.settings, ...workers.ready];
    this.connections = connections;
    this.registerOutputs({});
  }
}

function fleetConnection(
  { sshAgent, bastion }: HostsClusterConfig,
  secrets: HostsSecrets,
  clusterId: pulumi.Output<string>,
): FleetConnection {
  return {
    privateKey: secrets.sshPrivateKey,
    privateKeyPassphrase: secrets.sshPrivateKeyPassphrase,
    sudoPassword: secrets.sudoPassword,
    sshAgent,
    bastion,
    clusterId,
  };
}

function membersOf(
  cluster: HostsClusterConfig,
  connections: ReadonlyMap<string, HostConnection>,
  prerequisites: Prerequisites,
): ReadonlyMap<string, Member> {
  return new Map(
    cluster.hosts.map((host) => {
      const connection = connections.get(host.name);
      const prepared = prerequisites.ready.get(host.name);
      if (connection === undefined || prepared === undefined) throw new Error(`${host.name}: not prepared`);
      return [host.name, { host, connection, dependsOn: [prepared] }];
    }),
  );
}

function keyOf({ name }: HostConfig, hostKeys: Readonly<Record<string, pulumi.Input<string>>>): pulumi.Input<string> {
  const key = hostKeys[name];
  if (key === undefined) throw new Error(`${name}: no SSH host key`);
  return key;
}
