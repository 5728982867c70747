import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { findModel } from "../../../cli/ask/cluster";
import type { Lab, LabHost } from "../../hosts/lab";
import type { Milestones } from "./measurement";

/** How often the hosts are asked: often enough for tenths of seconds in minutes, seldom enough to cost nothing. */
const interval = 300;

export interface WatchOptions {
  readonly lab: Lab;
  /** Name of the host that becomes the control plane. */
  readonly controlPlane: string;
  /** The model whose answer is waited for: its name in the stack, and the name that requests give. */
  readonly model: { readonly name: string; readonly model: string };
  readonly limitSeconds: number;
  readonly signal: AbortSignal;
}

/** What the subject under watch is handed. */
export interface Watched {
  /** Ends the subject when it is not worth going on. */
  readonly signal: AbortSignal;
  /** Seconds since the start. */
  readonly now: () => number;
}

/**
 * Starts the clock and the subject, and watches from outside how far it gets. The failure of either ends the other.
 * @throws when the subject fails, or does not serve the model within the limit
 */
export async function watch<T>(
  options: WatchOptions,
  subject: (watched: Watched) => Promise<T>,
): Promise<Milestones & { readonly result: T }> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const started = performance.now();
  const now = (): number => (performance.now() - started) / 1000;
  const fail = (error: unknown): never => {
    stop.abort(error);
    throw error;
  };
  const [result, milestones] = await Promise.allSettled([
    subject({ signal, now }).catch(fail),
    reachMilestones({ ...options, signal }, now).catch(fail),
  ]);
  if (result.status === "rejected" || milestones.status === "rejected") {
    // Of two failures, the first is the reason of the other.
    throw signal.reason;
  }
  return { ...milestones.value, result: result.value };
}

async function reachMilestones(options: WatchOptions, now: () => number): Promise<Milestones> {
  const { lab, model } = options;
  const until = <T>(what: string, ask: () => Promise<T | undefined>): Promise<T> => poll(options, now, what, ask);
  const config = await until("a kubeconfig on the control plane", () =>
    Promise.resolve(adminKubeconfig(lab.host(options.controlPlane))),
  );
  await until("Ready nodes", () => areReady(config, lab.hosts.length));
  const nodesReady = now();
  const url = await until("an address of the model", async () => (await findModel(config, model.name)).url);
  await until("an answer of the model", () => answers(url, model.model, options.signal));
  return { nodesReady, answered: now() };
}

/** Asks until there is something. What fails meanwhile is not there yet; the last of it is told at the limit. */
async function poll<T>(
  { limitSeconds, signal }: WatchOptions,
  now: () => number,
  what: string,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  let last: unknown = "not there";
  while (now() < limitSeconds) {
    signal.throwIfAborted();
    try {
      const found = await ask();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await sleep(interval, undefined, { signal });
  }
  throw new Error(`There was no sign of ${what} within ${limitSeconds} s: ${String(last)}. Next: raise --limit.`);
}

/** Read from the host's disk: a login for each look would keep its CPU busy. */
function adminKubeconfig({ root }: LabHost): KubeConfig | undefined {
  const file = path.join(root, "etc/kubernetes/admin.conf");
  if (!existsSync(file)) return undefined;
  const config = new KubeConfig();
  config.loadFromString(readFileSync(file, "utf8"));
  return config;
}

async function areReady(config: KubeConfig, count: number): Promise<true | undefined> {
  const { items } = await config.makeApiClient(CoreV1Api).listNode();
  const ready = items.filter(({ status }) =>
    status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True"),
  );
  return ready.length === count ? true : undefined;
}

async function answers(url: string, model: string, signal: AbortSignal): Promise<true | undefined> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], max_tokens: 8 }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]),
  });
  const { choices } = (await response.json()) as { choices?: { message: { content: string } }[] };
  return (choices?.[0]?.message.content.length ?? 0) > 0 ? true : undefined;
}
