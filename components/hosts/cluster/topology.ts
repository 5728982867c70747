import * as pulumi from "@pulumi/pulumi";
import { nodeAddress } from "../../config/nodes";
import type { HostConfig, HostsClusterConfig } from "../../config/schema/cluster";

/** Which host is what in the cluster, and where its API server is found. */
export interface Topology {
  /** The control plane that makes the cluster and admits the others: the first one in the config. */
  readonly first: HostConfig;
  readonly otherControlPlanes: readonly HostConfig[];
  readonly workers: readonly HostConfig[];
  /** `host:port` that all control planes share; undefined where the first one's own address serves. */
  readonly endpoint: string | undefined;
  /** URL by which nodes reach the API server. */
  readonly nodeServer: string;
  /** URL for those outside: by the address that SSH connects to, where there is no endpoint. */
  readonly clientServer: string;
  /** Port of each API server. */
  readonly apiPort: number;
}

/** kubeadm's port of the API server. */
const DEFAULT_API_PORT = 6443;

/** Throws a RunError when no host is a control plane. */
export function topologyOf(cluster: HostsClusterConfig): Topology {
  const controlPlanes = cluster.hosts.filter(({ role }) => role === "control-plane");
  const [first, ...otherControlPlanes] = controlPlanes;
  if (first === undefined) {
    throw new pulumi.RunError("cluster.hosts: no host has role: control-plane; give one of them that role");
  }
  const apiPort = bindPort(cluster);
  const endpoint =
    cluster.controlPlaneEndpoint ?? (cluster.virtualIp && `${bracketed(cluster.virtualIp.address)}:${apiPort}`);
  return {
    first,
    otherControlPlanes,
    workers: cluster.hosts.filter(({ role }) => role === "worker"),
    endpoint,
    nodeServer: `https://${endpoint ?? `${bracketed(addressOf(first))}:${apiPort}`}`,
    clientServer: `https://${endpoint ?? `${bracketed(first.address)}:${apiPort}`}`,
    apiPort,
  };
}

/** The IP address of a host's node. Throws a RunError where the config does not say it. */
export function addressOf(host: HostConfig): string {
  const address = nodeAddress(host);
  if (address === undefined) {
    throw new pulumi.RunError(
      `cluster.hosts: ${host.name} has the address ${host.address}, which is no IP address; set nodeAddress to the IP ` +
        "address by which the other nodes reach it",
    );
  }
  return address;
}

/**
 * Whether a control plane takes ordinary pods: where it has GPUs, for models run there, and where no worker does it.
 * Such a node also answers for LoadBalancer Services.
 */
export function isSchedulable(host: HostConfig, { workers }: Topology): boolean {
  return host.role === "worker" || host.gpus > 0 || workers.length === 0;
}

function bindPort({ kubeadm }: HostsClusterConfig): number {
  const endpoint = kubeadm.initConfiguration.localAPIEndpoint as { bindPort?: unknown } | undefined;
  return typeof endpoint?.bindPort === "number" ? endpoint.bindPort : DEFAULT_API_PORT;
}

/** An IPv6 address as it stands before a port. */
function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
