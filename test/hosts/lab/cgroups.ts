import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Seconds that processes may take to end after SIGKILL, and their cgroups to become removable. */
const patience = 15;

/** Where each cgroup hierarchy of this machine is mounted: one for v2, one for each controller for v1. */
export function hierarchies(mountInfo = readFileSync("/proc/self/mountinfo", "utf8")): string[] {
  const byDevice = new Map<string, string>();
  for (const line of mountInfo.split("\n")) {
    // id parent device root mountpoint options… - type source options; see proc_pid_mountinfo(5).
    const [, , device = "", , mountPoint = ""] = line.split(" ");
    const type = line.split(" - ")[1]?.split(" ")[0] ?? "";
    if ((type === "cgroup" || type === "cgroup2") && !byDevice.has(device)) {
      byDevice.set(device, mountPoint);
    }
  }
  return [...byDevice.values()];
}

/** Creates a group in every hierarchy and returns its directories. */
export function createGroup(name: string): string[] {
  return hierarchies().map((hierarchy) => {
    let group = hierarchy;
    for (const part of name.split("/")) {
      const parent = group;
      group = path.join(parent, part);
      passOnControllers(parent);
      mkdirSync(group, { recursive: true });
      inheritCpuset(parent, group);
    }
    return group;
  });
}

/** The group's directories that there are. */
export function groupDirectories(name: string): string[] {
  return hierarchies()
    .map((hierarchy) => path.join(hierarchy, name))
    .filter((directory) => existsSync(directory));
}

/** Processes in the group or in a group within it. */
export function processesIn(name: string): number[] {
  const all = groupDirectories(name).flatMap((directory) => subgroups(directory).flatMap(readProcesses));
  return [...new Set(all)];
}

/** Ends every process in the group at once and removes it, and the groups within it. */
export async function removeGroup(name: string): Promise<void> {
  for (let waited = 0; waited < patience * 20; waited++) {
    const left = processesIn(name);
    left.forEach(kill);
    if (left.length === 0 && groupDirectories(name).every(removeDirectories)) {
      return;
    }
    await sleep(50);
  }
  throw new Error(`The cgroup ${name} is not empty after ${patience} s; processes: ${processesIn(name).join(", ")}`);
}

/** Sends SIGKILL to a process that may have ended meanwhile. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error;
    }
  }
}

/** cgroup v2: a group has the controllers that its parent hands down. */
function passOnControllers(parent: string): void {
  const control = path.join(parent, "cgroup.subtree_control");
  if (existsSync(control)) {
    const handedDown = words(control);
    const missing = words(path.join(parent, "cgroup.controllers")).filter((name) => !handedDown.includes(name));
    if (missing.length > 0) {
      writeFileSync(control, missing.map((name) => `+${name}`).join(" "));
    }
  }
}

/** cgroup v1: no process can join a cpuset before it has CPUs and memory nodes. */
function inheritCpuset(parent: string, group: string): void {
  if (!existsSync(path.join(group, "cgroup.clone_children"))) {
    return;
  }
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (existsSync(path.join(group, file)) && words(path.join(group, file)).length === 0) {
      writeFileSync(path.join(group, file), readFileSync(path.join(parent, file)));
    }
  }
  writeFileSync(path.join(group, "cgroup.clone_children"), "1");
}

function subgroups(directory: string): string[] {
  const inner = readEntries(directory).flatMap((name) => subgroups(path.join(directory, name)));
  return [...inner, directory];
}

/** Child groups; none when the group was removed meanwhile. */
function readEntries(directory: string): string[] {
  return gone(() => readdirSync(directory, { withFileTypes: true }), [])
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function readProcesses(directory: string): number[] {
  return gone(() => words(path.join(directory, "cgroup.procs")), []).map(Number);
}

/** Removes the groups from the innermost on; false while one is still busy. */
function removeDirectories(directory: string): boolean {
  try {
    subgroups(directory).forEach((group) => gone(() => rmdirSync(group), undefined));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBUSY") {
      return false;
    }
    throw error;
  }
}

/** The value, or another where the group was removed meanwhile; reading a removed group's file gives ENODEV. */
function gone<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      return otherwise;
    }
    throw error;
  }
}

const words = (file: string): string[] =>
  readFileSync(file, "utf8")
    .split(/\s+/)
    .filter((word) => word !== "");
