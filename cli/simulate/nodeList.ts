import { z } from "zod";
import type { GivenNode } from "../../sim/cluster/givenNodes";
import { readList } from "./listFile";

const quantities = z.record(z.string(), z.union([z.string(), z.number()]).transform(String));

const taint = z.object({
  key: z.string(),
  value: z.string().optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
});

const node = z.object({
  kind: z.literal("Node").optional(),
  metadata: z.object({ name: z.string().min(1), labels: z.record(z.string(), z.string()).default({}) }),
  spec: z
    .object({ taints: z.array(taint).nullish(), unschedulable: z.boolean().default(false) })
    .prefault({})
    .describe("spec of the node"),
  status: z.object({
    capacity: quantities,
    allocatable: quantities.optional(),
    addresses: z.array(z.object({ type: z.string(), address: z.string() })).default([]),
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
  }),
});

type ListedNode = z.output<typeof node>;

const nodeList = z.union([
  z.object({ items: z.array(node).min(1, "at least one node") }).transform(({ items }) => items),
  node.transform((single) => [single]),
]);

/** Nodes as a list gives them, and what of it could not be taken over as it is. */
export interface NodeList {
  readonly nodes: readonly GivenNode[];
  readonly notes: readonly string[];
}

/**
 * Taints that controllers put on a node for its condition, and take off again. Simulated nodes are healthy, so those of
 * an unhealthy node would vanish; it is cordoned instead.
 */
const conditionTaints = [
  "node.kubernetes.io/unschedulable",
  "node.kubernetes.io/not-ready",
  "node.kubernetes.io/unreachable",
  "node.kubernetes.io/memory-pressure",
  "node.kubernetes.io/disk-pressure",
  "node.kubernetes.io/pid-pressure",
  "node.kubernetes.io/network-unavailable",
];

const howToGet = "Write it with: kubectl get nodes -o json > nodes.json";

/**
 * The nodes of a `kubectl get nodes -o json`: names, labels, taints, capacity, allocatable, cordons and InternalIPs.
 *
 * @param name how errors name the text, e.g. `nodes.json`
 * @throws Error when it is no such list, names a node twice, or a node has no InternalIP
 */
export function parseNodeList(text: string, name: string): NodeList {
  const listed = parse(text, name);
  const names = listed.map(({ metadata }) => metadata.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined) {
    throw new Error(`${name}: node ${twice} is listed twice; each node may be in it once. ${howToGet}`);
  }
  const down = listed.filter((one) => !isReady(one)).map(({ metadata }) => metadata.name);
  return {
    nodes: listed.map((one) => toGivenNode(one, name)),
    notes: down.length === 0 ? [] : [`Not Ready in ${name}, so nothing is placed there: ${down.join(", ")}.`],
  };
}

/** Reads a file for {@link parseNodeList}; `-` is the standard input. */
export function readNodeList(file: string): NodeList {
  const { text, name } = readList("--nodes", file, howToGet);
  return parseNodeList(text, name);
}

function parse(text: string, name: string): ListedNode[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error(`${name}: not JSON. ${howToGet}`);
  }
  const result = nodeList.safeParse(content);
  if (result.success) {
    return result.data;
  }
  const single = (content as { items?: unknown } | null)?.items === undefined;
  const problems = (single ? node : z.object({ items: z.array(node).min(1, "at least one node") })).safeParse(content);
  const lines = (problems.error?.issues ?? []).map((issue) => `  ${issue.path.join(".") || "."}: ${issue.message}`);
  throw new Error(`${name}: not a list of Kubernetes nodes.\n${lines.join("\n")}\n${howToGet}`);
}

function isReady({ status }: ListedNode): boolean {
  return status.conditions.every(({ type, status: value }) => type !== "Ready" || value === "True");
}

function toGivenNode(listed: ListedNode, source: string): GivenNode {
  const { metadata, spec, status } = listed;
  const addresses = status.addresses.filter(({ type }) => type === "InternalIP").map(({ address }) => address);
  if (addresses.length === 0) {
    throw new Error(`${source}: node ${metadata.name} has no InternalIP among its status.addresses. ${howToGet}`);
  }
  return {
    name: metadata.name,
    labels: metadata.labels,
    taints: (spec.taints ?? []).filter(({ key }) => !conditionTaints.includes(key)),
    unschedulable: spec.unschedulable || !isReady(listed),
    addresses,
    capacity: status.capacity,
    allocatable: status.allocatable ?? status.capacity,
  };
}
