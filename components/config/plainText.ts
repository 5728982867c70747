import { flagName } from "./engineFlags";
import { formatPath, isWithin, type Path } from "./paths";
import { hiddenValue, type Problem } from "./problem";
import { credentialIn, redact } from "./redact";

/** Flags of `vllm serve` whose value is a credential. */
const credentialFlags = ["--api-key", "--hf-token"];

/** Keys whose value is never shown, whatever it looks like. */
const credentialKey = /token|passw|secret|credential|api[-_]?key|private[-_]?key/i;

/** Keys that match the above and hold only the name of a secret. */
const nameOfSecret = new Set(["secretName", "fromSecrets"]);

/** Every string, number and boolean inside a value with its path, and every key of an object. */
function* leavesOf(value: unknown, path: Path = []): Generator<{ readonly path: Path; readonly value: unknown }> {
  if (typeof value !== "object" || value === null) {
    yield { path, value };
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    yield* leavesOf(child, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

/** The command that stores a secret encrypted, in backticks. */
export function setSecretCommand(path: Path): string {
  const file = path.at(-1) === "sshPrivateKey" ? " < ~/.ssh/id_ed25519" : "";
  const kubeconfig = path.at(-1) === "kubeconfig" ? " < kubeconfig.yaml" : "";
  const isPlain = path.every((step) => typeof step === "string" && /^[A-Za-z_][\w-]*$/.test(step));
  // A key that is a token, or that a shell would read otherwise, is not spelled out.
  const key = isPlain ? redact(formatPath(path)) : "secrets.hfTokens.<name>";
  return `\`pulumi config set --secret --path '${key}'${file}${kubeconfig}\``;
}

/** What must not be in plain text, and what must not be shown. */
export interface PlainTextFindings {
  readonly problems: readonly Problem[];
  /** Whether the value at a path must not be shown. */
  readonly isHidden: (path: Path) => boolean;
}

function flagProblem(path: Path, flag: string): Problem {
  const next =
    flag === "--hf-token"
      ? "remove it and name an entry of secrets.hfTokens in the model's hfToken.fromSecrets"
      : "remove it and check API keys in a gateway in front of the Service";
  return { path, value: `${flag} ${hiddenValue}`, allowed: "no credential among the arguments", next };
}

/** Arguments that carry a credential: `--flag=value`, or the entry after `--flag`. */
function credentialArguments(path: Path, siblings: readonly unknown[]): { hidden: Path[]; problems: Problem[] } {
  const hidden: Path[] = [];
  const problems: Problem[] = [];
  siblings.forEach((argument, index) => {
    const flag = flagName(String(argument));
    const known = credentialFlags.find((name) => name === flag);
    if (!known) return;
    problems.push(flagProblem([...path, index], known));
    hidden.push([...path, index]);
    const next = siblings[index + 1];
    if (
      !/[=\s]/.test(String(argument).trim()) &&
      next !== undefined &&
      !(typeof next === "string" && next.startsWith("--"))
    )
      hidden.push([...path, index + 1]);
  });
  return { hidden, problems };
}

function extraArgsOf(raw: unknown): { readonly path: Path; readonly list: readonly unknown[] }[] {
  const models: unknown = typeof raw === "object" && raw !== null && "models" in raw ? raw.models : undefined;
  if (!Array.isArray(models)) return [];
  return models.flatMap((model: unknown, index) => {
    const list = typeof model === "object" && model !== null && "extraArgs" in model ? model.extraArgs : undefined;
    return Array.isArray(list) ? [{ path: ["models", index, "extraArgs"], list }] : [];
  });
}

function leafProblem(path: Path, value: unknown, encrypted: readonly Path[]): Problem | undefined {
  const isEncrypted = encrypted.some((place) => isWithin(path, place));
  const keyCredential = path.map((step) => credentialIn(String(step))).find((found) => found !== undefined);
  if (keyCredential !== undefined) {
    const allowed = `no credential as the name of a key; this one looks like ${keyCredential}`;
    return {
      path,
      value: hiddenValue,
      allowed,
      next: "name it otherwise, and revoke a credential that was in the file",
    };
  }
  if (path[0] === "secrets") {
    if (isEncrypted) return undefined;
    const next = `revoke it if the file was shared, then run ${setSecretCommand(path)}`;
    return { path, value: `${hiddenValue} in plain text`, allowed: "an encrypted value only", next };
  }
  if (isEncrypted) return undefined;
  const credential = typeof value === "string" ? credentialIn(value) : undefined;
  if (credential === undefined) return undefined;
  return {
    path,
    value: hiddenValue,
    allowed: `no credential in plain text; this looks like ${credential}`,
    next: `revoke it if the file was shared, store it under secrets (${setSecretCommand(["secrets", "hfTokens", "main"])}) and name it here`,
  };
}

/** Encrypted values where none may be: the rest of the config is handed to components as plain values. */
function misplaced(encrypted: readonly Path[]): Problem[] {
  return encrypted
    .filter((path) => path[0] !== "secrets")
    .map((path) => ({
      path,
      value: "an encrypted value",
      allowed: "encrypted values under secrets only",
      next: "store it in plain text if it is no secret, or move it under secrets",
    }));
}

/**
 * Finds secrets that are not encrypted, credentials anywhere else, and encrypted values that are misplaced.
 *
 * @param encrypted paths whose values are stored encrypted; each covers what lies inside it
 */
export function findPlainText(raw: unknown, encrypted: readonly Path[]): PlainTextFindings {
  const args = extraArgsOf(raw).map(({ path, list }) => credentialArguments(path, list));
  const hidden = [...encrypted, ...args.flatMap((found) => found.hidden)];
  const leaves = [...leavesOf(raw)].flatMap(({ path, value }) => {
    const isReported = hidden.some((place) => isWithin(path, place)) && path[0] !== "secrets";
    const problem = isReported ? undefined : leafProblem(path, value, encrypted);
    return problem ? [problem] : [];
  });
  const isHidden = (path: Path): boolean =>
    path[0] === "secrets" ||
    hidden.some((place) => isWithin(path, place)) ||
    path.some((step) => typeof step === "string" && credentialKey.test(step) && !nameOfSecret.has(String(path.at(-1))));
  return { problems: [...misplaced(encrypted), ...args.flatMap((found) => found.problems), ...leaves], isHidden };
}
