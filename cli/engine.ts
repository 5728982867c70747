import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse, parseDocument, stringify } from "yaml";
import type { Tools } from "../sim/toolchain";
import { collectOutput } from "../sim/toolchain/command";
import { root, simDirectory, stackFile } from "./paths";
import { fileBackend, type StateBackend } from "./stateBackend";

export interface EngineOptions {
  readonly tools: Tools;
  readonly stack: string;
  /** Where state is kept; in files of the directory by default. */
  readonly backend?: StateBackend;
  /** Where passphrase and config copy lie; `.sim` by default. */
  readonly directory?: string;
  /** The Pulumi project; this checkout by default. */
  readonly project?: string;
  /** The stack's config file; `Pulumi.<stack>.yaml` of the checkout by default. */
  readonly configFile?: string;
}

interface ProjectFile {
  readonly name: string;
  readonly runtime: unknown;
}

interface StartOptions {
  readonly directory?: string;
  readonly stdio?: "pipe" | "inherit";
  /** What the engine reads; nothing by default. */
  readonly stdin?: "ignore" | "pipe";
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The pinned Pulumi engine with its state inside the checkout. It never sees the user's own login,
 * plugins or state, and never writes `Pulumi.<stack>.yaml`: the engine works on a copy, where it keeps
 * the encryption salt of this checkout's random passphrase.
 */
export class Engine {
  readonly directory: string;
  private readonly configCopy: string;
  private readonly backend: StateBackend;

  constructor(private readonly options: EngineOptions) {
    this.directory = options.directory ?? simDirectory;
    this.configCopy = path.join(this.directory, `Pulumi.${options.stack}.yaml`);
    mkdirSync(this.directory, { recursive: true });
    this.backend = options.backend ?? fileBackend(this.directory);
  }

  private get project(): string {
    return this.options.project ?? root;
  }

  get stack(): string {
    return this.options.stack;
  }

  environment(): NodeJS.ProcessEnv {
    const { tools } = this.options;
    return {
      ...withoutPulumiVariables(process.env),
      PATH: [path.dirname(tools.pulumi), process.env.PATH ?? ""].join(path.delimiter),
      PULUMI_HOME: tools.pulumiHome,
      ...this.backend.environment,
      PULUMI_CONFIG_PASSPHRASE_FILE: this.passphraseFile(),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // A model that is awaited for minutes must not hold back the others.
      PULUMI_PARALLEL: "64",
      // Shows the --event-log flag, from which the policy result is read.
      PULUMI_DEBUG_COMMANDS: "true",
      PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
      // What is missing was looked for by the toolchain already; the engine must not try again.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      INFERENCE_STACK_HELM: tools.helm,
    };
  }

  /** Creates the stack when it is not there, and brings the engine's copy of its config up to date. */
  async prepare(): Promise<void> {
    // The salt is written as the last step of `stack init`.
    if (this.copyConfig() !== undefined) {
      return;
    }
    // `stack init` always writes the encryption salt into the project's own folder: give it one inside .sim.
    const { name, runtime } = parse(readFileSync(path.join(this.project, "Pulumi.yaml"), "utf8")) as ProjectFile;
    writeFileSync(path.join(this.directory, "Pulumi.yaml"), stringify({ name, runtime }));
    const init = await this.capture(
      ["stack", "init", this.stack, "--non-interactive", "--secrets-provider", "passphrase"],
      this.directory,
    );
    if (init.exitCode !== 0) {
      throw new Error(`pulumi stack init ${this.stack} failed:\n${init.stderr}`);
    }
  }

  /** Starts the engine. */
  start(args: readonly string[], options: StartOptions = {}): ChildProcess {
    const { directory = this.project, stdio = "pipe", stdin = "ignore" } = options;
    return spawn(this.options.tools.pulumi, this.withStack(args), {
      cwd: directory,
      env: this.environment(),
      stdio: [stdin, stdio, stdio],
    });
  }

  /** Runs the engine with the terminal's own output. Resolves to its exit code. */
  async run(args: readonly string[]): Promise<number> {
    // Without a terminal, a line for each event instead of a tree that redraws itself.
    const display = process.stdout.isTTY ? [] : ["--non-interactive"];
    const child = this.start([...args, ...display], { stdio: "inherit" });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
    });
  }

  /** Runs the engine and collects what it prints. */
  async capture(args: readonly string[], directory = this.project, input?: string): Promise<RunResult> {
    const child = this.start(args, { directory, stdin: input === undefined ? "ignore" : "pipe" });
    const { code, stdout, stderr } = await collectOutput(child, { input });
    return { exitCode: code ?? 1, stdout, stderr };
  }

  /**
   * Stores a secret of the stack, encrypted, in the engine's copy of the config. `prepare` forgets it.
   *
   * @param key its place, e.g. `secrets.sshPrivateKey`
   */
  async setSecret(key: string, value: string): Promise<void> {
    const set = ["config", "set", "--secret", "--path", `inference-stack:${key}`, "--non-interactive"];
    const place = ["--stack", this.stack, "--config-file", this.configCopy];
    const { exitCode, stderr } = await this.capture([...set, ...place], this.project, value);
    if (exitCode !== 0) throw new Error(`${key} could not be stored for stack ${this.stack}:\n${stderr}`);
  }

  private withStack(args: readonly string[]): string[] {
    const command = args[0] ?? "";
    const takesConfig = ["up", "preview", "destroy", "refresh"].includes(command);
    return [
      ...args,
      ...(takesConfig || command === "cancel" || args[1] === "export" ? ["--stack", this.stack] : []),
      ...(takesConfig ? ["--config-file", this.configCopy] : []),
    ];
  }

  private passphraseFile(): string {
    const file = path.join(this.directory, "passphrase");
    if (!existsSync(file)) {
      writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
    }
    return file;
  }

  /** Returns the encryption salt, which only the copy holds; undefined while there is none. */
  private copyConfig(): unknown {
    const document = parseDocument(readFileSync(this.options.configFile ?? stackFile(this.stack), "utf8"));
    const salt: unknown = existsSync(this.configCopy)
      ? parseDocument(readFileSync(this.configCopy, "utf8")).get("encryptionsalt")
      : undefined;
    if (salt !== undefined) {
      document.set("encryptionsalt", salt);
    }
    writeFileSync(this.configCopy, document.toString());
    return salt;
  }
}

/** A login or passphrase of the user's own Pulumi must not leak into the simulated stack, nor the reverse. */
function withoutPulumiVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("PULUMI_")));
}
