import { demandOf, nothing, problem, sum, type Demand } from "./demand";
import { Field, UNKNOWN } from "./field";
import { asksInText, isGpuResource } from "./gpuResources";
import type { StackResource } from "./objects";
import { parseQuantity } from "./quantity";

/** A Helm chart that the policy config lets the stack install. */
export interface AllowedRelease {
  /** The Release's `chart`: a name, an `oci://` reference, or a directory below the project such as `./sim/charts/x`. */
  readonly chart: string;
  /** The Release's `repositoryOpts.repo`; absent where the Release has none. */
  readonly repository?: string;
  /** GPUs that pods of the chart may ask for at once. */
  readonly gpus: number;
}

/** Name under which a Release's declared GPUs are counted. */
export const declared = "declared ceiling";

/** GPUs of a Helm Release: its pods are not visible, so only what the policy config declares for the chart counts. */
export function releaseDemand(resource: StackResource, allowed: readonly AllowedRelease[]): Demand {
  const root = new Field(resource.props, "");
  const chart = root.get("chart");
  const repository = root.get("repositoryOpts", "repo");
  if (chart.isUnknown || repository.isUnknown) {
    return problem("hidden", chart.path, "which chart the Release installs is not known at preview");
  }
  const entry = allowed.find(
    (candidate) =>
      isSameChart(candidate.chart, chart.text() ?? "") && (candidate.repository ?? "") === (repository.text() ?? ""),
  );
  if (entry === undefined) {
    const origin = repository.exists ? ` of ${JSON.stringify(repository.value)}` : "";
    return problem("hidden", "chart", `chart ${JSON.stringify(chart.value)}${origin} is not on the list of releases`);
  }
  return sum([demandOf(declared, entry.gpus), hiddenValues(root), valuesDemand(root.get("values"), entry)]);
}

/** The namespace that a Release installs into. */
export function releaseNamespace(resource: StackResource): string | typeof UNKNOWN {
  const field = new Field(resource.props, "").get("namespace");
  if (field.isUnknown) return UNKNOWN;
  return field.text() ?? resource.providerNamespace ?? "default";
}

/** The engine may have made a chart directory absolute: its last parts then decide. */
function isSameChart(allowed: string, chart: string): boolean {
  if (allowed === chart) return true;
  if (!/^\.{1,2}\//.test(allowed)) return false;
  const tail = allowed.replace(/^(\.{1,2}\/)+/, "");
  return chart.replace(/^(\.\/)+/, "") === tail || (chart.startsWith("/") && chart.endsWith(`/${tail}`));
}

/** What of a Release changes the chart past its `values`. */
function hiddenValues(root: Field): Demand {
  const [postrender, files] = [root.get("postrender"), root.get("valueYamlFiles")];
  return sum([
    postrender.exists
      ? problem("malformed", postrender.path, "a post-renderer can add pods to the chart; remove it")
      : nothing,
    files.isUnknown || files.items().length > 0
      ? problem("malformed", files.path, "values in files are not visible to the policy; give them as values")
      : nothing,
  ]);
}

/** What values ask for must stay within the declared GPUs; how often the chart repeats it is not known. */
function valuesDemand(values: Field, entry: AllowedRelease): Demand {
  const asks: Ask[] = [];
  searchValues("", values, asks);
  const most = asks.reduce((total, ask) => total + ask.count, 0);
  if (most <= entry.gpus) return nothing;
  const places = asks.map((ask) => ask.path).join(", ");
  return problem("malformed", places, `values ask for GPUs, and chart ${entry.chart} is declared with ${entry.gpus}`);
}

interface Ask {
  readonly path: string;
  readonly count: number;
}

function searchValues(key: string, field: Field, asks: Ask[]): void {
  if (isGpuResource(key) && field.exists) {
    const parsed = parseQuantity(field.value);
    const isUnreadable = field.isUnknown || (typeof parsed === "string" && typeof field.value !== "object");
    const count = typeof parsed === "number" ? parsed : isUnreadable ? Infinity : 0;
    if (count > 0) asks.push({ path: field.path, count });
  }
  if (asksInText(field.text() ?? "")) asks.push({ path: field.path, count: Infinity });
  for (const [child, value] of field.entries()) searchValues(child, value, asks);
  if (Array.isArray(field.value)) for (const item of field.items()) searchValues(key, item, asks);
}
