import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspectProcess } from "../../../sim/toolchain/processes";
import { createGroup, kill, processesIn } from "./cgroups";
import { mtu, prefixLength, type LabNetwork } from "./network";

/** What keeper.sh is told of a host. */
export interface KeeperSettings {
  /** Where the host's disk, logs and settings are. */
  readonly directory: string;
  readonly name: string;
  readonly address: string;
  readonly mac: string;
  readonly network: LabNetwork;
  /** Whether the host loses its power when this process ends. */
  readonly owned: boolean;
}

/** Seconds within which a host whose first process was killed is gone. */
const patience = 20;

/** Turns a host on: starts its keeper. Does not wait until it answers. */
export function startKeeper(settings: KeeperSettings): void {
  writeFileSync(path.join(settings.directory, "host.env"), environment(settings));
  const log = openSync(path.join(settings.directory, "keeper.log"), "a", 0o600);
  const child = spawn("bash", [path.join(__dirname, "keeper.sh"), settings.directory], {
    detached: true,
    stdio: ["ignore", log, log, settings.owned ? "pipe" : "ignore"],
  });
  closeSync(log);
  writeFileSync(path.join(settings.directory, "keeper.pid"), String(child.pid));
  // The host must not keep this process alive; that the pipe closes with it is the point of it.
  child.unref();
  (child.stdio[3] as Socket | null)?.unref();
}

/** Ends the host's first process, and with it all others at once, as when its power fails. */
export async function cutPower(directory: string): Promise<void> {
  const keeper = runningKeeper(directory);
  if (keeper === undefined) {
    return;
  }
  for (let waited = 0; waited < patience * 20; waited++) {
    firstProcess(directory).forEach(kill);
    if (runningKeeper(directory) === undefined) {
      return;
    }
    await sleep(50);
  }
  throw new Error(`The keeper of ${directory} (process ${keeper}) does not end; see keeper.log there.`);
}

/** Whether the host is on, or is starting. */
export const isOn = (directory: string): boolean => runningKeeper(directory) !== undefined;

/** Groups of the host's own processes, and of its keeper: cgroup v2 allows no processes in a group that has children. */
export function groupNames({ name }: LabNetwork, host: string) {
  return { host: `${name}/${host}`, keeper: `${name}/${host}.keeper` };
}

function environment({ name, address, mac, network, owned }: KeeperSettings): string {
  const groups = groupNames(network, name);
  const values = {
    HOST: name,
    NAMESPACE: network.hostNamespace(name),
    // Interface names have at most 15 characters; the last byte of the address is unique.
    LINK: `host${address.split(".")[3]}`,
    ADDRESS: address,
    PREFIX_LENGTH: prefixLength,
    MAC: mac,
    GATEWAY: network.gateway,
    SWITCH: network.name,
    MTU: mtu,
    CGROUPS: createGroup(groups.host).join(" "),
    KEEPER_CGROUPS: createGroup(groups.keeper).join(" "),
    OWNED: owned ? 1 : 0,
  };
  return Object.entries(values)
    .map(([key, value]) => `${key}='${value}'\n`)
    .join("");
}

function runningKeeper(directory: string): number | undefined {
  const pid = readPid(path.join(directory, "keeper.pid"));
  return inspectProcess(pid)?.command.endsWith(` ${directory}`) ? pid : undefined;
}

/** The host's first process: the one child of its systemd-nspawn. */
function firstProcess(directory: string): number[] {
  const nspawn = readPid(path.join(directory, "nspawn.pid"));
  if (!inspectProcess(nspawn)?.command.includes(`--directory=${directory}/`)) {
    return [];
  }
  const children = readFileSync(`/proc/${nspawn}/task/${nspawn}/children`, "utf8");
  return children
    .split(" ")
    .filter((pid) => pid !== "")
    .map(Number);
}

function readPid(file: string): number {
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : NaN;
}

/** Command lines of the host's processes, as the machine sees them. */
export function hostProcesses(network: LabNetwork, host: string): { readonly pid: number; readonly command: string }[] {
  return processesIn(groupNames(network, host).host).map((pid) => ({
    pid,
    command: inspectProcess(pid)?.command ?? "",
  }));
}
