import { gib } from "./fit";
import { fitOfModel, replicaGpus, type FitModel, type FitNode, type ModelFit, type ReadJson } from "./modelFit";

/** What of a stack's config the table shows. */
export interface FitTableConfig {
  readonly models: readonly FitModel[];
  /** `pricePerHour` is for one GPU, in the user's currency. */
  readonly gpu: { readonly pricePerHour?: number };
}

const heading = ["model", "GPUs", "weights/GPU", "KV tokens", "full contexts", "of cluster"];

function tokens(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)}M`;
  return count >= 1000 ? `${Math.round(count / 1000)}k` : String(count);
}

function share(gpus: number, all: number): string {
  return all === 0 ? "?" : `${((100 * gpus) / all).toFixed(0)}%`;
}

function row({ model, gpu, report }: ModelFit, clusterGpus: number, price: number | undefined): string[] {
  const gpus = model.replicas * replicaGpus(model);
  const product = gpu === undefined ? "" : ` ${gpu.name}`;
  const known = report
    ? [
        gib(report.weightsGiBPerGpu),
        `${tokens(report.kvTokens[0])} to ${tokens(report.kvTokens[1])}`,
        `${report.maxConcurrency.toFixed(1)} × ${report.options.maxModelLen}`,
      ]
    : ["?", "?", "?"];
  const cost = price === undefined ? [] : [(gpus * price).toFixed(2)];
  return [
    model.name,
    `${model.replicas} × ${replicaGpus(model)}${product}`,
    ...known,
    share(gpus, clusterGpus),
    ...cost,
  ];
}

function total(models: readonly FitModel[], clusterGpus: number, price: number | undefined): string[] {
  const gpus = models.reduce((sum, model) => sum + model.replicas * replicaGpus(model), 0);
  const cost = price === undefined ? [] : [(gpus * price).toFixed(2)];
  return ["total", `${gpus} of ${clusterGpus}`, "", "", "", share(gpus, clusterGpus), ...cost];
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

function notes(fits: readonly ModelFit[]): string[] {
  return fits.flatMap(({ model, note, report }) => {
    const tight = report?.fits === true && !report.fitsForSure ? report.reasons.slice(-1) : [];
    return [...(note === undefined ? [] : [note]), ...tight].map((text) => `${model.name}: ${text}.`);
  });
}

/**
 * A table of what the models of a stack take and leave: GPUs, weights, tokens in the KV cache of one replica, requests
 * of full length that it holds at a time, share of the cluster's GPUs, and the cost an hour where a price is set.
 *
 * @param nodes every node of the cluster
 */
export function fitTable(config: FitTableConfig, nodes: readonly FitNode[], readJson?: ReadJson): string {
  const fits = config.models.map((model) => fitOfModel(model, nodes, readJson));
  const clusterGpus = nodes.reduce((sum, { gpus }) => sum + (gpus.amd ?? 0) + (gpus.nvidia ?? 0), 0);
  const price = config.gpu.pricePerHour;
  const rows = [
    price === undefined ? heading : [...heading, "cost/hour"],
    ...fits.map((fit) => row(fit, clusterGpus, price)),
    total(config.models, clusterGpus, price),
  ];
  return ["Memory of the models, as estimated (docs/capacity.md):", ...align(rows), ...notes(fits)].join("\n");
}
