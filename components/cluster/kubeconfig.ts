import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parse } from "yaml";

/** One context of a kubeconfig, standing on its own. */
export interface Kubeconfig {
  /** The kubeconfig as JSON, with this context alone. Holds credentials. */
  readonly contents: string;
  readonly context: string;
  /** URL of the API server. */
  readonly server: string;
}

interface KubeconfigFile {
  readonly "current-context"?: string;
  readonly clusters?: readonly { readonly name: string; readonly cluster: Entry }[] | null;
  readonly users?: readonly { readonly name: string; readonly user: Entry | null }[] | null;
  readonly contexts?: readonly { readonly name: string; readonly context: Context }[] | null;
}

type Entry = Readonly<Record<string, unknown>>;
type Context = Entry & { readonly cluster: string; readonly user?: string };

/** A problem that the user can put right; its message says how. */
export class KubeconfigError extends Error {}

/** Reads a kubeconfig file; `~` is the home directory. Throws a KubeconfigError that names the `key` of the path. */
export function readKubeconfig(file: string, key: string, context?: string): Kubeconfig {
  const resolved = path.resolve(file.replace(/^~(?=\/|$)/, os.homedir()));
  let text: string;
  try {
    text = fs.readFileSync(resolved, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : (error as Error).message;
    throw new KubeconfigError(`${key}: the kubeconfig ${file} ${reason}; give the path of a readable file`);
  }
  return flattenKubeconfig(text, { key, context, directory: path.dirname(resolved) });
}

export interface FlattenOptions {
  /** Config key that the kubeconfig comes from, for messages. */
  readonly key: string;
  /** Defaults to the kubeconfig's current context. */
  readonly context?: string;
  /** Directory that relative paths in the kubeconfig start from; without it they are refused. */
  readonly directory?: string;
}

/**
 * Cuts a kubeconfig down to one context and puts the files that it names inside, as `kubectl config view --minify
 * --flatten` does: what goes into the stack's state then holds no other cluster's credentials and works anywhere.
 */
export function flattenKubeconfig(text: string, options: FlattenOptions): Kubeconfig {
  const file = parseKubeconfig(text, options.key);
  const name = options.context ?? file["current-context"];
  const context = file.contexts?.find((entry) => entry.name === name)?.context;
  if (name === undefined || name === "" || context === undefined) {
    const known = file.contexts?.map((entry) => entry.name).join(", ") || "none";
    const wanted = name === undefined || name === "" ? "no current context is set" : `there is no context ${name}`;
    throw new KubeconfigError(`${options.key}: ${wanted}; set cluster.context to one of: ${known}`);
  }
  const cluster = file.clusters?.find((entry) => entry.name === context.cluster)?.cluster;
  const server = cluster?.server;
  if (cluster === undefined || typeof server !== "string") {
    throw new KubeconfigError(
      `${options.key}: context ${name} names the cluster ${context.cluster}, which has no server`,
    );
  }
  const user = file.users?.find((entry) => entry.name === context.user)?.user ?? {};
  const inline = (entry: Entry) => inlineFiles(entry, options);
  const contents = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name: context.cluster, cluster: inline(cluster) }],
    contexts: [{ name, context }],
    users: context.user === undefined ? [] : [{ name: context.user, user: inline(user) }],
  };
  return { contents: JSON.stringify(contents), context: name, server };
}

function parseKubeconfig(text: string, key: string): KubeconfigFile {
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch {
    // The parser's message quotes the text, which holds credentials.
    throw new KubeconfigError(`${key}: not valid YAML; give the contents of a kubeconfig`);
  }
  if (typeof parsed !== "object" || parsed === null || !("clusters" in parsed)) {
    throw new KubeconfigError(`${key}: not a kubeconfig (it has no clusters); give the contents of a kubeconfig`);
  }
  return parsed as KubeconfigFile;
}

/** Fields that name a file whose contents another field can hold instead. */
const embeddable = ["certificate-authority", "client-certificate", "client-key"];

function inlineFiles(entry: Entry, options: FlattenOptions): Entry {
  const result: Record<string, unknown> = { ...entry };
  for (const field of embeddable) {
    const file = result[field];
    if (typeof file === "string") {
      result[`${field}-data`] = readEmbedded(locate(file, field, options), field, options);
      delete result[field];
    }
  }
  // A token file is rotated in place, so it stays a file.
  if (typeof result.tokenFile === "string") {
    result.tokenFile = locate(result.tokenFile, "tokenFile", options);
  }
  const exec = result.exec as { command?: unknown } | undefined;
  if (typeof exec?.command === "string" && exec.command.includes("/")) {
    result.exec = { ...exec, command: locate(exec.command, "exec.command", options) };
  }
  return result;
}

function locate(file: string, field: string, { key, directory }: FlattenOptions): string {
  if (path.isAbsolute(file)) {
    return file;
  }
  if (directory === undefined) {
    throw new KubeconfigError(
      `${key}: ${field} is the relative path ${file}; store the output of: kubectl config view --minify --flatten`,
    );
  }
  return path.join(directory, file);
}

function readEmbedded(file: string, field: string, { key }: FlattenOptions): string {
  try {
    return fs.readFileSync(file).toString("base64");
  } catch (error) {
    throw new KubeconfigError(`${key}: ${field} cannot be read: ${(error as Error).message}`);
  }
}
