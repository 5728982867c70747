import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedCluster } from "./cluster";
import { isRunning, runningNamespace } from "./marks";
import { isSystemClass, type RunningPods } from "./runningPods";

/** Milliseconds for the controllers to make the pods: some, and more for each as they make about twenty a second. */
const patience = { base: 60_000, pod: 200 } as const;

/**
 * Puts running pods onto their nodes. Whoever owns them makes new ones without a node, which the scheduler places, as
 * soon as a pod is lost.
 */
export async function takeRoom(cluster: SimulatedCluster, { pods, sets, priorities }: RunningPods): Promise<void> {
  await cluster.createNamespace(runningNamespace);
  for (const [value, name] of [...priorities].filter(([, one]) => !isSystemClass(one))) {
    await cluster.createPriorityClass(name, value);
  }
  await cluster.createPods(pods);
  await cluster.createReplicaSets(sets);
  const deadline = Date.now() + patience.base + patience.pod * sets.length;
  const wanted = pods.length + sets.length;
  for (;;) {
    const there = (await cluster.presentPods()).filter(isRunning).length;
    if (there >= wanted) {
      break;
    }
    if (Date.now() > deadline) {
      throw new Error(`Only ${there} of ${wanted} running pods came to be on the simulated cluster in time`);
    }
    await sleep(200);
  }
  await cluster.freeTemplates(sets);
}
