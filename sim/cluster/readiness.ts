import { setTimeout as sleep } from "node:timers/promises";
import type { Task } from "../toolchain";
import { componentNames, lastLogLines, runningComponents } from "./components";
import type { Kubectl } from "./kubectl";
import { groupLabel } from "./nodeLabels";
import type { ClusterPaths } from "./state";

/** Milliseconds for each step of a start; a few seconds are usual, but a loaded machine may be ten times slower. */
const timeout = 120_000;

/** Waits until the API server says it is ready and pods may be created (their default service account is there). */
export async function waitForApiServer(kubectl: Kubectl, paths: ClusterPaths, task: Task): Promise<void> {
  task.update("waiting for the API server");
  await waitFor(paths, "the API server to be ready", async () => {
    await kubectl.run(["get", "--raw", "/readyz"]);
    await kubectl.run(["get", "serviceaccount", "default", "-n", "default"]);
  });
}

/** Waits until all nodes are Ready. */
export async function waitForNodes(kubectl: Kubectl, paths: ClusterPaths, count: number, task: Task): Promise<void> {
  task.update("waiting for nodes to be Ready");
  const statuses = '{range .items[*].status.conditions[?(@.type=="Ready")]}{.status}{"\\n"}{end}';
  await waitFor(paths, `${count} nodes to be Ready`, async () => {
    const output = await kubectl.run(["get", "nodes", "-l", groupLabel, "-o", `jsonpath=${statuses}`]);
    const ready = output.split("\n").filter((line) => line === "True").length;
    if (ready < count) {
      throw new Error(`${ready} of ${count} nodes are Ready`);
    }
  });
}

async function waitFor(paths: ClusterPaths, what: string, check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + timeout;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      const running = runningComponents(paths.cluster);
      const dead = componentNames.find((name) => !running.has(name));
      if (dead !== undefined) {
        throw new Error(
          `${dead} of the simulated cluster ended. Last lines of ${await lastLogLines(paths.cluster, dead)}`,
        );
      }
      if (Date.now() > deadline) {
        throw new Error(
          `Waited ${timeout / 1000} s for ${what}: ${(error as Error).message}. Logs: ${paths.cluster}/logs`,
        );
      }
    }
    await sleep(200);
  }
}
