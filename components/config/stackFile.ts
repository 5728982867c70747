import * as fs from "node:fs";
import * as path from "node:path";
import { parseDocument } from "yaml";
import { checkStackConfig } from "./check";
import { configNamespace, type Path } from "./paths";
import { formatProblems } from "./problem";
import type { StackConfig } from "./schema/stack";
import { foreignKeyProblems, type ConfigValues } from "./source";

/** Stands for the value of a `secure:` entry, which only the engine can decrypt. */
export const secretPlaceholder = "[secret]";

/** The config of a stack as its file says, with secrets left encrypted. */
export interface StackFile extends ConfigValues {
  /** Lines about keys that are not the project's. */
  readonly foreign: readonly string[];
}

function isSecure(value: object): boolean {
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === "secure";
}

/** Copies a value with each `{ secure: … }` replaced by the placeholder, noting where they stand. */
function withoutSecure(value: unknown, at: Path, encrypted: Path[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((entry, index) => withoutSecure(entry, [...at, index], encrypted));
  if (isSecure(value)) {
    encrypted.push(at);
    return secretPlaceholder;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, withoutSecure(entry, [...at, key], encrypted)]),
  );
}

/**
 * Reads the text of a `Pulumi.<stack>.yaml`.
 *
 * @param name how errors name it, e.g. `Pulumi.dev.yaml`
 * @throws Error when it is no YAML, or has no config
 */
export function parseStackFile(text: string, name: string): StackFile {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  // The library's message quotes the line, which may hold a secret: only the place is told.
  if (error) {
    const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 };
    throw new Error(`${name}, line ${line}, column ${col}: not valid YAML (${error.code}). Correct that line.`);
  }
  const content: unknown = document.toJS();
  const config = typeof content === "object" && content !== null && "config" in content ? content.config : undefined;
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new Error(`${name}: no config. Allowed: a top-level key config with ${configNamespace}:<key> entries.`);
  }
  const encrypted: Path[] = [];
  const values: Record<string, unknown> = {};
  for (const [fullKey, value] of Object.entries(config)) {
    if (!fullKey.startsWith(`${configNamespace}:`)) continue;
    const key = fullKey.slice(configNamespace.length + 1);
    values[key] = withoutSecure(value, [key], encrypted);
  }
  const isSecret = (fullKey: string): boolean => {
    const value: unknown = (config as Record<string, unknown>)[fullKey];
    return typeof value === "object" && value !== null && isSecure(value);
  };
  return { values, encrypted, foreign: foreignKeyProblems(config as Record<string, unknown>, isSecret) };
}

/**
 * Reads a `Pulumi.<stack>.yaml` without the engine; `secure:` entries become placeholders.
 *
 * @throws Error when it cannot be read, is no YAML or has no config
 */
export function readStackFile(file: string): StackFile {
  return parseStackFile(fs.readFileSync(file, "utf8"), path.basename(file));
}

/**
 * Reads and checks a `Pulumi.<stack>.yaml` without the engine.
 *
 * @throws Error with every problem of the file
 */
export function loadStackFile(file: string): StackConfig {
  const { values, encrypted, foreign } = readStackFile(file);
  const result = checkStackConfig(values, encrypted);
  if (result.config && foreign.length === 0) return result.config;
  throw new Error(formatProblems(path.basename(file), result.problems ?? [], foreign));
}
