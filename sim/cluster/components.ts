import * as fs from "node:fs/promises";
import * as path from "node:path";
import { endProcess, inspectProcess, listProcesses } from "../toolchain/processes";
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

/** Seconds that a component gets to end by itself. */
const endTimeout = 10;

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
    await Promise.all((running.get(name) ?? []).map((pid) => endComponent(pid)));
  }
}

async function endComponent(pid: number): Promise<void> {
  const command = inspectProcess(pid)?.command.split(" ")[0];
  if (!(await endProcess(pid, ["SIGTERM", "SIGKILL"], endTimeout))) {
    throw new Error(`Process ${pid} (${command}) does not end, not even when killed.`);
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
