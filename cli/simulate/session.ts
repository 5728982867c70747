import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChildProcess } from "node:child_process";
import { startCluster, stopCluster, updateNodes, type GivenNode } from "../../sim/cluster";
import { recordedProgress, type Progress, type Tools } from "../../sim/toolchain";
import { inspectProcess } from "../../sim/toolchain/processes";

/**
 * Addresses for LoadBalancer Services, of the block for tests between networks (RFC 2544): more than any stack takes,
 * as a Service that waits for one would hold up the program, and has nothing to do with where pods go.
 */
const addressPool = ["198.19.0.0/20"];

const directoryPrefix = "inference-stack-simulate-";

/** Milliseconds that an engine gets to end by itself. */
const endTimeout = 10_000;

/**
 * A simulated cluster for one simulation, in a temporary directory of its own. Nothing of it is left after `close`,
 * which a signal calls as well.
 */
export class Session {
  readonly directory: string;
  private readonly children = new Set<ChildProcess>();
  private closing: Promise<void> | undefined;

  private constructor(private readonly tools: Tools) {
    this.directory = mkdtempSync(path.join(tmpdir(), `${directoryPrefix}${process.pid}-`));
  }

  /** Runs `work` on a cluster of its own, and removes the cluster however `work` ends. */
  static async run<T>(tools: Tools, report: Progress, work: (session: Session) => Promise<T>): Promise<T> {
    await removeAbandoned(report);
    const session = new Session(tools);
    let working: Promise<unknown> = Promise.resolve();
    const interrupted = (signal: NodeJS.Signals): void => {
      report.note(`${signal}: removing the simulated cluster.`);
      void session
        .close()
        // A step under way when the cluster went may still write a file.
        .then(() => Promise.race([working, sleep(endTimeout)]))
        .finally(() => {
          rmSync(session.directory, { recursive: true, force: true });
          process.exit(signal === "SIGINT" ? 130 : 143);
        });
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    signals.forEach((signal) => process.on(signal, interrupted));
    try {
      const result = work(session);
      working = result.catch(() => undefined);
      return await result;
    } catch (error) {
      // What fails because its cluster goes away is no news; the signal's handler ends this process.
      throw session.closing === undefined ? error : await new Promise<never>(() => undefined);
    } finally {
      await session.close();
      signals.forEach((signal) => process.off(signal, interrupted));
    }
  }

  get kubeconfig(): string {
    return path.join(this.directory, "kubeconfig");
  }

  /** Starts what does not run of the cluster, and makes its nodes those given. */
  async start(nodes: readonly GivenNode[], report: Progress = recordedProgress()): Promise<void> {
    this.refuseWhenClosing();
    const { directory, tools } = this;
    await startCluster({ directory, cluster: { nodes }, addressPool, tools, report });
  }

  /** Makes the nodes those given, and starts nothing. */
  async setNodes(nodes: readonly GivenNode[]): Promise<void> {
    await updateNodes({ directory: this.directory, nodes, tools: this.tools });
  }

  write(file: string, text: string): string {
    this.refuseWhenClosing();
    const whole = path.join(this.directory, file);
    writeFileSync(whole, text);
    return whole;
  }

  /** The process is ended with the session, if it still runs then. */
  adopt(child: ChildProcess): ChildProcess {
    if (this.closing !== undefined) {
      child.kill("SIGINT");
    }
    this.children.add(child);
    child.on("close", () => this.children.delete(child));
    return child;
  }

  private refuseWhenClosing(): void {
    if (this.closing !== undefined) {
      throw new Error("the simulated cluster is being removed");
    }
  }

  private close(): Promise<void> {
    this.closing ??= this.remove();
    return this.closing;
  }

  private async remove(): Promise<void> {
    await Promise.all([...this.children].map(endChild));
    await stopCluster({ directory: this.directory, report: recordedProgress() });
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Ends an engine. The first signal makes it stop its plugins, and nobody needs the state that it would save. */
function endChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const kill = setTimeout(() => child.kill("SIGKILL"), endTimeout);
    child.on("close", () => {
      clearTimeout(kill);
      resolve();
    });
    child.kill("SIGINT");
  });
}

/** Removes clusters whose simulation was killed before it could do so. */
async function removeAbandoned(report: Progress): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(directoryPrefix))) {
    const pid = Number(name.slice(directoryPrefix.length).split("-")[0]);
    const directory = path.join(tmpdir(), name);
    const own = statSync(directory, { throwIfNoEntry: false })?.uid === process.getuid?.();
    if (own && Number.isInteger(pid) && inspectProcess(pid) === undefined) {
      report.note(`Removing ${directory}, which a simulation that was killed left behind.`);
      await stopCluster({ directory, report: recordedProgress() });
      rmSync(directory, { recursive: true, force: true });
    }
  }
}
