import { formatKey, type Path } from "./paths";
import { redact } from "./redact";

/** One thing wrong with a stack config. Every field is safe to print: values of secrets are left out. */
export interface Problem {
  /** Where it stands, e.g. `["models", 1, "replicas"]`. */
  readonly path: Path;
  /** The offending value, rendered, e.g. `-1`, `"amd "`, `not set`, `[secret]`. */
  readonly value: string;
  /** What is allowed here, e.g. `a whole number from 0 to 1000`. */
  readonly allowed: string;
  /** What to do next, as a sentence without its full stop. */
  readonly next: string;
}

/** One line: key path as the user writes it, value, what is allowed, what to do next. */
export function formatProblem({ path, value, allowed, next }: Problem): string {
  const line = `${formatKey(path)}: ${value}. Allowed: ${allowed}. Next: ${next}${next.endsWith("?") ? "" : "."}`;
  return redact(line.replace(/\s*\n\s*/g, " "));
}

/**
 * One message for all problems of a config, a line each.
 *
 * @param source what was read, e.g. `Pulumi.dev.yaml` or `stack dev`
 * @param foreign lines about what is not in the project's namespace
 */
export function formatProblems(source: string, problems: readonly Problem[], foreign: readonly string[] = []): string {
  const lines = [...foreign.map(redact), ...problems.map(formatProblem)];
  const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
  return [`The config of ${source} has ${count}; no resource was touched:`, ...lines].join("\n  - ");
}

/** How a value is shown in a problem. Objects and lists are only named: they may hold what must not be printed. */
export function renderValue(value: unknown): string {
  if (value === undefined) return "not set";
  if (Array.isArray(value)) return value.length === 1 ? "a list of 1 entry" : `a list of ${value.length} entries`;
  if (typeof value === "object" && value !== null) return "an object";
  // Redacted before it is cut: half a credential would no longer look like one.
  const text = redact(JSON.stringify(value));
  return text.length > 120 ? `${text.slice(0, 118)}…"` : text;
}

/** How a value that must not be printed is shown. */
export const hiddenValue = "[secret]";
