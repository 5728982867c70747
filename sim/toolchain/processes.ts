import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** What is known of a running process. */
export interface ProcessInfo {
  /** Command line, arguments separated by spaces. */
  readonly command: string;
  /** Start time in the system's own form: with the pid it names one process, even when pids are used again. */
  readonly startTime: string;
}

/** A process that runs (zombies do not), or undefined. */
export function inspectProcess(pid: number): ProcessInfo | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    return undefined;
  }
  return process.platform === "linux" ? inspectByProc(pid) : inspectByPs(pid);
}

function inspectByProc(pid: number): ProcessInfo | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the name in brackets, may itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") {
      return undefined;
    }
    const command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
    return { command, startTime: fields[19] ?? "" };
  } catch (error) {
    if (isGone(error)) {
      return undefined;
    }
    throw error;
  }
}

function inspectByPs(pid: number): ProcessInfo | undefined {
  const output = execPs(["-o", "stat=,lstart=,command=", "-p", String(pid)]).trim();
  const match = /^(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/s.exec(output);
  return match === null || match[1]!.startsWith("Z") ? undefined : { startTime: match[2]!, command: match[3]! };
}

function execPs(args: readonly string[]): string {
  try {
    return execFileSync("ps", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    // ps ends with 1 when no such process exists.
    if ((error as { status?: number }).status === 1) {
      return "";
    }
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ESRCH";
}

/** All processes that run and whose command line is visible. */
export function listProcesses(): { readonly pid: number; readonly command: string }[] {
  if (process.platform === "linux") {
    return fs
      .readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => ({ pid: Number(name), command: inspectProcess(Number(name))?.command ?? "" }))
      .filter(({ command }) => command !== "");
  }
  return execPs(["-axww", "-o", "pid=,stat=,command="])
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && !match[2]!.startsWith("Z"))
    .map((match) => ({ pid: Number(match![1]), command: match![3]! }));
}

/**
 * Ends a process by signals, the next one when it has not ended by the one before.
 *
 * @param patience seconds that it gets after each signal
 * @returns whether it is gone
 */
export async function endProcess(pid: number, signals: readonly NodeJS.Signals[], patience: number): Promise<boolean> {
  const before = inspectProcess(pid);
  // A process that was given the same number meanwhile is not ours.
  const runs = (): boolean => before !== undefined && inspectProcess(pid)?.startTime === before.startTime;
  for (const signal of signals) {
    if (!runs()) {
      return true;
    }
    sendSignal(pid, signal);
    for (let waited = 0; waited < patience * 10 && runs(); waited++) {
      await sleep(100);
    }
  }
  return !runs();
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended by itself.
    if (!isGone(error)) {
      throw error;
    }
  }
}
