import { table } from "../renderStatus";
import type { PendingPod } from "./decisions";
import { maximumCombinations, type Failures } from "./failures";
import type { Fragmentation } from "./fragmentation";
import type { SimulationResult } from "./result";

/** The result as text for a terminal. */
export function renderResult(result: SimulationResult): string {
  const sections = [
    `Stack ${result.stack} on ${result.nodes.length} simulated nodes (${result.source})`,
    gpuSection(result),
    modelSection(result),
    pendingSection(result),
    ["Fragmentation", ...result.fragmentation.map(fragmentationLine)].join("\n"),
    result.failures === undefined ? "" : failureSection(result.failures),
    noteSection(result),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

function gpuSection({ nodes, gpus }: SimulationResult): string {
  const rows = nodes.flatMap(({ name, state }) => {
    const own = gpus.filter(({ node }) => node === name);
    return own.length === 0
      ? [[name, state, "-", "0", "0", "0"]]
      : own.map(({ resource, total, used, free }) => [name, state, resource, ...[total, used, free].map(String)]);
  });
  return "Nodes\n" + table(["NODE", "STATE", "RESOURCE", "GPUS", "USED", "FREE"], rows);
}

function modelSection({ models }: SimulationResult): string {
  const rows = models.map(({ namespace, name, replicas, placed, gpus, nodes }) => [
    `${namespace}/${name}`,
    Object.values(gpus).join("+") || "0",
    `${placed}/${replicas}`,
    Object.entries(nodes)
      .map(([node, count]) => (count > 1 ? `${node} (${count})` : node))
      .join(", ") || "-",
  ]);
  return "Models\n" + (rows.length === 0 ? "  none" : table(["MODEL", "GPUS", "PLACED", "NODES"], rows));
}

function pendingSection({ pending, orders: { tried, withPending } }: SimulationResult): string {
  const scope = tried === 1 ? "one order of the pods" : `${tried} orders of the pods`;
  return pending.length === 0
    ? `Pending\n  nothing: the scheduler has a node for every pod (${scope} tried)`
    : [`Pending (in ${withPending} of ${scope}; this is the worst)`, ...pending.map(pendingLine)].join("\n");
}

function pendingLine({ namespace, workload, count, reason }: PendingPod): string {
  return `  ! ${namespace}/${workload}, ${plural(count, "pod")}: ${reason}`;
}

function fragmentationLine({ resource, free, largestReplica, sizes, unusable, nodes }: Fragmentation): string {
  const where = nodes.map(({ node, unusable: count }) => `${node} (${count})`).join(", ");
  const used =
    sizes.length === 0
      ? "no model uses this kind"
      : unusable === 0
        ? `all of them can be used by replicas of ${sizes.join(", ")}`
        : `${unusable} of them can be used by no replica of ${sizes.join(", ")}: ${where}`;
  return `  ${resource}: ${free} free, the largest replica that still fits has ${largestReplica}; ${used}`;
}

function failureSection({ nodes, combinations, tried, harmless, worst }: Failures): string {
  const scope =
    tried < combinations
      ? `${tried} of ${combinations} combinations tried (at most ${maximumCombinations}), those with most GPUs in use first`
      : `all ${plural(combinations, "combination")} tried`;
  return [
    `After ${plural(nodes, "node")} failed`,
    `  ${scope}; ${harmless} of them leave nothing more Pending`,
    worst.pods === 0
      ? "  everything still fits"
      : `  worst: ${worst.nodes.join(", ")}, which leaves ${plural(worst.pods, "pod")} Pending`,
    ...worst.pending.map((one) => `  ${pendingLine(one)}`),
    ...(worst.gone.length === 0
      ? []
      : [`  gone with ${worst.nodes.join(", ")}, as nobody makes them again: ${worst.gone.join(", ")}`]),
  ].join("\n");
}

function noteSection({ notes, unfinished }: SimulationResult): string {
  const lines = [
    ...notes,
    ...(unfinished.length === 0
      ? []
      : [
          "No node could ever take some of these pods, so the engine did not get past them. What comes after them in the " +
            `program is left out: ${unfinished.map((urn) => urn.split("::").pop()).join(", ")}`,
        ]),
  ];
  return lines.length === 0 ? "" : ["Notes", ...lines.map((line) => `  ${line}`)].join("\n");
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
