import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endProcess, inspectProcess } from "../sim/toolchain/processes";

/** Where the engine keeps a stack's state: environment variables for the Pulumi CLI. */
export interface StateBackend {
  readonly environment: Readonly<Record<string, string>>;
}

/** State in plain files: nothing to start, but the engine writes all of it after each step. */
export function fileBackend(directory: string): StateBackend {
  const state = path.join(directory, "pulumi-state");
  mkdirSync(state, { recursive: true });
  return {
    environment: {
      PULUMI_BACKEND_URL: `file://${state}`,
      // The state file is replaced atomically; a second copy of it at each step only costs time.
      PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true",
    },
  };
}

/** Seconds within which the service answers after its start, and ends after it is told to. */
const patience = 15;

/**
 * Starts the local state service for this directory, or finds it running, and returns how to use it.
 * @param binary the service, as built by the toolchain
 * @throws with the end of its log when it does not answer
 */
export async function startStateService(binary: string, directory: string): Promise<StateBackend> {
  const files = serviceFiles(directory);
  const running = runningService(directory);
  if (running !== undefined && !running.command.startsWith(`${binary} `)) {
    // Built from other sources: its journal is read by the one that follows.
    await stopStateService(directory);
  }
  if (runningService(directory) === undefined) {
    mkdirSync(files.data, { recursive: true });
    const log = openSync(files.log, "a", 0o600);
    const child = spawn(binary, ["--data", files.data, "--port-file", files.port, "--token-file", files.token], {
      detached: true,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    child.unref();
  }
  return waitUntilReady(directory);
}

/** Ends the state service of this directory, if it runs. */
export async function stopStateService(directory: string): Promise<void> {
  const running = runningService(directory);
  if (running === undefined) {
    return;
  }
  if (!(await endProcess(running.pid, ["SIGTERM"], patience))) {
    throw new Error(`The state service (process ${running.pid}) does not end; see ${serviceFiles(directory).log}`);
  }
}

function serviceFiles(directory: string) {
  const place = path.join(directory, "state-service");
  const data = path.join(place, "data");
  return {
    data,
    port: path.join(place, "port"),
    token: path.join(place, "token"),
    log: path.join(place, "log"),
    // The CLI would keep the token of every checkout's service in the PULUMI_HOME that they share.
    credentials: place,
    lock: path.join(data, "lock"),
  };
}

function runningService(directory: string) {
  const { data, lock } = serviceFiles(directory);
  const pid = existsSync(lock) ? Number.parseInt(readFileSync(lock, "utf8"), 10) : NaN;
  const info = inspectProcess(pid);
  // After a reboot the number may belong to somebody else.
  return info?.command.includes(`--data ${data} `) ? { pid, ...info } : undefined;
}

async function waitUntilReady(directory: string): Promise<StateBackend> {
  const files = serviceFiles(directory);
  for (let waited = 0; waited < patience * 10; waited++) {
    if (existsSync(files.port) && existsSync(files.token) && runningService(directory) !== undefined) {
      const url = `http://127.0.0.1:${readFileSync(files.port, "utf8").trim()}`;
      const token = readFileSync(files.token, "utf8").trim();
      if (await answers(url, token)) {
        return { environment: serviceEnvironment(url, token, files.credentials) };
      }
    }
    await sleep(100);
  }
  const log = existsSync(files.log) ? readFileSync(files.log, "utf8").trimEnd().split("\n").slice(-5).join("\n") : "";
  throw new Error(`The state service did not answer within ${patience} s. The end of ${files.log}:\n${log}`);
}

async function answers(url: string, token: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/user`, { headers: { Authorization: `token ${token}` } })).ok;
  } catch (error) {
    // Not listening yet, or a port file from before; anything else is a bug of ours.
    if (error instanceof TypeError && error.cause !== undefined) {
      return false;
    }
    throw error;
  }
}

function serviceEnvironment(url: string, token: string, credentials: string): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: url,
    PULUMI_ACCESS_TOKEN: token,
    PULUMI_CREDENTIALS_PATH: credentials,
    // Milliseconds that steps are collected for before they are sent; the default of 50 suits a service far away.
    PULUMI_JOURNALING_BATCH_PERIOD: "5",
  };
}
