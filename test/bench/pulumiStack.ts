import path from "node:path";
import { Engine } from "../../cli/engine";
import { root } from "../../cli/paths";
import type { StateBackend } from "../../cli/stateBackend";
import type { Tools } from "../../sim/toolchain";
import { measure, type CommandResult } from "./command";
import type { Step } from "./measurement";

export interface PulumiStackOptions {
  readonly tools: Tools;
  /** Directory of the stack's state, passphrase and config copy. */
  readonly directory: string;
  readonly configFile: string;
  /** The Pulumi project; this checkout by default. */
  readonly project?: string;
  readonly backend: StateBackend;
  readonly policyConfigFile?: string;
  readonly limitSeconds: number;
  readonly sampleMilliseconds?: number;
  readonly signal: AbortSignal;
}

/** One object of the exported state, as it was handed to the API server. */
export type KubernetesInputs = Record<string, unknown>;

export interface StateContents {
  /** Everything in the state, components and providers included. */
  readonly resources: number;
  /** Kubernetes objects in the order in which they depend on each other. */
  readonly objects: readonly KubernetesInputs[];
}

const stack = "bench";

const stepArguments: Readonly<Record<Step, readonly string[]>> = {
  preview: ["preview"],
  up: ["up", "--yes", "--skip-preview"],
  "second up": ["up", "--yes", "--skip-preview"],
  destroy: ["destroy", "--yes", "--skip-preview"],
};

/** A stack under measurement. Runs the engine as `make up` does. */
export class PulumiStack {
  private readonly engine: Engine;

  constructor(private readonly options: PulumiStackOptions) {
    const { tools, directory, project, configFile, backend } = options;
    this.engine = new Engine({ tools, stack, directory, project, configFile, backend });
  }

  async initialize(): Promise<void> {
    await this.engine.prepare();
  }

  async run(step: Step): Promise<CommandResult> {
    const { policyConfigFile } = this.options;
    const policy =
      policyConfigFile === undefined || step === "destroy"
        ? []
        : ["--policy-pack", path.join(root, "policy"), "--policy-pack-config", policyConfigFile];
    const config = ["--stack", stack, "--config-file", path.join(this.engine.directory, `Pulumi.${stack}.yaml`)];
    return this.pulumi([...stepArguments[step], "--non-interactive", "--suppress-outputs", ...config, ...policy]);
  }

  async state(): Promise<StateContents> {
    const { stdout } = await this.pulumi(["stack", "export", "--stack", stack]);
    const { deployment } = JSON.parse(stdout) as {
      deployment: { resources?: { type: string; inputs?: KubernetesInputs }[] };
    };
    const resources = deployment.resources ?? [];
    const objects = resources.filter(({ type }) => type.startsWith("kubernetes:")).map(({ inputs }) => inputs ?? {});
    return { resources: resources.length, objects };
  }

  private pulumi(args: readonly string[]): Promise<CommandResult> {
    const { tools, limitSeconds, sampleMilliseconds, signal } = this.options;
    return measure({
      binary: tools.pulumi,
      args,
      cwd: this.options.project ?? root,
      env: this.engine.environment(),
      classify: pulumiRole,
      limitSeconds,
      sampleMilliseconds,
      signal,
    });
  }
}

/** The part that a process of the engine's family plays. */
export function pulumiRole(commandLine: string): string | undefined {
  const [program = ""] = commandLine.split(" ", 1);
  const name = path.basename(program);
  if (name === "node") {
    return /cmd\/run-policy-pack\b/.test(commandLine)
      ? "policy pack"
      : /cmd\/run\b/.test(commandLine)
        ? "program"
        : undefined;
  }
  const provider = /^pulumi-resource-(.+)$/.exec(name)?.[1];
  if (provider !== undefined) {
    return `${provider} provider`;
  }
  return { pulumi: "engine", "pulumi-language-nodejs": "language host" }[name];
}
