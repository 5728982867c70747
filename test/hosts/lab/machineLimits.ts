import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/**
 * Limits that all hosts share with the machine, for which no host can have a copy: what a few hosts need. A control
 * plane's components hold about 40 inotify instances; the kernel's default is 128 for all of root's.
 */
const needed: Readonly<Record<string, number>> = { "/proc/sys/fs/inotify/max_user_instances": 8192 };

/**
 * Raises limits that are too low for hosts. Needs the registry's lock.
 * @param memory file that keeps the values from before
 */
export function raiseMachineLimits(memory: string): void {
  const low = Object.keys(needed).filter((file) => read(file) < needed[file]!);
  if (low.length > 0) {
    writeFileSync(memory, JSON.stringify({ ...remembered(memory), ...values(low) }));
    low.forEach((file) => writeFileSync(file, String(needed[file])));
  }
}

/** Sets the limits back, when no lab is left. Needs the registry's lock. */
export function restoreMachineLimits(memory: string): void {
  Object.entries(remembered(memory)).forEach(([file, value]) => writeFileSync(file, String(value)));
  rmSync(memory, { force: true });
}

function remembered(memory: string): Record<string, number> {
  return existsSync(memory) ? (JSON.parse(readFileSync(memory, "utf8")) as Record<string, number>) : {};
}

const values = (files: readonly string[]) => Object.fromEntries(files.map((file) => [file, read(file)]));
const read = (file: string): number => Number(readFileSync(file, "utf8"));
