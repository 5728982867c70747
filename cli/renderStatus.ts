import type { ClusterStatus, ModelStatus } from "./clusterStatus";
import type { LastRun, PolicyResult } from "./phases";

export interface Status extends ClusterStatus {
  /** Memory of the models as estimated, or why it is not; absent where no run has told the stack. */
  readonly fit?: string;
  readonly lastRun?: LastRun;
}

/** The status as text for a terminal. */
export function renderStatus(status: Status): string {
  const sections = [nodesSection(status), modelsSection(status), status.fit ?? "", callSection(status.models)];
  if (status.lastRun !== undefined) {
    sections.push(policySection(status.lastRun.policy), phasesSection(status.lastRun));
  }
  return sections.filter((section) => section !== "").join("\n\n");
}

/** Left-aligned columns; numbers, which are all digits, right-aligned. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const isNumeric = header.map((_, column) => rows.length > 0 && rows.every((row) => /^\d+$/.test(row[column] ?? "")));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        isNumeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [header, ...rows].map((row) => `  ${line(row)}`).join("\n");
}

function nodesSection({ nodes }: Status): string {
  const rows = nodes.map((node) => [
    node.name,
    node.ready ? "Ready" : "NotReady",
    node.product === "" ? "-" : node.product,
    String(node.gpus),
    String(node.gpusUsed),
    String(node.gpusFree),
  ]);
  const sum = (pick: (node: ClusterStatus["nodes"][number]) => number): string =>
    String(nodes.reduce((total, node) => total + pick(node), 0));
  const total = ["all", "", "", sum((n) => n.gpus), sum((n) => n.gpusUsed), sum((n) => n.gpusFree)];
  return "Nodes\n" + table(["NODE", "STATUS", "GPU", "GPUS", "USED", "FREE"], [...rows, total]);
}

function modelsSection({ models }: Status): string {
  if (models.length === 0) {
    return "Models\n  none";
  }
  const rows = models.map((model) => [
    `${model.namespace}/${model.name}`,
    model.model,
    String(model.gpusPerReplica),
    `${model.readyReplicas}/${model.replicas}`,
    model.url ?? "no address yet",
  ]);
  const reasons = models.flatMap((model) => model.reasons.map((reason) => `  ! ${model.name}: ${reason}`));
  return ["Models\n" + table(["MODEL", "WEIGHTS", "GPUS", "READY", "ADDRESS"], rows), ...reasons].join("\n");
}

function callSection(models: readonly ModelStatus[]): string {
  const model = models.find((one) => one.url !== undefined && one.readyReplicas > 0);
  if (model === undefined) {
    return "";
  }
  const body = `{"model": "${model.model}", "messages": [{"role": "user", "content": "Hello"}]}`;
  return [
    "Call a model (on real nodes; simulated pods are records and answer nothing)",
    `  curl ${model.url}/v1/chat/completions -H 'Content-Type: application/json' \\`,
    `    -d '${body}'`,
  ].join("\n");
}

function policySection({ packs, mandatory, advisory }: PolicyResult): string {
  const verdict =
    mandatory.length === 0 && advisory.length === 0
      ? "no violations"
      : `${mandatory.length} mandatory and ${advisory.length} advisory violation(s)`;
  return [`Policy\n  ${packs.join(", ")}: ${verdict}`, ...[...mandatory, ...advisory].map((one) => `  ! ${one}`)].join(
    "\n",
  );
}

function phasesSection({ phases, command = "make up" }: LastRun): string {
  return (
    `Time of the last ${command}\n` +
    table(
      ["PHASE", "SECONDS"],
      phases.map(({ name, seconds }) => [name, seconds.toFixed(1)]),
    )
  );
}
