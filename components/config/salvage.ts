import type { z } from "zod";
import { nearest } from "./nearest";
import { formatPath, isWithin, valueAt, type Path } from "./paths";
import { intendedKey } from "./schemaProblems";

/**
 * Values that let the rest of a config be judged where a required one is missing or broken, by key, or by key and the one
 * above it where a key means several things. They reach no component.
 */
const standIns: Readonly<Record<string, unknown>> = {
  address: "192.0.2.1",
  className: "unknown",
  cluster: { source: "kubeconfig" },
  count: 1,
  effect: "NoSchedule",
  fromSecrets: "unknown",
  gpuQuota: 0,
  hosts: [{}],
  image: "unknown/unknown:0",
  key: "https://unknown.invalid",
  minimumBusBandwidth: 1,
  model: "unknown/unknown",
  name: "unknown",
  namespaces: [{}],
  nodeGroups: [{}],
  reference: "unknown/unknown:0",
  repository: "https://unknown.invalid",
  role: "worker",
  secretName: "unknown",
  size: "2Mi",
  source: "kubeconfig",
  type: "local",
  url: "s3://unknown",
  "weights.type": "image",
};

/** A config in which what the schema refuses was replaced, so that the remaining values can be checked. */
export interface Salvage<Config> {
  readonly config: Config;
  /** Places whose value is not the user's: what rests on them must not be judged. */
  readonly tainted: readonly Path[];
  /** What the schema refuses of the user's own values. */
  readonly issues: readonly z.core.$ZodIssue[];
}

type Container = Record<string | number, unknown>;

function parentOf(root: unknown, path: Path): Container | undefined {
  const parent = valueAt(root, path.slice(0, -1));
  return typeof parent === "object" && parent !== null ? (parent as Container) : undefined;
}

/** Replaces what stands at a path: first by nothing (so that a default applies), then by a stand-in. */
function repair(root: unknown, path: Path): void {
  const parent = parentOf(root, path);
  const step = path.at(-1);
  if (parent === undefined || step === undefined) return;
  if (typeof step === "number") {
    parent[step] = typeof parent[step] === "object" || path.at(-2) === "extraArgs" ? "unknown" : {};
    return;
  }
  if (Object.hasOwn(parent, step)) delete parent[step];
  else parent[step] = structuredClone(standIns[`${path.at(-2)}.${step}`] ?? standIns[step]);
}

/** The places that an issue blames. */
function blamed(issue: z.core.$ZodIssue): Path[] {
  const path = issue.path as Path;
  return issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
}

/** The branch of a union that a misspelt discriminator most likely means; undefined for other issues. */
function intendedBranch(issue: z.core.$ZodIssue, root: unknown): string | undefined {
  if (issue.code !== "invalid_union" || !("options" in issue) || !Array.isArray(issue.options)) return undefined;
  const value = valueAt(root, issue.path as Path);
  return typeof value === "string" ? nearest(value, issue.options.map(String)) : undefined;
}

/** Repairs what one issue is about. Returns the places that then hold what the user did not write. */
function settle(schema: z.ZodType, root: unknown, raw: unknown, issue: z.core.$ZodIssue): Path[] {
  const branch = intendedBranch(issue, root);
  if (branch !== undefined) {
    const path = issue.path as Path;
    parentOf(root, path)![path.at(-1)!] = branch;
    return [path];
  }
  return blamed(issue).flatMap((path) => {
    repair(root, path);
    // Without the branch, nothing beside the discriminator can be judged.
    if (issue.code === "invalid_union" && "options" in issue) return [path.slice(0, -1)];
    const intended = intendedKey(schema, raw, path);
    return intended === undefined ? [path] : [path, [...path.slice(0, -1), intended]];
  });
}

/** Most rounds that a repair can take: one a level of nesting to reach a value, two for each to replace it. */
const maximumRounds = 12;

/**
 * Parses a config; where the schema refuses values, replaces them until it accepts the rest.
 *
 * @throws Error when a value cannot be replaced, which is a mistake in this file
 */
export function salvage<Schema extends z.ZodType>(schema: Schema, raw: unknown): Salvage<z.output<Schema>> {
  const root: unknown = typeof raw === "object" && raw !== null && !Array.isArray(raw) ? structuredClone(raw) : {};
  const tainted: Path[] = [];
  const issues: z.core.$ZodIssue[] = [];
  for (let round = 0; round < maximumRounds; round++) {
    const result = schema.safeParse(root);
    if (result.success) return { config: result.data, tainted, issues };
    const found = result.error.issues;
    issues.push(...found.filter(({ path }) => !tainted.some((place) => isWithin(path as Path, place))));
    tainted.push(...found.flatMap((issue) => settle(schema, root, raw, issue)));
  }
  throw new Error(`no stand-in lets the schema accept the config; see ${tainted.map(formatPath).join(", ")}`);
}

/** Whether a judgement that rests on `path` rests on a value that is not the user's. */
export function isTainted(path: Path, tainted: readonly Path[]): boolean {
  return tainted.some((place) => isWithin(path, place) || isWithin(place, path));
}
