import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse, stringify } from "yaml";
import type { Engine, RunResult } from "../cli/engine";
import { stackFile } from "../cli/paths";
import { policyArguments } from "../cli/stack";
import type { Tools } from "../sim/toolchain";
import { runCommand, type CommandOptions } from "../sim/toolchain/command";

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

/** A `pulumi up` under way. */
export interface RunningUp {
  readonly child: ChildProcess;
  /** Resolves when it is gone, however it ended. */
  readonly ended: Promise<void>;
  /** What it has printed so far. */
  readonly output: () => string;
}

/** A stack of a test's own: its directory, its config, and the engine on it. */
export class TestStack {
  protected constructor(
    readonly directory: string,
    readonly tools: Tools,
    readonly engine: Engine,
    private values: StackValues,
  ) {}

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

  /** `pulumi up` with the stack's policies, as `make up` runs it. */
  async up(...more: string[]): Promise<RunResult> {
    return this.engine.capture([...this.upArguments(), ...more]);
  }

  async preview(...more: string[]): Promise<RunResult> {
    return this.engine.capture(["preview", "--non-interactive", ...this.policies(), ...more]);
  }

  async refresh(): Promise<RunResult> {
    return this.engine.capture(["refresh", "--yes", "--skip-preview", "--non-interactive"]);
  }

  async destroy(): Promise<RunResult> {
    return this.engine.capture(["destroy", "--yes", "--skip-preview", "--non-interactive"]);
  }

  /** Starts `pulumi up` and leaves it running, for tests that kill it. */
  startUp(): RunningUp {
    const child = this.engine.start(this.upArguments());
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
    return { child, ended, output: () => output };
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

  /** Arguments of `up` and `preview` that name the policy pack. */
  protected policies(): readonly string[] {
    return policyArguments(this.engine.stack);
  }

  private upArguments(): string[] {
    return ["up", "--yes", "--non-interactive", "--skip-preview", ...this.policies()];
  }
}

const prefix = "inference-stack:";

/** The values of a stack's config file in the checkout. */
export function stackValues(stack: string): StackValues {
  const file = parse(readFileSync(stackFile(stack), "utf8")) as { config: StackValues };
  return Object.fromEntries(Object.entries(file.config).map(([key, value]) => [key.replace(prefix, ""), value]));
}

/** Writes a stack's config file into a directory and returns its path. */
export function writeConfig(directory: string, values: StackValues): string {
  const configFile = path.join(directory, "stack-config.yaml");
  const config = Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
  writeFileSync(configFile, stringify({ config }));
  return configFile;
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
export async function run(
  command: string,
  args: readonly string[],
  options: Pick<CommandOptions, "cwd" | "env" | "input"> = {},
): Promise<RunResult> {
  const { code, stdout, stderr } = await runCommand(command, args, options);
  return { exitCode: code ?? 1, stdout, stderr };
}
