import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export const portNames = ["etcd", "etcdPeer", "apiServer", "controllerManager", "scheduler", "kwok"] as const;

/** Everything that the simulated cluster listens on. */
export type ClusterPorts = Readonly<Record<(typeof portNames)[number], number>>;

/**
 * Ports are chosen here: above the well-known ones and below the range from which Linux (32768) takes the ports of
 * outgoing connections, so that a port stays free between two runs.
 */
const portRange = { first: 20_000, size: 9_000 };

/** Whether nothing listens on a port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") {
        resolve(false);
      } else {
        reject(error);
      }
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Whether a port is free, or becomes so within a few seconds: a process that was killed keeps its sockets until the
 * system has torn it down.
 */
export async function becomesFree(port: number, milliseconds = 5000): Promise<boolean> {
  for (const deadline = Date.now() + milliseconds; !(await isFree(port)); await sleep(100)) {
    if (Date.now() > deadline) {
      return false;
    }
  }
  return true;
}

/** Chooses free ports; each checkout starts its search elsewhere, so two rarely meet. */
export async function choosePorts(directory: string): Promise<ClusterPorts> {
  const seed = createHash("sha256").update(directory).digest().readUInt32BE(0);
  const chosen: number[] = [];
  for (let i = 0; i < portRange.size && chosen.length < portNames.length; i++) {
    const port = portRange.first + ((seed + i) % portRange.size);
    if (await isFree(port)) {
      chosen.push(port);
    }
  }
  if (chosen.length < portNames.length) {
    const last = portRange.first + portRange.size - 1;
    throw new Error(`No ${portNames.length} free ports between ${portRange.first} and ${last} on 127.0.0.1.`);
  }
  return Object.fromEntries(portNames.map((name, i) => [name, chosen[i]!])) as ClusterPorts;
}

/** Who listens on a port, e.g. `nginx (process 123)`; undefined where the system does not tell. */
export function portOwner(port: number): string | undefined {
  return process.platform === "linux" ? ownerByProc(port) : ownerByLsof(port);
}

function ownerByProc(port: number): string | undefined {
  const inodes = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => listeningInodes(file, port)));
  const pids = inodes.size === 0 ? [] : fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const pid = pids.find((candidate) => socketInodes(candidate).some((inode) => inodes.has(inode)));
  const name = pid === undefined ? undefined : unlessHidden(() => fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim());
  return name === undefined ? undefined : `${name} (process ${pid})`;
}

function socketInodes(pid: string): string[] {
  const fds = unlessHidden(() => fs.readdirSync(`/proc/${pid}/fd`)) ?? [];
  return fds
    .map((fd) => unlessHidden(() => fs.readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? "")
    .flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.slice(1) ?? []);
}

/** Other users' processes cannot be looked into, and any process or file may be gone a moment later. */
function unlessHidden<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (["EACCES", "EPERM", "ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      return undefined;
    }
    throw error;
  }
}

function listeningInodes(file: string, port: number): string[] {
  if (!fs.existsSync(file)) {
    return [];
  }
  const listening = "0A";
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return fs
    .readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === listening)
    .map((fields) => fields[9]!);
}

function ownerByLsof(port: number): string | undefined {
  let output: string;
  try {
    output = execFileSync("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"], {
      encoding: "utf8",
      stdio: "pipe",
    });
  } catch (error) {
    // lsof is missing, or ends with 1 because it may not see the owner.
    const { code, status } = error as { code?: string; status?: number };
    if (code === "ENOENT" || status === 1) {
      return undefined;
    }
    throw error;
  }
  const pid = /^p(\d+)$/m.exec(output)?.[1];
  return pid === undefined ? undefined : `${/^c(.+)$/m.exec(output)?.[1] ?? "?"} (process ${pid})`;
}
