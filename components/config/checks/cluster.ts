import { parseCidr, subnetNodeAddresses } from "../addressPool";
import type { Path } from "../paths";
import type { SimulatedClusterConfig } from "../schema/cluster";
import type { Check, CheckContext, CheckProblem } from "./context";

function duplicateGroups(cluster: SimulatedClusterConfig, { problem }: CheckContext): CheckProblem[] {
  return cluster.nodeGroups.flatMap(({ name }, index) => {
    const twin = cluster.nodeGroups.findIndex((group) => group.name === name);
    if (twin === index) return [];
    const at = (position: number): Path => ["cluster", "nodeGroups", position, "name"];
    const allowed = `a name that is unique among node groups; entry ${twin} has it already`;
    return [problem(at(index), allowed, "rename one of the two", [at(twin)])];
  });
}

/** Every simulated node needs an address of the subnet. */
function roomForNodes(cluster: SimulatedClusterConfig, { problem }: CheckContext): CheckProblem[] {
  const nodes = cluster.nodeGroups.reduce((sum, { count }) => sum + count, 0);
  const room = subnetNodeAddresses(cluster.subnet, nodes).length;
  if (room >= nodes) return [];
  const allowed = `a subnet with an address for each of the ${nodes} nodes; this one has room for ${room}`;
  const next = "take a larger subnet, or lower the counts of cluster.nodeGroups";
  return [problem(["cluster", "subnet"], allowed, next, [["cluster", "nodeGroups"]])];
}

/** The load balancer works in the simulated nodes' subnet, so a subnet of its own must hold them. */
function sameSubnet({ config, problem }: CheckContext, cluster: SimulatedClusterConfig): CheckProblem[] {
  const own = config.loadBalancer.subnet;
  const nodes = parseCidr(cluster.subnet);
  const given = own === undefined ? undefined : parseCidr(own);
  if (!nodes || !given || (given.first <= nodes.first && nodes.last <= given.last)) return [];
  const allowed = `a subnet that holds cluster.subnet ${cluster.subnet}, where the simulated nodes are`;
  const next = "leave it out: the simulated nodes' subnet is known";
  return [problem(["loadBalancer", "subnet"], allowed, next, [["cluster", "subnet"]])];
}

/** Simulated clusters: node groups are told apart and their nodes find room. */
export const checkCluster: Check = (context) => {
  const { cluster } = context.config;
  if (cluster.source !== "simulated") return [];
  return [...duplicateGroups(cluster, context), ...roomForNodes(cluster, context), ...sameSubnet(context, cluster)];
};
