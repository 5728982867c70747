import type { Kubectl } from "./kubectl";
import { groupLabel } from "./nodeLabels";
import { nodeStatusObject, podNetwork, type NodeStatus } from "./nodes";

/** A taint of a node, as the API has it. */
export interface NodeTaint {
  readonly key: string;
  readonly value?: string;
  readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

/** A node that the simulated cluster is to have just so, instead of one of a node group. */
export interface GivenNode extends NodeStatus {
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly NodeTaint[];
  /** Whether it is cordoned. */
  readonly unschedulable: boolean;
}

/** Marks nodes that were given one by one, for whoever lists the nodes of the simulated cluster. */
const givenGroup = "given";

/** Creates the nodes, or updates them to what is given; always the same ones in the same order on one cluster. */
export async function applyGivenNodes(kubectl: Kubectl, nodes: readonly GivenNode[]): Promise<void> {
  await kubectl.apply(
    nodes.map((node, index) => {
      const podCIDR = podNetwork(index);
      return {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: node.name, labels: { ...node.labels, [groupLabel]: givenGroup } },
        spec: { podCIDR, podCIDRs: [podCIDR], taints: node.taints, unschedulable: node.unschedulable },
      };
    }),
  );
  await kubectl.apply(nodes.map(nodeStatusObject), "status");
}
