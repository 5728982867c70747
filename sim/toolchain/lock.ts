import * as fs from "node:fs/promises";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspectProcess } from "./processes";
import type { Progress } from "./progress";

interface Owner {
  readonly pid: number;
  readonly startTime: string;
}

export interface LockOptions {
  readonly report: Progress;
  /** What the lock guards, for the message to whoever waits, e.g. "installs tools". */
  readonly purpose: string;
  /** Milliseconds between two looks at a lock that is held. */
  readonly interval?: number;
}

/**
 * Runs `action` while no other process holds the lock file. A lock whose owner has ended (a crash, kill -9, a reboot)
 * is taken over. The file holds the owner's pid and start time, so a pid that is used again does not block for ever.
 */
export async function withLock<T>(file: string, options: LockOptions, action: () => Promise<T>): Promise<T> {
  await fs.mkdir(path.dirname(file), { recursive: true });
  await acquire(file, options);
  try {
    return await action();
  } finally {
    await fs.rm(file, { force: true });
  }
}

async function acquire(file: string, options: LockOptions): Promise<void> {
  const claim = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  const owner: Owner = { pid: process.pid, startTime: inspectProcess(process.pid)?.startTime ?? "" };
  await fs.writeFile(claim, JSON.stringify(owner));
  const waiting = { announced: false };
  try {
    // A hard link appears with its contents, so nobody ever reads a lock that is half written.
    while (!(await linked(claim, file))) {
      await waitForOwner(file, claim, options, waiting);
    }
  } finally {
    await fs.rm(claim, { force: true });
  }
}

async function linked(claim: string, file: string): Promise<boolean> {
  try {
    await fs.link(claim, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      return false;
    }
    throw error;
  }
}

async function waitForOwner(
  file: string,
  claim: string,
  options: LockOptions,
  waiting: { announced: boolean },
): Promise<void> {
  const owner = await readOwner(file);
  if (owner === undefined) {
    return;
  }
  if (!isAlive(owner)) {
    await removeStale(file, claim);
    await sleep(1);
    return;
  }
  if (!waiting.announced) {
    waiting.announced = true;
    options.report.note(`Another run (process ${owner.pid}) ${options.purpose}; waiting for it to finish.`);
  }
  await sleep(options.interval ?? 500);
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await fs.readFile(file, "utf8")) as Owner;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    if (error instanceof SyntaxError) {
      return { pid: 0, startTime: "unreadable" };
    }
    throw error;
  }
}

/** How long one process may take to remove a dead owner's lock, in milliseconds; it takes one. */
const takeoverTime = 10_000;

/**
 * Removes a dead owner's lock, one process at a time: between reading a dead owner and removing its lock, another
 * process may otherwise have taken the lock over, and would lose it again.
 */
async function removeStale(file: string, claim: string): Promise<void> {
  const guard = `${file}.takeover`;
  if (!(await linked(claim, guard))) {
    // A guard that is gone meanwhile has no age.
    const age = await fs.stat(guard).then(
      ({ ctimeMs }) => Date.now() - ctimeMs,
      () => 0,
    );
    if (age > takeoverTime) {
      await fs.rm(guard, { force: true });
    }
    return;
  }
  try {
    const owner = await readOwner(file);
    if (owner !== undefined && !isAlive(owner)) {
      await fs.rm(file, { force: true });
    }
  } finally {
    await fs.rm(guard, { force: true });
  }
}

const isAlive = (owner: Owner): boolean => inspectProcess(owner.pid)?.startTime === owner.startTime;
