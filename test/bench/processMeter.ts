import { readdirSync, readFileSync } from "node:fs";

/** How often processes are looked at. The kernel keeps their peak memory, so little is missed. */
const defaultSampleMilliseconds = 100;
/** Kernel clock ticks a second, as /proc counts CPU time: 100 on every Linux that Node.js runs on. */
const ticksPerSecond = 100;

interface Observed {
  readonly pid: number;
  readonly startTicks: number;
  readonly role: string;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly lifetimeSeconds: number;
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly cpuSeconds: number;
  readonly startTicks: number;
}

/** Says what a process does from its command line; undefined leaves it to its parent. */
export type Classify = (commandLine: string) => string | undefined;

export interface MeterReading {
  readonly cpuSeconds: Record<string, number>;
  readonly peakBytes: Record<string, number>;
  /** Seconds from the start of a role's longest-lived process to when it was last seen. */
  readonly lifetimes: Record<string, number>;
}

/** Follows a process and all its descendants through /proc. Reads nothing where there is no /proc. */
export class ProcessMeter {
  private readonly observed = new Map<number, Observed>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly rootPid: number,
    private readonly classify: Classify,
    sampleMilliseconds = defaultSampleMilliseconds,
  ) {
    this.timer = setInterval(() => this.sample(), sampleMilliseconds);
    this.sample();
  }

  /** Ends the following. CPU seconds are summed over the processes of a role; memory is that of its largest. */
  stop(): MeterReading {
    clearInterval(this.timer);
    const reading: MeterReading = { cpuSeconds: {}, peakBytes: {}, lifetimes: {} };
    for (const { role, cpuSeconds, peakBytes, lifetimeSeconds } of this.observed.values()) {
      reading.cpuSeconds[role] = (reading.cpuSeconds[role] ?? 0) + cpuSeconds;
      // Processes of one role mostly follow each other.
      reading.peakBytes[role] = Math.max(reading.peakBytes[role] ?? 0, peakBytes);
      reading.lifetimes[role] = Math.max(reading.lifetimes[role] ?? 0, lifetimeSeconds);
    }
    return reading;
  }

  /** Kills what still runs of the process and its descendants, plugins in process groups of their own included. */
  kill(): void {
    this.sample();
    const stats = new Map(allStats().map((stat) => [stat.pid, stat]));
    for (const { pid, startTicks } of this.observed.values()) {
      if (stats.get(pid)?.startTicks === startTicks) {
        kill(pid);
      }
    }
  }

  private sample(): void {
    const stats = allStats();
    const now = uptimeSeconds();
    const byParent = groupByParent(stats);
    const root = stats.find((stat) => stat.pid === this.rootPid);
    const pending = root === undefined ? [] : [{ stat: root, inherited: "other" }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { role } = this.observe(next.stat, next.inherited, now);
      pending.push(...(byParent.get(next.stat.pid) ?? []).map((stat) => ({ stat, inherited: role })));
    }
  }

  private observe(stat: Stat, inherited: string, now: number): Observed {
    const known = this.observed.get(stat.pid);
    if (stat.state === "Z" && known !== undefined) {
      return known;
    }
    const commandLine = readText(`/proc/${stat.pid}/cmdline`).replaceAll("\0", " ");
    const entry = {
      pid: stat.pid,
      startTicks: stat.startTicks,
      // Asked each time: a new child is a copy of its parent until it starts its own program, and has none at its end.
      role: commandLine === "" && known !== undefined ? known.role : (this.classify(commandLine) ?? inherited),
      cpuSeconds: stat.cpuSeconds,
      peakBytes: Math.max(known?.peakBytes ?? 0, peakOf(stat.pid)),
      lifetimeSeconds: now - stat.startTicks / ticksPerSecond,
    };
    this.observed.set(stat.pid, entry);
    return entry;
  }
}

/** CPU seconds that processes have used since they started, by the names given. */
export function cpuSecondsOf(pids: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...pids].map(([name, pid]) => [name, readStat(pid)?.cpuSeconds ?? 0]));
}

/** Highest resident memory of a process so far, in bytes; 0 where that is not known. */
export function peakOf(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`));
  return Number(line?.[1] ?? 0) * 1024;
}

function uptimeSeconds(): number {
  return process.platform === "linux" ? Number(readText("/proc/uptime").split(" ")[0]) : 0;
}

function groupByParent(stats: readonly Stat[]): Map<number, Stat[]> {
  const groups = new Map<number, Stat[]>();
  for (const stat of stats) {
    const siblings = groups.get(stat.parent);
    if (siblings === undefined) {
      groups.set(stat.parent, [stat]);
    } else {
      siblings.push(stat);
    }
  }
  return groups;
}

function allStats(): Stat[] {
  if (process.platform !== "linux") {
    return [];
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? []);
}

function readStat(pid: number): Stat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === "") {
    return undefined;
  }
  // The second field, the name in brackets, may itself hold spaces and brackets.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const number = (index: number): number => Number(fields[index]);
  return {
    pid,
    state: fields[0] ?? "",
    parent: number(1),
    cpuSeconds: (number(11) + number(12)) / ticksPerSecond,
    startTicks: number(19),
  };
}

/** The text of a file of /proc; empty for a process that has ended meanwhile. */
function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      return "";
    }
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error;
    }
  }
}
