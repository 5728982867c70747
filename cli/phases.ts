import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { simDirectory } from "./paths";

export interface PhaseTime {
  readonly name: string;
  readonly seconds: number;
}

/** What the last `make up` or `make lab-up` found, kept for `npm run status`. */
export interface LastRun {
  readonly stack: string;
  /** What was run; `make up` when absent. */
  readonly command?: string;
  readonly finishedAt: string;
  readonly phases: readonly PhaseTime[];
  readonly policy: PolicyResult;
}

export interface PolicyResult {
  readonly packs: readonly string[];
  readonly mandatory: readonly string[];
  readonly advisory: readonly string[];
}

const lastRunFile = (): string => path.join(simDirectory, "last-run.json");

export function writeLastRun(run: LastRun): void {
  mkdirSync(simDirectory, { recursive: true });
  writeFileSync(lastRunFile(), JSON.stringify(run, null, 2) + "\n");
}

/** The record of the last finished `make up`, or undefined when there is none. */
export function readLastRun(): LastRun | undefined {
  try {
    return JSON.parse(readFileSync(lastRunFile(), "utf8")) as LastRun;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

export function forgetLastRun(): void {
  rmSync(lastRunFile(), { force: true });
}

/** Announces phases as they start and measures them. */
export class Phases {
  readonly times: PhaseTime[] = [];
  /** The phase under way, for messages about an interruption. */
  current = "start";

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.current = name;
    console.log(`\n==> ${name}`);
    const start = performance.now();
    const result = await work();
    this.times.push({ name, seconds: Math.round((performance.now() - start) / 100) / 10 });
    return result;
  }
}
