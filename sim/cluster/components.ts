import * as fs from "node:fs/promises";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspectProcess, listProcesses } from "../toolchain/processes";
import type { ClusterPorts } from "./ports";

export type ComponentName =
  "etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kwok-controller";

/** In the order in which they depend on each other. */
export const componentNames: readonly ComponentName[] = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kwok-controller",
];

/** The ports that a component listens on. */
export const componentPorts: Readonly<Record<ComponentName, readonly (keyof ClusterPorts)[]>> = {
  etcd: ["etcd", "etcdPeer"],
  "kube-apiserver": ["apiServer"],
  "kube-controller-manager": ["controllerManager"],
  "kube-scheduler": ["scheduler"],
  "kwok-controller": ["kwok"],
};

/** Milliseconds that a component gets to end by itself. */
const endTimeout = 10_000;

/**
 * The components of a cluster that run, with their process ids. They are found by their command lines, which name the
 * cluster's directory: pid files outlive a reboot, miss a process whose start was interrupted, and may name a stranger.
 */
export function runningComponents(clusterDirectory: string): Map<ComponentName, number[]> {
  const running = new Map<ComponentName, number[]>();
  for (const { pid, command } of listProcesses()) {
    const name = componentNames.find((component) => command.startsWith(`${binaryPath(clusterDirectory, component)} `));
    if (name !== undefined) {
      running.set(name, [...(running.get(name) ?? []), pid]);
    }
  }
  return running;
}

/** kwokctl starts each component through a link in the cluster's own directory. */
const binaryPath = (clusterDirectory: string, name: ComponentName): string => path.join(clusterDirectory, "bin", name);

/** Makes kwokctl's pid files say what really runs, as it believes them blindly. */
export async function writePidFiles(
  clusterDirectory: string,
  running: ReadonlyMap<ComponentName, readonly number[]>,
): Promise<void> {
  const directory = path.join(clusterDirectory, "pids");
  await fs.mkdir(directory, { recursive: true });
  for (const name of componentNames) {
    const file = path.join(directory, `${name}.pid`);
    const [pid] = running.get(name) ?? [];
    await (pid === undefined ? fs.rm(file, { force: true }) : fs.writeFile(file, String(pid)));
  }
}

/** Ends components, those that depend on others first; those that do not end by themselves are killed. */
export async function endComponents(
  clusterDirectory: string,
  names: readonly ComponentName[] = componentNames,
): Promise<void> {
  const running = runningComponents(clusterDirectory);
  for (const name of [...componentNames].reverse().filter((component) => names.includes(component))) {
    await Promise.all((running.get(name) ?? []).map((pid) => endProcess(pid)));
  }
}

async function endProcess(pid: number): Promise<void> {
  const before = inspectProcess(pid);
  const same = (): boolean => before !== undefined && inspectProcess(pid)?.startTime === before.startTime;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!same()) {
      return;
    }
    process.kill(pid, signal);
    for (let waited = 0; waited < endTimeout && same(); waited += 100) {
      await sleep(100);
    }
  }
  if (same()) {
    throw new Error(`Process ${pid} (${before?.command.split(" ")[0]}) does not end, not even when killed.`);
  }
}

/** The last lines that a component logged, for an error message. */
export async function lastLogLines(clusterDirectory: string, name: ComponentName, count = 5): Promise<string> {
  const file = path.join(clusterDirectory, "logs", `${name}.log`);
  const text = await fs.readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") {
      return "";
    }
    throw error;
  });
  const lines = text.trimEnd().split("\n").slice(-count);
  return `${file}:\n${lines.map((line) => `    ${line.slice(0, 400)}`).join("\n")}`;
}
