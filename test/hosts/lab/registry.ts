import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { withLock } from "../../../sim/toolchain/lock";
import { inspectProcess } from "../../../sim/toolchain/processes";
import type { Progress } from "../../../sim/toolchain/progress";
import { raiseMachineLimits, restoreMachineLimits } from "./machineLimits";

/** A lab that runs on this machine, or did and was not removed. */
export interface LabRecord {
  /** Number of the lab: it decides names and addresses. */
  readonly slot: number;
  /** Where its files are. */
  readonly directory: string;
  /** The process whose end is the lab's end; none for a lab that stays until it is taken down. */
  readonly owner?: { readonly pid: number; readonly startTime: string; readonly command: string };
  /** Boot of the machine in which it was started. */
  readonly bootId: string;
}

/** Labs of the whole machine: network names and addresses are the machine's, not a checkout's. */
const place = "/run/inference-stack-lab";

/** The machine's own limits while labs run; no `.json`, which labs are. */
const limits = path.join(place, "limits");

/** The lab that `make lab-up` starts, whose addresses are in Pulumi.lab.yaml. Tests never take it. */
export const lastingSlot = 0;

/** How many labs can be up at a time. */
const slots = 16;

/** Runs `action` while no other process adds or removes a lab. */
export function withRegistry<T>(report: Progress, action: () => Promise<T>): Promise<T> {
  return withLock(path.join(place, "lock"), { report, purpose: "starts or removes a lab", interval: 100 }, action);
}

/** The labs of this machine. */
export function labs(): LabRecord[] {
  mkdirSync(place, { recursive: true });
  return readdirSync(place)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(path.join(place, name), "utf8")) as LabRecord);
}

/** Whether nobody needs the lab any more: its owner has ended, or the machine was started again. */
export function isAbandoned({ owner, bootId }: LabRecord): boolean {
  return bootId !== currentBoot() || (owner !== undefined && inspectProcess(owner.pid)?.startTime !== owner.startTime);
}

/**
 * Records a new lab of this process. Needs the registry's lock.
 * @param wanted number of the lab; the first free one after {@link lastingSlot} by default
 * @throws when the number or the directory is taken, with who holds it
 */
export function addLab(directory: string, wanted?: number): LabRecord {
  const taken = labs();
  const free = Array.from({ length: slots }, (_, slot) => slot).find(
    (slot) => slot !== lastingSlot && !taken.some((lab) => lab.slot === slot),
  );
  const slot = wanted ?? free;
  const holder = taken.find((lab) => lab.slot === slot || lab.directory === directory);
  if (holder !== undefined) {
    throw new Error(conflict(holder));
  }
  if (slot === undefined || !Number.isInteger(slot) || slot < 0 || slot >= slots) {
    const list = taken.map((lab) => `\n  ${describe(lab)}`).join("");
    throw new Error(`No lab with number ${slot ?? "(none is free)"}; allowed: 0 to ${slots - 1}. Taken are:${list}`);
  }
  const { startTime = "", command = "" } = inspectProcess(process.pid) ?? {};
  const record = { slot, directory, owner: { pid: process.pid, startTime, command }, bootId: currentBoot() };
  writeRecord(record);
  raiseMachineLimits(limits);
  return record;
}

/** From now on the lab outlives this process. */
export function makeLasting(record: LabRecord): LabRecord {
  const lasting = { ...record, owner: undefined };
  writeRecord(lasting);
  return lasting;
}

function writeRecord(record: LabRecord): void {
  // By rename: others read it without the lock.
  const file = path.join(place, `${record.slot}.json`);
  writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Needs the registry's lock. */
export function forgetLab({ slot }: LabRecord): void {
  rmSync(path.join(place, `${slot}.json`), { force: true });
  if (labs().length === 0) {
    restoreMachineLimits(limits);
  }
}

/** One line that says whose lab it is. */
export function describe({ slot, directory, owner }: LabRecord): string {
  const holder = owner === undefined ? "started by make lab-up" : `of process ${owner.pid} (${owner.command})`;
  return `lab ${slot} in ${directory}, ${holder}`;
}

function conflict(holder: LabRecord): string {
  const next =
    holder.owner === undefined
      ? `Next: take it down with: npm run lab -- down --directory ${holder.directory}`
      : "Next: wait until that process has ended.";
  return `There is one already: ${describe(holder)}. ${next}`;
}

function currentBoot(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
