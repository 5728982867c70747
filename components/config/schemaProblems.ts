import type { z } from "zod";
import { describeAllowed, either, schemaAt, shapeOf, type SchemaNode } from "./describe";
import { nearest } from "./nearest";
import { valueAt, type Path } from "./paths";
import type { Problem } from "./problem";

type Issue = z.core.$ZodIssue;

/** What the translation of issues needs to know. */
export interface IssueContext {
  readonly schema: z.core.$ZodType;
  /** The config as the user wrote it. */
  readonly raw: unknown;
  /** Renders the value at a path; secrets stay hidden. */
  readonly render: (path: Path) => string;
}

/** The issues of the branch of a union that the value comes nearest to; undefined when no branch stands out. */
function issuesOfNearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const isOfOtherType = (issue: Issue): boolean =>
    issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
  const fitting = branches.filter((issues) => !issues.some(isOfOtherType));
  return fitting.length === 1 ? fitting[0] : undefined;
}

function pathOf(base: Path, issue: Issue): Path {
  return [...base, ...(issue.path as (string | number)[])];
}

function knownKeys(node: SchemaNode | undefined, value: unknown): string[] {
  return Object.keys((node && shapeOf(node, value)) ?? {});
}

function unknownKey(path: Path, node: SchemaNode | undefined, context: IssueContext): Problem {
  const known = knownKeys(node, valueAt(context.raw, path.slice(0, -1)));
  const suggestion = nearest(String(path.at(-1)), known);
  return {
    path,
    value: `unknown key, with value ${context.render(path)}`,
    allowed: `the keys ${known.join(", ")}`,
    next:
      suggestion === undefined
        ? "remove it, or use one of these keys"
        : `did you mean ${suggestion}? Rename or remove it`,
  };
}

/** The known key that an unknown one most likely stands for. */
export function intendedKey(schema: z.core.$ZodType, raw: unknown, path: Path): string | undefined {
  const parent = path.slice(0, -1);
  const node = schemaAt(schema, raw, parent);
  return nearest(String(path.at(-1)), knownKeys(node, valueAt(raw, parent)));
}

function nextStep(value: unknown, issue: Issue, node: SchemaNode | undefined): string {
  const meaning = node?.description === undefined ? "" : ` (${node.description})`;
  if (value === undefined) return `add it${meaning}`;
  const expected = issue.code === "invalid_type" ? issue.expected : undefined;
  if (expected === "string" && typeof value !== "object") return `write it in quotes${meaning}`;
  const isNumeric = typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value));
  if ((expected === "number" || expected === "int") && isNumeric) return `write it without quotes${meaning}`;
  if (issue.code === "invalid_value") {
    const suggestion = nearest(typeof value === "string" ? value : "", issue.values.map(String));
    return suggestion === undefined ? `choose one of these${meaning}` : `did you mean ${suggestion}?${meaning}`;
  }
  return `correct it${meaning}`;
}

function wrongDiscriminator(path: Path, options: readonly string[], context: IssueContext): Problem {
  const value = valueAt(context.raw, path);
  const suggestion = typeof value === "string" ? nearest(value, options) : undefined;
  const allowed = either(options.map((option) => JSON.stringify(option)));
  const next = value === undefined ? "add it" : suggestion ? `did you mean ${suggestion}?` : "choose one of these";
  return { path, value: context.render(path), allowed, next };
}

function allowedBy(issue: Issue, node: SchemaNode | undefined): string {
  const hasOwnWords = issue.code === "invalid_format" || (issue.code === "too_big" && issue.origin === "string");
  if (hasOwnWords) return issue.message;
  if (issue.code === "too_small" && issue.origin === "array") return `a list of at least ${issue.minimum} entry`;
  if (issue.code === "too_small" && issue.origin === "string") return "a text that is not empty";
  return node ? describeAllowed(node.schema) : issue.message;
}

/** Turns one issue of the schema into the problems that the user is told. */
export function issueProblems(issue: Issue, context: IssueContext, base: Path = []): Problem[] {
  const path = pathOf(base, issue);
  const node = schemaAt(context.schema, context.raw, path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey([...path, key], node, context));
  }
  if (issue.code === "invalid_union") {
    if ("options" in issue && Array.isArray(issue.options)) {
      return [wrongDiscriminator(path, issue.options.map(String), context)];
    }
    const branch = issuesOfNearestBranch(issue.errors);
    if (branch) return branch.flatMap((inner) => issueProblems(inner, context, path));
  }
  const allowed = allowedBy(issue, node);
  const next = nextStep(valueAt(context.raw, path), issue, node);
  return [{ path, value: context.render(path), allowed, next }];
}
