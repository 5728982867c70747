import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AppsV1Api, CoreV1Api, CustomObjectsApi, KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";
import { parse, stringify } from "yaml";
import { Engine, type RunResult } from "../../cli/engine";
import { stackFile } from "../../cli/paths";
import { recoverInterrupted } from "../../cli/recover";
import { addressPool, policyArguments, readSimulatedConfig, startBackend } from "../../cli/stack";
import { stopStateService } from "../../cli/stateBackend";
import { startCluster, stopCluster } from "../../sim/cluster";
import { consoleProgress, ensureTools, recordedProgress, type Tools } from "../../sim/toolchain";

/** The values of a stack file's `inference-stack:` keys. */
export type StackValues = Record<string, unknown>;

/** One resource of an exported state. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
}

const quiet = recordedProgress();

/**
 * A simulated cluster and a stack of its own in a temporary directory: the real engine, API server, scheduler and
 * controllers. The stack's config starts as `Pulumi.dev.yaml`.
 */
export class Sandbox {
  readonly api: KubernetesObjectApi;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly custom: CustomObjectsApi;

  private constructor(
    readonly directory: string,
    readonly tools: Tools,
    readonly engine: Engine,
    private values: StackValues,
  ) {
    const config = new KubeConfig();
    config.loadFromFile(this.kubeconfig);
    this.api = KubernetesObjectApi.makeApiClient(config);
    this.core = config.makeApiClient(CoreV1Api);
    this.apps = config.makeApiClient(AppsV1Api);
    this.custom = config.makeApiClient(CustomObjectsApi);
  }

  static async start(change: (values: StackValues) => void = () => undefined): Promise<Sandbox> {
    const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-sim-"));
    const values = devValues();
    (values["cluster"] as StackValues)["directory"] = directory;
    change(values);
    const configFile = writeConfig(directory, values);
    const tools = await ensureTools({ report: consoleProgress() });
    const config = readSimulatedConfig("dev", configFile);
    await startCluster({ directory, cluster: config.cluster, addressPool: addressPool(config), tools, report: quiet });
    const engine = new Engine({
      tools,
      stack: "dev",
      backend: await startBackend(tools, directory),
      directory,
      configFile,
    });
    await engine.prepare();
    return new Sandbox(directory, tools, engine, values);
  }

  get kubeconfig(): string {
    return path.join(this.directory, "kubeconfig");
  }

  /** The values of the stack's config as they are now. */
  get config(): StackValues {
    return this.values;
  }

  /** Changes the stack's config for the runs that follow. */
  async configure(change: (values: StackValues) => void): Promise<void> {
    this.values = structuredClone(this.values);
    change(this.values);
    writeConfig(this.directory, this.values);
    await this.engine.prepare();
  }

  /** `pulumi up` with the policy pack, as `make up` runs it. */
  async up(...more: string[]): Promise<RunResult> {
    return this.engine.capture([
      "up",
      "--yes",
      "--non-interactive",
      "--skip-preview",
      ...policyArguments("dev"),
      ...more,
    ]);
  }

  async preview(...more: string[]): Promise<RunResult> {
    return this.engine.capture(["preview", "--non-interactive", ...policyArguments("dev"), ...more]);
  }

  async refresh(): Promise<RunResult> {
    return this.engine.capture(["refresh", "--yes", "--skip-preview", "--non-interactive"]);
  }

  async destroy(): Promise<RunResult> {
    return this.engine.capture(["destroy", "--yes", "--skip-preview", "--non-interactive"]);
  }

  async recover(): Promise<void> {
    await recoverInterrupted(this.engine, this.kubeconfig);
  }

  /** Starts `pulumi up` and leaves it running, for tests that kill it. Resolve `ended` to learn that it is gone. */
  startUp(): { readonly child: ChildProcess; readonly ended: Promise<void> } {
    const child = this.engine.start(["up", "--yes", "--non-interactive", "--skip-preview", ...policyArguments("dev")]);
    const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
    return { child, ended };
  }

  async state(): Promise<StateResource[]> {
    const exported = await this.engine.capture(["stack", "export"]);
    assert.equal(exported.exitCode, 0, exported.stderr);
    const { deployment } = JSON.parse(exported.stdout) as { deployment: { resources?: StateResource[] } };
    return deployment.resources ?? [];
  }

  async kubectl(...args: string[]): Promise<RunResult> {
    return run(this.tools.kubectl, ["--kubeconfig", this.kubeconfig, ...args]);
  }

  async stop(): Promise<void> {
    await stopCluster({ directory: this.directory, report: quiet });
    await stopStateService(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Fails with everything the engine printed. */
export function assertSucceeded({ exitCode, stdout, stderr }: RunResult): void {
  assert.equal(exitCode, 0, `exit code ${exitCode}\n${stdout}\n${stderr}`);
}

/** The counts of the engine's closing summary, such as `{ create: 3, unchanged: 20 }`; `+-` is `replace`. */
export function changes(result: RunResult): Record<string, number> {
  const counts: Record<string, number> = {};
  const names: Record<string, string> = {
    created: "create",
    updated: "update",
    deleted: "delete",
    replaced: "replace",
  };
  const summary = result.stdout.slice(result.stdout.lastIndexOf("Resources:"));
  for (const [, count, word] of summary.matchAll(/(\d+) (created|updated|deleted|replaced|unchanged)/g)) {
    counts[names[word ?? ""] ?? word ?? ""] = Number(count);
  }
  return counts;
}

/** Runs a command and collects what it prints. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<RunResult> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 1, stdout, stderr }));
  });
}

const prefix = "inference-stack:";

function devValues(): StackValues {
  const file = parse(readFileSync(stackFile("dev"), "utf8")) as { config: StackValues };
  return Object.fromEntries(Object.entries(file.config).map(([key, value]) => [key.replace(prefix, ""), value]));
}

function writeConfig(directory: string, values: StackValues): string {
  const configFile = path.join(directory, "stack-config.yaml");
  const config = Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
  writeFileSync(configFile, stringify({ config }));
  return configFile;
}
