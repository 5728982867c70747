import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { terminationGracePeriodSeconds, type Drain } from "../../components/serving/lifecycle";
import { probes } from "../../components/serving/probes";
import type { Forwarder } from "./forwarder";

/** A pod of a model, and the cluster around it. Times are those of production; all run `timeScale` times faster. */
export interface ReplicaOptions {
  /** Arguments of `vllm serve`, as the pod has them. */
  readonly engineArguments: readonly string[];
  readonly drain: Drain;
  /** Seconds until the model is loaded. */
  readonly loadSeconds: number;
  readonly firstTokenSeconds: number;
  readonly tokenSeconds: number;
  /** Seconds from a change of a pod until every kube-proxy knows it. */
  readonly propagationSeconds: number;
  readonly timeScale: number;
}

/** How a pod ended. */
export interface Ending {
  readonly exitCode: number | null;
  /** Whether the grace period ran out first. */
  readonly killed: boolean;
  /** Seconds from the wish to delete the pod to its end, unscaled. */
  readonly seconds: number;
}

/** Seconds, as they pass, that a server has for its start on a busy machine. */
const startDeadlineSeconds = 120;

const serverFile = path.join(__dirname, "server.ts");

/**
 * One replica: a real process, and what kubelet and the endpoint controllers do for it. It enters the forwarder when
 * its readiness probe passes, and leaves by the steps and times that its pod gets from `components/serving`.
 */
export class Replica {
  private constructor(
    private readonly process: ChildProcess,
    private readonly port: number,
    private readonly forwarder: Forwarder,
    private readonly options: ReplicaOptions,
    private readonly marker: string,
  ) {}

  /** Starts a replica, and resolves when it is ready and kube-proxy knows. */
  static async start(forwarder: Forwarder, options: ReplicaOptions): Promise<Replica> {
    // In a pod it lies in /tmp, which each has for itself.
    const marker = path.join(tmpdir(), `vllm-stand-in-${randomUUID()}-draining`);
    const process = startServer(options, marker);
    const deadline = setTimeout(() => process.kill("SIGKILL"), startDeadlineSeconds * 1000);
    try {
      const replica = new Replica(process, await portOf(process), forwarder, options, marker);
      await replica.becomeReady();
      return replica;
    } catch (error) {
      process.kill("SIGKILL");
      throw error;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Deletes the pod, and resolves when it is gone. */
  async delete(): Promise<Ending> {
    const { drain, propagationSeconds } = this.options;
    const start = performance.now();
    const ended = exitOf(this.process);
    // Both begin with the deletion, and neither waits for the other: that is why the pause is needed.
    const withdrawn = this.pause(propagationSeconds).then(() => this.forwarder.set(this.port, "terminating"));
    const grace = setTimeout(
      () => this.process.kill("SIGKILL"),
      this.milliseconds(terminationGracePeriodSeconds(drain)),
    );
    // The hook of pods; a server without the middleware does not look for the marker.
    writeFileSync(this.marker, "");
    await this.pause(drain.preStopSeconds);
    this.process.kill("SIGTERM");
    const { exitCode, signal } = await ended;
    clearTimeout(grace);
    const seconds = ((performance.now() - start) / 1000) * this.options.timeScale;
    await withdrawn;
    this.forwarder.set(this.port, undefined);
    rmSync(this.marker, { force: true });
    return { exitCode, killed: signal === "SIGKILL", seconds };
  }

  /** Ends the process at once, for cleaning up. */
  async destroy(): Promise<void> {
    this.forwarder.set(this.port, undefined);
    rmSync(this.marker, { force: true });
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = exitOf(this.process);
    this.process.kill("SIGKILL");
    await ended;
  }

  private async becomeReady(): Promise<void> {
    const { readinessProbe } = probes(0);
    const { path: probePath } = readinessProbe.httpGet as { path: string };
    while (!(await answers(this.port, probePath))) {
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`the server ended before ${probePath} answered with 200`);
      }
      await this.pause(readinessProbe.periodSeconds as number);
    }
    await this.pause(this.options.propagationSeconds);
    this.forwarder.set(this.port, "ready");
  }

  private pause(seconds: number): Promise<void> {
    return sleep(this.milliseconds(seconds));
  }

  private milliseconds(seconds: number): number {
    return (seconds * 1000) / this.options.timeScale;
  }
}

function startServer(options: ReplicaOptions, marker: string): ChildProcess {
  const { drain, engineArguments, loadSeconds, firstTokenSeconds, tokenSeconds, timeScale } = options;
  // Pods have an address each and share the port; here they share the address.
  const args = [serverFile, "serve", ...engineArguments, "--host", "127.0.0.1", "--port", "0"];
  return spawn(process.execPath, ["--import", "tsx", ...args], {
    stdio: ["pipe", "ignore", "pipe"],
    env: {
      ...process.env,
      DRAIN_MARKER: marker,
      DRAIN_PAUSE_SECONDS: `${drain.preStopSeconds}`,
      STAND_IN_FOLLOWS_STDIN: "1",
      STAND_IN_LOAD_SECONDS: `${loadSeconds}`,
      STAND_IN_FIRST_TOKEN_SECONDS: `${firstTokenSeconds}`,
      STAND_IN_TOKEN_SECONDS: `${tokenSeconds}`,
      STAND_IN_TIME_SCALE: `${timeScale}`,
    },
  });
}

/** The port that a server announces; it does so when it listens. */
function portOf(server: ChildProcess): Promise<number> {
  let output = "";
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) =>
      reject(new Error(`the server ended with exit code ${code} at its start:\n${output}`)),
    );
    server.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const port = /running on http:\/\/[^ ]+:(\d+)/.exec(output)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

function exitOf(process: ChildProcess): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => process.once("exit", (exitCode, signal) => resolve({ exitCode, signal })));
}

function answers(port: number, probePath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ host: "127.0.0.1", port, path: probePath, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("error", () => resolve(false));
  });
}
