import { editDistance, nearest } from "./nearest";
import { configNamespace, type Path } from "./paths";
import { credentialIn } from "./redact";
import { stackSchema } from "./schema/stack";

/** The values of the project's namespace, wherever they were read. */
export interface ConfigValues {
  /** By key without the namespace, e.g. `{ cluster: …, models: [ … ] }`. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Paths that are stored encrypted. */
  readonly encrypted: readonly Path[];
}

/** What is wrong with a key outside the project's namespace, as a line for the user. */
export type ForeignKeyProblem = string;

const ownKeys = Object.keys(stackSchema.shape);

/** Keys whose value is a plain text, not JSON. */
const textKeys: ReadonlySet<string> = new Set(
  Object.entries(stackSchema.shape).flatMap(([key, schema]) =>
    schema.type === "default" && typeof schema.def.defaultValue === "string" ? [key] : [],
  ),
);

/** The value of a key as the engine hands it over: structures as JSON, anything else as it was written. */
function decode(key: string, text: string): unknown {
  if (textKeys.has(key)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not a structure: the schema says so, with the key, the value and what it expects.
    return text;
  }
}

/**
 * Decodes the config that the engine hands to a program.
 *
 * @param all every key with its namespace, e.g. `{ "inference-stack:models": "[…]" }`
 * @param isSecret whether the value of such a key is stored encrypted
 */
export function decodeValues(
  all: Readonly<Record<string, string>>,
  isSecret: (fullKey: string) => boolean,
): ConfigValues {
  const prefix = `${configNamespace}:`;
  const own = Object.entries(all).filter(([fullKey]) => fullKey.startsWith(prefix));
  const keyOf = (fullKey: string): string => fullKey.slice(prefix.length);
  return {
    values: Object.fromEntries(own.map(([fullKey, text]) => [keyOf(fullKey), decode(keyOf(fullKey), text)])),
    encrypted: own.filter(([fullKey]) => isSecret(fullKey)).map(([fullKey]) => [keyOf(fullKey)]),
  };
}

/**
 * What is wrong with keys of other namespaces: one that is ours misspelt, or a credential in plain text.
 *
 * @returns lines for the user, without the values of credentials
 */
export function foreignKeyProblems(
  all: Readonly<Record<string, unknown>>,
  isSecret: (fullKey: string) => boolean,
): ForeignKeyProblem[] {
  return Object.entries(all).flatMap(([fullKey, value]) => {
    const separator = fullKey.indexOf(":");
    const namespace = separator < 0 ? "" : fullKey.slice(0, separator);
    const key = fullKey.slice(separator + 1);
    if (namespace === configNamespace) return [];
    if (namespace === "" || editDistance(namespace, configNamespace) <= 3) {
      return [
        `${fullKey}: a key of no namespace in use. Allowed: the namespace ${configNamespace}. Next: write ${configNamespace}:${nearest(key, ownKeys) ?? key}.`,
      ];
    }
    const credential = isSecret(fullKey) ? undefined : credentialIn(JSON.stringify(value));
    if (credential === undefined) return [];
    return [
      `${fullKey}: [secret]. Allowed: no credential in plain text; this looks like ${credential}. ` +
        `Next: revoke it if the file was shared, then run \`pulumi config set --secret '${fullKey}'\`.`,
    ];
  });
}
