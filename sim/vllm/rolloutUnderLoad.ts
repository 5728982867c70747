import { setTimeout as sleep } from "node:timers/promises";
import { closesConnections, drainMiddleware } from "../../components/serving/connectionDrain";
import { engineArguments } from "../../components/serving/engineArguments";
import { defaultDrain, type Drain } from "../../components/serving/lifecycle";
import { Forwarder } from "./forwarder";
import { Load, type ConnectionUse, type LoadCounts } from "./load";
import { Replica, type Ending, type ReplicaOptions } from "./replica";

/** Times of the pretended production, in seconds, and by how much they run faster. */
const production = {
  /** A model that is cached and compiled. */
  loadSeconds: 30,
  firstTokenSeconds: 0.2,
  tokenSeconds: 0.2,
  /** kube-proxy gathers changes for up to a second (`minSyncPeriod`). */
  propagationSeconds: 1,
  /** Half of the default pause: the rest is for propagation and busy processors. */
  maxAgeSeconds: 7.5,
  timeScale: 20,
} as const;

export interface RolloutOptions {
  /** Least number of requests; the load also lasts until a rollout is complete. */
  readonly requests: number;
  readonly drain: Drain;
  readonly connections: readonly ConnectionUse[];
  readonly replicas?: number;
  readonly clients?: number;
  /** Seconds after which a run gives up, as they pass. Default 300. */
  readonly deadlineSeconds?: number;
}

export interface RolloutResult extends LoadCounts {
  /** Replicas replaced, in order. */
  readonly endings: readonly Ending[];
  /** Seconds of load, as they passed. */
  readonly seconds: number;
}

/** The drain of a pod, or what it is without its pause, its drain, or the closing of connections. */
export function drainWithout(parts: {
  readonly preStop?: boolean;
  readonly drain?: boolean;
  readonly close?: boolean;
}): Drain {
  return {
    ...defaultDrain,
    ...(parts.preStop === true ? { preStopSeconds: 0 } : {}),
    ...(parts.drain === true ? { drainSeconds: 0 } : {}),
    ...(parts.close === true ? { closeConnections: false } : {}),
  };
}

/**
 * Replaces replicas under load, one at a time, each old one before its successor starts, over and over until the
 * requests are made. Everything stays on the loopback interface and ends with the call.
 *
 * @throws when the deadline passes, or a replica does not start
 */
export async function rolloutUnderLoad(options: RolloutOptions): Promise<RolloutResult> {
  const { replicas: count = 3, clients = 80, connections, requests, deadlineSeconds = 300 } = options;
  const { timeScale, maxAgeSeconds } = production;
  const forwarder = new Forwarder();
  const port = await forwarder.listen();
  const pod = podOptions(options.drain);
  const replicas: Replica[] = [];
  try {
    const starts = Array.from({ length: count }, async () => replicas.push(await Replica.start(forwarder, pod)));
    const failed = (await Promise.allSettled(starts)).find((start) => start.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const start = performance.now();
    const load = new Load({ port, model, clients, connections, maxAgeSeconds, timeScale });
    const endings: Ending[] = [];
    try {
      while (load.total < requests || endings.length < count) {
        endings.push(await replaceOldest(replicas, forwarder, pod));
        const seconds = (performance.now() - start) / 1000;
        if (seconds > deadlineSeconds) {
          throw new Error(`${load.total} of ${requests} requests were made in ${seconds} s: the deadline has passed`);
        }
      }
      // The last one deleted is gone, but its successor shall have work, too.
      await sleep(1000 / timeScale);
    } finally {
      await load.stop();
    }
    return { ...(await load.stop()), endings, seconds: (performance.now() - start) / 1000 };
  } finally {
    await Promise.all(replicas.map((replica) => replica.destroy()));
    await forwarder.close();
  }
}

const model = "Qwen/Qwen3-8B";

function podOptions(drain: Drain): ReplicaOptions {
  const middleware = closesConnections({ drain }) ? drainMiddleware : undefined;
  const config = { revision: "main", gpusPerReplica: 1, tensorParallelSize: 1, pipelineParallelSize: 1, extraArgs: [] };
  return {
    ...production,
    drain,
    engineArguments: engineArguments({ model, ...config }, drain.drainSeconds, "leader", middleware),
  };
}

async function replaceOldest(replicas: Replica[], forwarder: Forwarder, pod: ReplicaOptions): Promise<Ending> {
  const ending = await replicas[0]?.delete();
  if (ending === undefined) throw new Error("replicas: at least 1 is needed");
  replicas.shift();
  replicas.push(await Replica.start(forwarder, pod));
  return ending;
}
