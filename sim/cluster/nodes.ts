import { simulatedNodes, type SimulatedNode } from "../../components/config/nodes";
import type { SimulatedClusterConfig } from "../../components/config/schema/cluster";
import { gpuResourceName } from "../../components/config/schema/common";
import { toAddress, toNumber } from "./addressPool";
import type { Kubectl } from "./kubectl";
import { groupLabel, nodeLabels } from "./nodeLabels";

/** A node that exists, as far as it matters here. */
export interface ExistingNode {
  readonly name: string;
  readonly podCIDR?: string;
}

/** A node that is wanted. */
export interface PlannedNode extends SimulatedNode {
  /** Network of the node's pods. */
  readonly podCIDR: string;
}

/** Pods get addresses of 10.128.0.0/9, a /24 a node: enough for a kubelet's 110 pods. */
const firstPodNetwork = toNumber("10.128.0.0");

/** The network that is `place` networks after the first one. */
export const podNetwork = (place: number): string => `${toAddress(firstPodNetwork + place * 256)}/24`;

/**
 * Gives every node of the config a network for its pods. Nodes that exist keep theirs, which Kubernetes never lets
 * change.
 */
export function planNodes(cluster: SimulatedClusterConfig, existing: readonly ExistingNode[]): PlannedNode[] {
  const kept = new Map(existing.map((node) => [node.name, node.podCIDR]));
  const taken = new Set(kept.values());
  let next = 0;
  const nextNetwork = (): string => {
    const network = podNetwork(next++);
    return taken.has(network) ? nextNetwork() : network;
  };
  return simulatedNodes(cluster).map((node) => ({ ...node, podCIDR: kept.get(node.name) ?? nextNetwork() }));
}

/** Creates, updates and removes nodes until they are those of the config. */
export async function applyNodes(kubectl: Kubectl, cluster: SimulatedClusterConfig): Promise<PlannedNode[]> {
  const existing = await listNodes(kubectl);
  const planned = planNodes(cluster, existing);
  const gone = existing.filter((node) => !planned.some(({ name }) => name === node.name));
  if (gone.length > 0) {
    await removeNodes(
      kubectl,
      gone.map((node) => node.name),
    );
  }
  await kubectl.apply(planned.map(nodeObject));
  await kubectl.apply(planned.map(statusOf).map(nodeStatusObject), "status");
  return planned;
}

interface NodeObject {
  metadata: { name: string };
  spec: { podCIDR?: string };
}

async function listNodes(kubectl: Kubectl): Promise<ExistingNode[]> {
  const { items } = await kubectl.getJson<{ items: NodeObject[] }>(["nodes", "-l", groupLabel]);
  return items.map(({ metadata, spec }) => ({ name: metadata.name, podCIDR: spec.podCIDR }));
}

/** Pods of a removed node go with it: nothing would ever end them otherwise. */
async function removeNodes(kubectl: Kubectl, names: readonly string[]): Promise<void> {
  await kubectl.run(["delete", "nodes", "--ignore-not-found", "--wait=false", ...names]);
  const { items } = await kubectl.getJson<{
    items: { metadata: { name: string; namespace: string }; spec: { nodeName?: string } }[];
  }>(["pods", "--all-namespaces"]);
  for (const { metadata, spec } of items) {
    if (spec.nodeName !== undefined && names.includes(spec.nodeName)) {
      const pod = ["delete", "pod", metadata.name, "-n", metadata.namespace, "--ignore-not-found"];
      await kubectl.run([...pod, "--grace-period=0", "--force"]);
    }
  }
}

function nodeObject({ podCIDR, ...node }: PlannedNode): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: node.name, labels: nodeLabels(node) },
    spec: { podCIDR, podCIDRs: [podCIDR] },
  };
}

function statusOf(node: PlannedNode): NodeStatus {
  const capacity = capacityOf(node);
  return { name: node.name, addresses: [node.address], capacity, allocatable: capacity };
}

/** What a node with these CPUs, this memory and these GPUs has, by resource name. */
export function capacityOf({
  cpus,
  memory,
  gpus,
  vendor,
}: Pick<SimulatedNode, "cpus" | "memory" | "gpus" | "vendor">): Record<string, string> {
  return {
    cpu: String(cpus),
    memory,
    "ephemeral-storage": "3500Gi",
    // The kubelet's default.
    pods: "110",
    ...(gpus > 0 ? { [gpuResourceName[vendor]]: String(gpus) } : {}),
  };
}

/** What a kubelet reports of its node. */
export interface NodeStatus {
  readonly name: string;
  /** InternalIPs; at least one. */
  readonly addresses: readonly string[];
  /** Quantities by resource name, extended resources included. */
  readonly capacity: Readonly<Record<string, string>>;
  /** What pods may have of the capacity. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The object that writes a node's status. */
export function nodeStatusObject({ name, addresses, capacity, allocatable }: NodeStatus): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    status: {
      capacity,
      allocatable,
      addresses: [
        ...addresses.map((address) => ({ type: "InternalIP", address })),
        { type: "Hostname", address: name },
      ],
    },
  };
}
