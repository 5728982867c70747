import { spawn } from "node:child_process";
import { ProcessMeter, type Classify, type MeterReading } from "./processMeter";

export interface Command {
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly classify: Classify;
  /** How often its processes are looked at; by default often enough for runs of seconds. */
  readonly sampleMilliseconds?: number;
  readonly limitSeconds: number;
  /** Ends the command when the benchmark is interrupted. */
  readonly signal: AbortSignal;
}

export interface CommandResult extends MeterReading {
  readonly seconds: number;
  readonly stdout: string;
  readonly stoppedAtLimit: boolean;
}

/**
 * Runs a command to its end, and measures it with all its descendants.
 * @throws with what it printed when it fails, and when it was interrupted
 */
export async function measure(command: Command): Promise<CommandResult> {
  command.signal.throwIfAborted();
  const started = performance.now();
  const child = spawn(command.binary, command.args, {
    cwd: command.cwd,
    env: command.env,
    stdio: ["ignore", "pipe", "pipe"],
    // In a group of its own, so that Ctrl-C reaches the benchmark alone, which then ends it.
    detached: true,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const meter =
    child.pid === undefined ? undefined : new ProcessMeter(child.pid, command.classify, command.sampleMilliseconds);
  let stoppedAtLimit = false;
  const stop = (): void => meter?.kill();
  const timer = setTimeout(() => {
    stoppedAtLimit = true;
    stop();
  }, command.limitSeconds * 1000);
  command.signal.addEventListener("abort", stop);
  try {
    const code = await ended;
    const seconds = (performance.now() - started) / 1000;
    command.signal.throwIfAborted();
    const output = `${stdout}\n${stderr}`.trim().slice(-4000);
    if (stoppedAtLimit) {
      console.error(`Stopped after ${command.limitSeconds} s; the last that it said:\n${output.slice(-1000)}`);
    } else if (code !== 0) {
      throw new Error(`${command.binary} ${command.args.slice(0, 3).join(" ")} … ended with ${code}:\n${output}`);
    }
    return { seconds, stdout, stoppedAtLimit, ...(meter?.stop() ?? { cpuSeconds: {}, peakBytes: {}, lifetimes: {} }) };
  } finally {
    clearTimeout(timer);
    command.signal.removeEventListener("abort", stop);
    meter?.stop();
  }
}
