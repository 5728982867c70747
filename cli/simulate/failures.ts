import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import type { SimulatedCluster, Snapshot } from "./cluster";
import { combinations, countCombinations, first } from "./combinations";
import { pendingPods, podCount, waitUntilDecided, type PendingPod } from "./decisions";
import { nodeState, podGpus } from "./gpus";
import { withGroups } from "./groups";
import { isRunning, statedWorkload } from "./marks";
import { bindings, misplaced, movable, placementOf, type Placement } from "./placement";
import { unownedMark } from "./runningPods";

/** The most combinations of failed nodes that are tried; each takes three to five seconds. */
export const maximumCombinations = 40;

/** What is Pending once certain nodes have failed. */
export interface Failure {
  readonly nodes: readonly string[];
  readonly pending: readonly PendingPod[];
  /** Pods that are Pending in all. */
  readonly pods: number;
  /** Pods that ran there before the stack and that nobody makes again: `<namespace>/<name>`. */
  readonly gone: readonly string[];
}

/** What came of letting nodes fail. */
export interface Failures {
  /** Nodes that fail at a time. */
  readonly nodes: number;
  /** Choices of that many nodes that there are, and how many of them were tried. */
  readonly combinations: number;
  readonly tried: number;
  /** Combinations after which no pod waits that did not wait before. */
  readonly harmless: number;
  /** The combination that leaves most pods Pending; the first such one. */
  readonly worst: Failure;
}

/**
 * Lets every combination of `count` nodes fail, one after the other, up to {@link maximumCombinations}: they are
 * cordoned, their pods are gone, and the scheduler places the new ones among those that stay where they are. Nodes with
 * most GPUs in use come first, so that a bound leaves out the mildest.
 *
 * @throws Error when fewer nodes than that could fail
 */
export async function failNodes(
  cluster: SimulatedCluster,
  baseline: Snapshot,
  count: number,
  progress: (done: number, of: number) => void,
): Promise<Failures> {
  const candidates = byUse(baseline);
  if (count > candidates.length) {
    throw new Error(`--fail ${count}: only ${candidates.length} nodes take pods. Next: give that number or less.`);
  }
  const placement = placementOf(baseline);
  const before = podCount(pendingPods(baseline));
  const all = countCombinations(candidates.length, count);
  const tried: Failure[] = [];
  const fixed = fixedPods(baseline);
  for (const nodes of first(combinations(candidates, count), maximumCombinations)) {
    tried.push({ ...(await fail(cluster, nodes)), gone: unowned(baseline, nodes) });
    await restore(cluster, placement, candidates);
    await cluster.createPods(fixed);
    progress(tried.length, Math.min(all, maximumCombinations));
  }
  return {
    nodes: count,
    combinations: all,
    tried: tried.length,
    harmless: tried.filter(({ pods }) => pods <= before).length,
    worst: tried.reduce((worst, one) => (one.pods > worst.pods ? one : worst)),
  };
}

/** Nodes that take or hold pods of models and add-ons, those with most GPUs in use first. */
export function byUse({ nodes, pods }: Pick<Snapshot, "nodes" | "pods">): string[] {
  const used = new Map(nodes.map(({ metadata }) => [metadata?.name, 0]));
  for (const pod of pods) {
    const gpus = Object.values(podGpus(pod)).reduce((total, one) => total + one, 0);
    used.set(pod.spec?.nodeName, (used.get(pod.spec?.nodeName) ?? 0) + gpus);
  }
  const inUse = new Set(movable(pods).map(({ spec }) => spec?.nodeName));
  return nodes
    .filter((node) => nodeState(node) === "open" || inUse.has(node.metadata?.name))
    .map(({ metadata }) => metadata?.name ?? "")
    .sort((a, b) => (used.get(b) ?? 0) - (used.get(a) ?? 0) || a.localeCompare(b));
}

async function fail(cluster: SimulatedCluster, nodes: readonly string[]): Promise<Omit<Failure, "gone">> {
  await setUnschedulable(cluster, nodes, true);
  let snapshot: Snapshot;
  for (;;) {
    snapshot = await cluster.snapshot();
    const pods = movable(snapshot.pods);
    const lost = pods.filter(({ spec }) => nodes.includes(spec?.nodeName ?? ""));
    if (lost.length === 0) {
      break;
    }
    await cluster.removePods(withGroups(lost, pods));
    snapshot = await waitUntilDecided(cluster);
  }
  const pending = pendingPods(snapshot);
  return { nodes, pending, pods: podCount(pending) };
}

/** Running pods that no ReplicaSet brings back once they were displaced, as they can be made again. */
export function fixedPods({ pods }: Pick<Snapshot, "pods">): V1Pod[] {
  return pods
    .filter((pod) => isRunning(pod) && pod.metadata?.ownerReferences === undefined)
    .map(({ metadata, spec }) => {
      const { name, namespace, annotations } = metadata ?? {};
      return { metadata: { name, namespace, annotations }, spec };
    });
}

function unowned({ pods }: Snapshot, nodes: readonly string[]): string[] {
  return pods
    .filter(({ metadata, spec }) => metadata?.annotations?.[unownedMark] && nodes.includes(spec?.nodeName ?? ""))
    .map(({ metadata }) => Object.values(statedWorkload(metadata) ?? {}).join("/"));
}

/** Milliseconds to bring pods back to where they were. */
const patience = 60_000;

/**
 * Brings every pod back to where it was, so that each combination starts from the same placement.
 *
 * @param open nodes that the scheduler may use
 */
export async function restore(cluster: SimulatedCluster, placement: Placement, open: readonly string[]): Promise<void> {
  // The scheduler must not place what is to be put back by hand.
  await setUnschedulable(cluster, open, true);
  const deadline = Date.now() + patience;
  for (;;) {
    const { pods } = await cluster.snapshot();
    const wrong = misplaced(placement, pods);
    const complete = [...placement.values()].flat().length === movable(pods).length;
    if (wrong.length === 0 && complete) {
      break;
    }
    if (Date.now() > deadline) {
      throw new Error(`The pods could not be brought back to where they were within ${patience / 1000} s`);
    }
    await cluster.removePods(wrong.filter(({ spec }) => spec?.nodeName !== undefined));
    for (const { pod, node } of bindings(placement, pods)) {
      await cluster.bind(pod, node);
    }
    await sleep(200);
  }
  await setUnschedulable(cluster, open, false);
}

async function setUnschedulable(
  cluster: SimulatedCluster,
  nodes: readonly string[],
  unschedulable: boolean,
): Promise<void> {
  await Promise.all(nodes.map((node) => cluster.setUnschedulable(node, unschedulable)));
}
