import type { ReadJson } from "../capacity/modelFit";
import { allChecks } from "./checks";
import { createContext, type CheckContext, type CheckProblem } from "./checks/context";
import { fitProblems } from "./checks/fit";
import { modelsWithoutNode } from "./checks/gpus";
import { configuredNodes, type NodeCapacity } from "./nodes";
import { formatPath, isWithin, valueAt, type Path } from "./paths";
import { findPlainText } from "./plainText";
import { hiddenValue, renderValue, type Problem } from "./problem";
import { resolveModels, toStackConfig } from "./resolve";
import { isTainted, salvage } from "./salvage";
import { stackSchema, type StackConfig } from "./schema/stack";
import { issueProblems } from "./schemaProblems";

/** Either a config that every check accepts, or everything that is wrong with it. */
export type CheckResult =
  | { readonly config: StackConfig; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly Problem[] };

/** Problems by top-level key in the order of the schema, unknown keys last; inside a list by entry. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const keys = Object.keys(stackSchema.shape);
  const rank = ({ path }: Problem): number => (keys.indexOf(String(path[0])) + keys.length + 1) % (keys.length + 1);
  const entry = ({ path }: Problem): number => (typeof path[1] === "number" ? path[1] : -1);
  return [...problems].sort((a, b) => rank(a) - rank(b) || entry(a) - entry(b));
}

function withoutBasis({ path, value, allowed, next }: CheckProblem): Problem {
  return { path, value, allowed, next };
}

/** Drops what a problem about the same or an enclosing value already says. */
function withoutRepeats(problems: readonly Problem[], findings: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  const rest = problems.filter(({ path }) => !findings.some((finding) => isWithin(path, finding.path)));
  return [...findings, ...rest].filter((problem) => {
    const key = JSON.stringify([formatPath(problem.path), problem.allowed]);
    return seen.has(key) ? false : seen.add(key);
  });
}

/**
 * Checks the stack config as a whole: schema, cross-field rules and secrets. Pure: no Pulumi, no files, no clock.
 *
 * All problems are found in one go. Where a value breaks the schema, the rules that rest on it are left out and all
 * others still run.
 *
 * @param raw the values of the project's namespace by key, e.g. `{ cluster: …, models: [ … ] }`
 * @param encrypted paths that are stored encrypted, e.g. `[["secrets"]]`; values under `secrets` outside of them are
 * refused
 */
export function checkStackConfig(raw: unknown, encrypted: readonly Path[] = []): CheckResult {
  const findings = findPlainText(raw, encrypted);
  const render = (path: Path): string => {
    const value = valueAt(raw, path);
    const isShown = value === undefined || !findings.isHidden(path) || typeof value === "object";
    return isShown ? renderValue(value) : hiddenValue;
  };
  const { config, tainted, issues } = salvage(stackSchema, raw);
  const refused = issues.flatMap((issue) => issueProblems(issue, { schema: stackSchema, raw, render }));
  const models = resolveModels(config);
  const broken = allChecks(createContext({ raw, config, models, render }))
    .filter(({ path, basis }) => ![path, ...basis].some((place) => isTainted(place, tainted)))
    .map(withoutBasis);
  const problems = inOrder(withoutRepeats([...refused, ...broken], findings.problems));
  return problems.length > 0 ? { problems } : { config: toStackConfig(config, models) };
}

/**
 * Models of which none of a live cluster's nodes could hold a single replica, or whose GPUs are too small. For a cluster
 * that exists: the nodes of the others are known from the config, and checked with it.
 *
 * @param nodes what each node reports as allocatable
 * @param readJson reads the config.json that a model's `architecture` names
 */
export function checkNodes(config: StackConfig, nodes: readonly NodeCapacity[], readJson?: ReadJson): Problem[] {
  const context = contextOf(config);
  const misplaced = modelsWithoutNode(context, nodes);
  return (misplaced.length > 0 ? misplaced : fitProblems(context, nodes, readJson)).map(withoutBasis);
}

/**
 * The checks of models whose `architecture` is the path of a config.json, which needs files to be read.
 *
 * @param readJson reads a JSON file by its path relative to the project; throws where it cannot
 */
export function checkArchitectureFiles(config: StackConfig, readJson: ReadJson): Problem[] {
  const nodes = configuredNodes(config.cluster, config.gpu) ?? [];
  return fitProblems(contextOf(config), nodes, readJson)
    .filter(({ path }) => path[0] === "models" && typeof config.models[Number(path[1])]?.architecture === "string")
    .map(withoutBasis);
}

function contextOf(config: StackConfig): CheckContext {
  const everything = { ...config, models: [...config.models], secrets: { hfTokens: {} } };
  const render = (path: Path): string => renderValue(valueAt(config, path));
  return createContext({ raw: config, config: everything, models: config.models, render });
}
