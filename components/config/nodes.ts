import { hostnameLabel, type Labels } from "../capacity/nodeSelector";
import { parseQuantity } from "../capacity/quantity";
import { isIP } from "node:net";
import { subnetNodeAddresses } from "./addressPool";
import type { ClusterConfig, HostConfig, NodeGroupConfig, SimulatedClusterConfig } from "./schema/cluster";
import type { GpuVendor } from "./schema/common";
import type { GpuConfig, LoadBalancerConfig } from "./schema/platform";

/** What one node offers to pods, as far as it is known. */
export interface NodeCapacity {
  readonly name: string;
  /** Whole GPUs by vendor. */
  readonly gpus: Readonly<Partial<Record<GpuVendor, number>>>;
  /** GPU product; absent when unknown. */
  readonly product?: string;
  /** Labels; absent when unknown. */
  readonly labels?: Labels;
  /** Cores; absent when unknown. */
  readonly cpus?: number;
  /** Bytes; absent when unknown. */
  readonly memory?: number;
}

/** A node of a simulated cluster: what its node group says, with a name and an address of its own. */
export interface SimulatedNode extends Omit<NodeGroupConfig, "name" | "count"> {
  /** `<group>-<index>`, index from 0. */
  readonly name: string;
  /** The node's InternalIP. */
  readonly address: string;
}

/**
 * The nodes of a simulated cluster in order of their groups, with addresses counted up through `cluster.subnet`.
 * Nodes for which the subnet has no address are left out; the check of the config refuses such a subnet.
 */
export function simulatedNodes(cluster: SimulatedClusterConfig): SimulatedNode[] {
  const nodes = cluster.nodeGroups.flatMap(({ count, ...group }) =>
    Array.from({ length: count }, (_, index) => ({ ...group, name: `${group.name}-${index}` })),
  );
  const addresses = subnetNodeAddresses(cluster.subnet, nodes.length);
  return nodes.flatMap((node, index) => {
    const address = addresses[index];
    return address === undefined ? [] : [{ ...node, address }];
  });
}

/** IP addresses of the nodes that the config names; empty for a cluster that exists. */
export function configuredNodeAddresses(cluster: ClusterConfig): string[] {
  if (cluster.source === "simulated") return simulatedNodes(cluster).map(({ address }) => address);
  if (cluster.source === "kubeconfig") return [];
  return cluster.hosts.map(nodeAddress).filter((address) => address !== undefined);
}

/** The IP address by which the other nodes reach a host's; undefined where config only has a DNS name. */
export function nodeAddress({ address, nodeAddress: own }: HostConfig): string | undefined {
  return own ?? (isIP(address) === 0 ? undefined : address);
}

/** Subnet for the load balancer's addresses, as far as config says: its own, or the simulated cluster's. */
export function configuredSubnet(cluster: ClusterConfig, loadBalancer: LoadBalancerConfig): string | undefined {
  return loadBalancer.subnet ?? (cluster.source === "simulated" ? cluster.subnet : undefined);
}

/**
 * Capacities of the nodes that the config describes, one entry per node kind (node group, or host).
 * Undefined for a cluster that exists: its nodes are only known when it is asked.
 */
export function configuredNodes(cluster: ClusterConfig, gpu: GpuConfig): NodeCapacity[] | undefined {
  if (cluster.source === "kubeconfig") return undefined;
  if (cluster.source === "simulated") {
    return cluster.nodeGroups.map(({ name, vendor, gpus, product, cpus, memory }) => ({
      name,
      gpus: { [vendor]: gpus },
      product,
      cpus,
      memory: parseQuantity(memory),
    }));
  }
  return cluster.hosts.map((host) => ({
    name: host.name,
    gpus: hostGpus(host, gpu),
    product: host.product,
    labels: hostLabels(host),
  }));
}

/** The labels of a host's node that are known before it is one. */
export function hostLabels({ name, labels }: HostConfig): Labels {
  return { ...labels, [hostnameLabel]: name };
}

/** The GPUs of a host by vendor, as its entry of the config says. */
export function hostGpus({ gpus, vendor }: HostConfig, gpu: Pick<GpuConfig, "vendor">): NodeCapacity["gpus"] {
  return { [vendor ?? (gpu.vendor === "nvidia" ? "nvidia" : "amd")]: gpus };
}
