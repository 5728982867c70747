import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { Engine } from "../../../cli/engine";
import { recoverInterrupted } from "../../../cli/recover";
import { startBackend } from "../../../cli/stack";
import { stopStateService } from "../../../cli/stateBackend";
import { consoleProgress, ensureTools, type Tools } from "../../../sim/toolchain";
import { TestStack, writeConfig, type StackValues } from "../../testStack";
import { users, type Lab, type LabHost } from "../lab";

/** What a host of the lab is in the stack's config; any field of `cluster.hosts` beside these. */
export interface HostEntry {
  readonly role: "control-plane" | "worker";
  readonly [field: string]: unknown;
}

/** The stack that lab tests bring up. */
const stack = "lab";

/** A Pulumi stack over a lab: the real engine, which logs in to the lab's hosts with the lab's key. */
export class LabStack extends TestStack {
  private constructor(
    readonly lab: Lab,
    directory: string,
    tools: Tools,
    engine: Engine,
    values: StackValues,
  ) {
    super(directory, tools, engine, values);
  }

  /**
   * A stack with this config, not brought up yet. The lab's SSH key becomes `secrets.sshPrivateKey`, encrypted.
   * @param values by key without the namespace, such as `{ cluster: { source: "hosts", hosts: hostEntries(…) } }`
   * @param secrets more values of `secrets`, such as `{ sudoPassword: … }`
   */
  static async start(lab: Lab, values: StackValues, secrets: Readonly<Record<string, string>> = {}): Promise<LabStack> {
    const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-lab-stack-"));
    const tools = await ensureTools({ report: consoleProgress() });
    const configFile = writeConfig(directory, values);
    const engine = new Engine({ tools, stack, backend: await startBackend(tools, directory), directory, configFile });
    await engine.prepare();
    const started = new LabStack(lab, directory, tools, engine, values);
    await started.setSecrets({ sshPrivateKey: lab.privateKey, ...secrets });
    return started;
  }

  /** Encrypts values and adds them to `secrets` of the config. */
  async setSecrets(secrets: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(secrets)) {
      await this.engine.setSecret(`secrets.${name}`, value);
    }
    // The engine's copy of the config follows this one at each change: keep what it encrypted here.
    const copy = path.join(this.directory, `Pulumi.${stack}.yaml`);
    const { config } = parse(readFileSync(copy, "utf8")) as { config: StackValues };
    await this.configure((values) => {
      values["secrets"] = config["inference-stack:secrets"];
    });
  }

  /**
   * Starts `pulumi up` and kills the engine with kill -9 as soon as `reached` says so.
   * @throws when it ends before
   */
  async killUpWhen(reached: () => boolean): Promise<void> {
    const { child, ended, output } = this.startUp();
    while (!reached()) {
      if (child.exitCode !== null) {
        throw new Error(`pulumi up ended (exit code ${child.exitCode}) before it could be killed:\n${output()}`);
      }
      await sleep(50);
    }
    child.kill("SIGKILL");
    await ended;
  }

  /** Brings a stack whose engine was killed back to where `up` goes on. */
  async recover(): Promise<void> {
    await recoverInterrupted(this.engine, this.kubeconfig);
  }

  /** Writes the administrator's kubeconfig of the cluster that a host belongs to, for `kubectl`, and returns its path. */
  async fetchKubeconfig(controlPlane: LabHost): Promise<string> {
    writeFileSync(this.kubeconfig, await controlPlane.run("cat /etc/kubernetes/admin.conf"), { mode: 0o600 });
    return this.kubeconfig;
  }

  /** None, as there are no models to judge: a start of the pack less for each of many runs. stack.test.ts has it. */
  protected override policies(): readonly string[] {
    return [];
  }

  /** Removes the stack's files and its state service. The cluster on the hosts stays as it is. */
  async stop(): Promise<void> {
    await stopStateService(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * Entries of `cluster.hosts` for hosts of a lab: address, host key and GPUs as they are, and the user whose sudo asks
 * no password.
 */
export function hostEntries(lab: Lab, entries: Readonly<Record<string, HostEntry>>): StackValues[] {
  return Object.entries(entries).map(([name, entry]) => {
    const { address, hostKey, gpus } = lab.host(name);
    return { name, address, hostKey, gpus, user: users.passwordless, ...entry };
  });
}
