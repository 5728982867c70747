import type { HostsClusterConfig, SimulatedClusterConfig } from "../../components/config/schema/cluster";
import { nodeAddress, simulatedNodes, type SimulatedNode } from "../../components/config/nodes";
import type { GpuVendor } from "../../components/config/schema/common";
import type { GivenNode } from "../../sim/cluster";
import { nodeLabels } from "../../sim/cluster/nodeLabels";
import { capacityOf } from "../../sim/cluster/nodes";
import type { NodeList } from "./nodeList";

/** What a host is taken to have, as its config does not say: the default of a simulated node group. */
export const assumedHost = { cpus: 192, memory: "1536Gi" } as const;

/** The nodes that a stack's hosts will be, with the labels that kubeadm and the vendors' labellers give them. */
export function hostNodes(cluster: HostsClusterConfig, defaultVendor: GpuVendor): NodeList {
  const nodes = cluster.hosts.map((host): GivenNode => {
    const vendor = host.vendor ?? defaultVendor;
    // The config's checks have seen to it that each host has one.
    const address = nodeAddress(host)!;
    const node = nodeOf({ ...assumedHost, ...host, address, vendor, product: host.product ?? "unknown" });
    return { ...node, labels: { ...node.labels, ...host.labels }, taints: host.taints };
  });
  const { cpus, memory } = assumedHost;
  return {
    nodes,
    notes: [
      `The config does not tell the hosts' CPUs and memory: each is taken to have ${cpus} CPUs and ${memory}. ` +
        "Where the cluster exists, --nodes takes what it really has.",
    ],
  };
}

/** The nodes of a stack's simulated node groups. */
export function groupNodes(cluster: SimulatedClusterConfig): NodeList {
  return { nodes: simulatedNodes(cluster).map(nodeOf), notes: [] };
}

function nodeOf(node: SimulatedNode): GivenNode {
  const capacity = capacityOf(node);
  return {
    name: node.name,
    labels: nodeLabels(node),
    taints: [],
    unschedulable: false,
    addresses: [node.address],
    capacity,
    allocatable: capacity,
  };
}
