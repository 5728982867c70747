import { suitsSelector } from "../../capacity/nodeSelector";
import { parseQuantity } from "../../capacity/quantity";
import { configuredNodes, type NodeCapacity } from "../nodes";
import type { Path } from "../paths";
import { suitsProduct } from "../product";
import type { ModelConfig } from "../schema/model";
import type { Check, CheckContext, CheckProblem } from "./context";

function largest(nodes: readonly NodeCapacity[], read: (node: NodeCapacity) => number | undefined): number {
  return Math.max(0, ...nodes.map((node) => read(node) ?? Infinity));
}

/** Labels that no node has: the first that none has at all, or all of them where they are not on one node together. */
function unlabelled(
  { nodeSelector = {} }: ModelConfig,
  index: number,
  nodes: readonly NodeCapacity[],
  { problem, config }: CheckContext,
): CheckProblem[] {
  const isNowhere = (selector: Record<string, string>): boolean =>
    nodes.length > 0 && !nodes.some(({ labels }) => suitsSelector(selector, labels));
  if (!isNowhere(nodeSelector)) return [];
  const key = Object.keys(nodeSelector).find((one) => isNowhere({ [one]: nodeSelector[one]! }));
  const path: Path = ["models", index, "nodeSelector"];
  const where = config.cluster.source === "hosts" ? "add it to cluster.hosts[].labels" : "label a node with it";
  const basis: Path[] = [["cluster"]];
  if (key === undefined) return [problem(path, "labels that one node has all of", `correct it, or ${where}`, basis)];
  const values = [...new Set(nodes.flatMap(({ labels }) => labels?.[key] ?? []))];
  const allowed =
    values.length === 0 ? "a label that some node has" : `a value that some node has: ${values.join(", ")}`;
  return [problem([...path, key], allowed, `correct it, or ${where}`, basis)];
}

/** A replica is one pod, so it must fit on one node. */
function misfits(
  model: ModelConfig,
  index: number,
  allNodes: readonly NodeCapacity[],
  context: CheckContext,
): CheckProblem[] {
  const { problem } = context;
  const vendor = model.gpuVendor;
  const nowhere = unlabelled(model, index, allNodes, context);
  if (nowhere.length > 0) return nowhere;
  const labelled = allNodes.filter(({ labels }) => suitsSelector(model.nodeSelector, labels));
  const suited = labelled.filter(({ product }) => suitsProduct(model, product));
  // That no node has the product or the memory is another check's matter.
  const nodes = suited.length > 0 ? suited : labelled;
  const basis: Path[] = [["cluster"], ["gpu", "vendor"], ["models", index]];
  const hosts = vendor === "none" ? nodes : nodes.filter((node) => (node.gpus[vendor] ?? 0) >= model.gpusPerReplica);
  if (vendor !== "none" && hosts.length === 0) {
    const most = largest(nodes, (node) => node.gpus[vendor] ?? 0);
    const allowed = `at most ${most}, the most ${vendor} GPUs that one node has`;
    const next = "lower it, or add nodes with that many GPUs of that vendor";
    return [problem(["models", index, "gpusPerReplica"], allowed, next, basis)];
  }
  const problems: CheckProblem[] = [];
  const memory = largest(hosts, (node) => node.memory);
  if (parseQuantity(model.resources.memory) > memory) {
    const allowed = `at most ${Math.floor(memory / 2 ** 30)}Gi, the most memory of a node with these GPUs`;
    problems.push(problem(["models", index, "resources", "memory"], allowed, "lower it, or add larger nodes", basis));
  }
  const cpus = largest(hosts, (node) => node.cpus);
  if (parseQuantity(model.resources.cpu) > cpus) {
    const allowed = `at most ${cpus}, the most CPUs of a node with these GPUs`;
    problems.push(problem(["models", index, "resources", "cpu"], allowed, "lower it, or add larger nodes", basis));
  }
  return problems;
}

/**
 * Models of which no node could hold a single replica. For a cluster that exists, call it with what its nodes report.
 *
 * @param nodes capacities, one for each node or for each kind of node
 */
export function modelsWithoutNode(context: CheckContext, nodes: readonly NodeCapacity[]): CheckProblem[] {
  return context.models.flatMap((model, index) => misfits(model, index, nodes, context));
}

function vendorProblems({ config, problem }: CheckContext): CheckProblem[] {
  const stack = config.gpu.vendor;
  return config.models.flatMap((model, index) => {
    if (model.gpusPerReplica === 0) return [];
    const basis: Path[] = [
      ["gpu", "vendor"],
      ["models", index, "gpusPerReplica"],
    ];
    if (stack === "none") {
      const next = "set 0 to serve on CPU, or set gpu.vendor";
      return [problem(["models", index, "gpusPerReplica"], "0 where gpu.vendor is none", next, basis)];
    }
    if (stack === "both" && model.vendor === undefined) {
      const next = "say whose GPUs the model runs on";
      return [problem(["models", index, "vendor"], `"amd" or "nvidia", as gpu.vendor is both`, next, basis)];
    }
    if (stack === "both" || model.vendor === undefined || model.vendor === stack) return [];
    const next = `write ${stack}, or set gpu.vendor: both`;
    return [problem(["models", index, "vendor"], `"${stack}", as gpu.vendor`, next, basis)];
  });
}

/** GPUs of a vendor that the config says is there, and nodes whose GPUs nothing would drive. */
function nodeVendorProblems({ config, problem }: CheckContext, nodes: readonly NodeCapacity[]): CheckProblem[] {
  const stack = config.gpu.vendor;
  if (stack === "none") return [];
  const wanted = stack === "both" ? (["amd", "nvidia"] as const) : [stack];
  const absent = wanted.filter((vendor) => nodes.every((node) => (node.gpus[vendor] ?? 0) === 0));
  if (absent.length > 0) {
    const found = (["amd", "nvidia"] as const).filter((vendor) => nodes.some((node) => (node.gpus[vendor] ?? 0) > 0));
    const allowed = `a vendor whose GPUs some node has; the nodes have ${found.join(" and ") || "none"}`;
    const next = `set it to ${found.join("") || "none"}, or give nodes ${absent.join(" and ")} GPUs under cluster`;
    return [problem(["gpu", "vendor"], allowed, next, [["cluster"]])];
  }
  const place = config.cluster.source === "hosts" ? "hosts" : "nodeGroups";
  return nodes.flatMap((node, index) => {
    const isDriven = wanted.some((vendor) => (node.gpus[vendor] ?? 0) > 0);
    if (isDriven || Object.values(node.gpus).every((count) => count === 0)) return [];
    const path: Path = ["cluster", place, index, "vendor"];
    return [problem(path, `"${stack}", as gpu.vendor`, "correct it, or set gpu.vendor: both", [["gpu", "vendor"]])];
  });
}

function hostVendors({ config, problem }: CheckContext): CheckProblem[] {
  if (config.cluster.source !== "hosts" || config.gpu.vendor !== "both") return [];
  return config.cluster.hosts.flatMap(({ gpus, vendor }, index) => {
    if (gpus === 0 || vendor !== undefined) return [];
    const path: Path = ["cluster", "hosts", index, "vendor"];
    return [
      problem(path, `"amd" or "nvidia", as gpu.vendor is both`, "say whose GPUs the host has", [["gpu", "vendor"]]),
    ];
  });
}

/** GPUs that models ask for are there: their vendor, and enough of them on one node. */
export const checkGpus: Check = (context) => {
  const vendors = [...vendorProblems(context), ...hostVendors(context)];
  const nodes = configuredNodes(context.config.cluster, context.config.gpu);
  if (!nodes) return vendors;
  const fromNodes = nodeVendorProblems(context, nodes);
  // With the vendor unsettled, how many of its GPUs a node has says nothing.
  if (vendors.length > 0 || fromNodes.length > 0) return [...vendors, ...fromNodes];
  return modelsWithoutNode(context, nodes);
};
