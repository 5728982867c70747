import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { checkArchitectureFiles, checkNodes, checkStackConfig } from "./check";
import type { NodeCapacity } from "./nodes";
import { configNamespace, type Path } from "./paths";
import { formatProblems, renderValue, type Problem } from "./problem";
import { secretsSchema, type StackConfig } from "./schema/stack";
import { StackSecrets, type SecretNames, type SingleSecret } from "./secrets";
import { decodeValues, foreignKeyProblems, type ConfigValues } from "./source";
import type * as StackFiles from "./stackFile";

export type { StackConfig } from "./schema/stack";
export type { ModelConfig } from "./schema/model";
export type {
  ClusterConfig,
  HostConfig,
  HostsClusterConfig,
  NodeGroupConfig,
  SimulatedClusterConfig,
} from "./schema/cluster";
export type { AddonsConfig, GpuConfig, LoadBalancerConfig, NamespaceConfig, StorageConfig } from "./schema/platform";
export { StackSecrets } from "./secrets";

/** What the program gets from the stack's config. */
export interface LoadedConfig {
  /** Everything that is not secret, checked, with defaults filled in. */
  readonly config: StackConfig;
  /** The secret values, only ever as secret Outputs. */
  readonly secrets: StackSecrets;
}

/** Whether the engine holds the value of a key encrypted. The SDK exports this, but not its type. */
function isConfigSecret(fullKey: string): boolean {
  const runtime = pulumi.runtime as unknown as { readonly isConfigSecret: (key: string) => boolean };
  return runtime.isConfigSecret(fullKey);
}

/**
 * A `secrets` object counts as encrypted for the engine as soon as one value in it is; the stack's file tells which
 * are. Where there is no such file (config by the Automation API, an environment), the engine's word is all there is.
 */
function encryptedPaths({ encrypted }: ConfigValues): readonly Path[] {
  const file = path.join(pulumi.getRootDirectory(), `Pulumi.${pulumi.getStack()}.yaml`);
  if (!encrypted.some(([key]) => key === "secrets") || !fs.existsSync(file)) return encrypted;
  // The YAML library is loaded for stacks with secrets only: the others start faster without it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { readStackFile } = require("./stackFile") as typeof StackFiles;
  const inFile = readStackFile(file).encrypted.filter(([key]) => key === "secrets");
  return inFile.length === 0 ? encrypted : [...encrypted.filter(([key]) => key !== "secrets"), ...inFile];
}

/** A mirror that is a directory must be there; a relative one is found from the project's directory. */
function missingChartDirectory(chartSource: unknown): Problem[] {
  if (typeof chartSource !== "string" || !/^\.{0,2}\//.test(chartSource)) return [];
  const directory = path.resolve(pulumi.getRootDirectory(), chartSource);
  if (fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  const allowed = "a directory that exists, with one chart a sub-directory";
  const next = `create ${directory}, or choose another source`;
  return [{ path: ["chartSource"], value: renderValue(chartSource), allowed, next }];
}

/**
 * Reads a JSON file of the project, such as a model's config.json.
 *
 * @param file relative to the project's directory
 * @throws where it cannot be read, or is no JSON
 */
export function readProjectJson(file: string): unknown {
  return JSON.parse(fs.readFileSync(path.resolve(pulumi.getRootDirectory(), file), "utf8"));
}

/** Which secrets the values hold. */
function secretNames(values: ConfigValues["values"]): SecretNames {
  const { hfTokens, ...single } = secretsSchema.parse(values.secrets ?? {});
  return { hfTokens: Object.keys(hfTokens), single: Object.keys(single) as SingleSecret[] };
}

/**
 * Reads, checks and types the config of the current stack. It is the only reader of Pulumi config in the project.
 *
 * @throws pulumi.RunError naming every problem of the config, so that the engine prints it without a stack trace
 * and before any resource is registered.
 */
export function loadStackConfig(): LoadedConfig {
  const all = pulumi.runtime.allConfig();
  const read = decodeValues(all, isConfigSecret);
  const foreign = foreignKeyProblems(all, isConfigSecret);
  const result = checkStackConfig(read.values, encryptedPaths(read));
  const problems = [
    ...(result.problems ?? []),
    ...missingChartDirectory(read.values.chartSource),
    ...(result.config ? checkArchitectureFiles(result.config, readProjectJson) : []),
  ];
  if (!result.config || problems.length + foreign.length > 0) {
    throw new pulumi.RunError(formatProblems(`stack ${pulumi.getStack()}`, problems, foreign));
  }
  const secrets = new StackSecrets(new pulumi.Config(configNamespace), secretNames(read.values));
  return { config: result.config, secrets };
}

/**
 * Refuses models of which no node could hold one replica. The nodes of a cluster that exists are known only once it
 * is asked; while none of them advertises a GPU, the device plugin is still to be installed and nothing is refused.
 *
 * @throws pulumi.RunError naming every such model
 */
export function requireNodes(config: StackConfig, nodes: readonly NodeCapacity[]): void {
  const advertised = nodes.some(({ gpus }) => Object.values(gpus).some((count) => count > 0));
  const problems = advertised ? checkNodes(config, nodes, readProjectJson) : [];
  if (problems.length > 0) {
    throw new pulumi.RunError(formatProblems(`stack ${pulumi.getStack()}`, problems));
  }
}
