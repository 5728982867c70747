import type { V1Container, V1Pod, V1PodSpec, V1ReplicaSet } from "@kubernetes/client-node";
import { groupLabels, runningNamespace, workloadMark } from "./marks";
import type { ListedPod } from "./podList";

/** What becomes of a running pod when its node fails: it asks again, goes with its node, or is gone as nobody owns it. */
type Fate = "asksAgain" | "withNode" | "gone";

/** Pods that run on the given nodes, as the simulated cluster is to have them. */
export interface RunningPods {
  /** Those that belong to their node or to nobody: they are there or not. */
  readonly pods: readonly V1Pod[];
  /** Those that somebody makes again: a ReplicaSet of one pod for each, which names its node. */
  readonly sets: readonly V1ReplicaSet[];
  /** Priorities that need a PriorityClass, with its name. */
  readonly priorities: ReadonlyMap<number, string>;
  /** What was taken over and what was left out. */
  readonly notes: readonly string[];
}

/** PriorityClasses that every cluster has. Only they are above 10^9. */
const systemPriorities = new Map([
  [2_000_000_000, "system-cluster-critical"],
  [2_000_001_000, "system-node-critical"],
]);

/**
 * The pods of a list that take room on the given nodes beside the stack.
 *
 * @param source how notes name the list, e.g. `pods.json`
 * @param nodes names of the given nodes
 * @param made workloads that the program makes itself, as {@link workloadKey} names them
 */
export function runningPods(
  listed: readonly ListedPod[],
  { source, nodes, made }: { source: string; nodes: ReadonlySet<string>; made: ReadonlySet<string> },
): RunningPods {
  const ended = (pod: ListedPod): boolean =>
    ["Succeeded", "Failed"].includes(pod.status.phase) || typeof pod.metadata.deletionTimestamp === "string";
  const finished = listed.filter(ended);
  const present = listed.filter((pod) => !ended(pod));
  const waiting = present.filter(({ spec }) => spec.nodeName === undefined);
  const placed = present.filter(({ spec }) => spec.nodeName !== undefined);
  const own = placed.filter((pod) => made.has(workloadKey(pod)));
  const others = placed.filter((pod) => !made.has(workloadKey(pod)));
  const elsewhere = others.filter(({ spec }) => !nodes.has(spec.nodeName ?? ""));
  const taken = others.filter(({ spec }) => nodes.has(spec.nodeName ?? ""));
  const priorities = new Map(taken.map(({ spec }) => [spec.priority, className(spec.priority)]));
  priorities.delete(0);
  const numbered = taken.map((pod, index) => ({ pod, name: `running-${index}`, fate: fateOf(pod) }));
  return {
    pods: numbered.filter(({ fate }) => fate !== "asksAgain").map(({ pod, name, fate }) => barePod(pod, name, fate)),
    sets: numbered.filter(({ fate }) => fate === "asksAgain").map(({ pod, name }) => replicaSet(pod, name)),
    priorities,
    notes: notesOn(source, { taken, own, finished, waiting, elsewhere }),
  };
}

function notesOn(source: string, pods: Record<"taken" | "own" | "finished" | "waiting" | "elsewhere", ListedPod[]>) {
  const { taken, own, finished, waiting, elsewhere } = pods;
  const left: [number, string][] = [
    [own.length, `of the stack's own workloads, which the stack makes again (${distinct(own.map(shownWorkload))})`],
    [finished.length, "finished or being deleted"],
    [waiting.length, "without a node yet"],
    [elsewhere.length, `of nodes not given (${distinct(elsewhere.map(({ spec }) => spec.nodeName ?? ""))})`],
  ];
  const reasons = left.filter(([count]) => count > 0).map(([count, reason]) => `${count} ${reason}`);
  const claims = taken.filter(({ spec }) => spec.resourceClaims.length > 0).length;
  return [
    `Pods of ${source} that take room: ${taken.length}.` +
      (reasons.length === 0 ? "" : ` Left out: ${reasons.join("; ")}.`),
    ...(claims === 0 ? [] : [`${claims} of them hold devices by ResourceClaims, which are not counted.`]),
  ];
}

const distinct = (names: readonly string[]): string => [...new Set(names)].sort().join(", ");

const shownWorkload = (pod: ListedPod): string => `${pod.metadata.namespace}/${workloadOf(pod).name}`;

/** Names the workload of a pod: kind, namespace and name. */
export function workloadKey(pod: ListedPod): string {
  const { kind, name } = workloadOf(pod);
  return `${kind}/${pod.metadata.namespace}/${name}`;
}

function workloadOf({ metadata }: ListedPod): { kind: string; name: string } {
  const group = metadata.labels[groupLabels.name];
  if (group !== undefined) {
    return { kind: "LeaderWorkerSet", name: group };
  }
  const owner = metadata.ownerReferences.find(({ controller }) => controller);
  // A Deployment names its ReplicaSets after itself and this hash.
  const hash = metadata.labels["pod-template-hash"];
  return owner?.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)
    ? { kind: "Deployment", name: owner.name.slice(0, -hash.length - 1) }
    : { kind: owner?.kind ?? "Pod", name: owner?.name ?? metadata.name };
}

function fateOf({ metadata }: ListedPod): Fate {
  const owner = metadata.ownerReferences.find(({ controller }) => controller);
  // The kubelet's own pods are owned by their Node.
  return owner === undefined ? "gone" : ["DaemonSet", "Node"].includes(owner.kind) ? "withNode" : "asksAgain";
}

/** Annotation of a pod that nobody makes again. */
export const unownedMark = "simulate.inference-stack/unowned";

function barePod(pod: ListedPod, name: string, fate: Fate): V1Pod {
  const annotations = { [workloadMark]: shownWorkload(pod), ...(fate === "gone" ? { [unownedMark]: "true" } : {}) };
  return { metadata: { name, namespace: runningNamespace, annotations }, spec: podSpec(pod) };
}

function replicaSet(pod: ListedPod, name: string): V1ReplicaSet {
  const labels = { "simulate.inference-stack/pod": name };
  const annotations = { [workloadMark]: shownWorkload(pod) };
  return {
    metadata: { name, namespace: runningNamespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: podSpec(pod) },
    },
  };
}

/**
 * What of a pod decides about room, and about nodes that could take it instead. Left out is what the simulated cluster
 * does not have: volumes, claims, and other pods by their labels.
 */
function podSpec({ spec }: ListedPod): V1PodSpec {
  const image = "running";
  const { overhead, affinity, priority, resources } = spec;
  // The API server takes overhead from a RuntimeClass only.
  const extra: V1Container[] = overhead === undefined ? [] : [overheadContainer(image, overhead)];
  return {
    nodeName: spec.nodeName,
    containers: [...spec.containers.map((one) => ({ ...one, image })), ...extra],
    initContainers: spec.initContainers.map((one) => ({ ...one, image })),
    ...(resources === undefined ? {} : { resources }),
    nodeSelector: spec.nodeSelector,
    affinity,
    tolerations: spec.tolerations,
    ...(priority === 0 ? {} : { priorityClassName: className(priority) }),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 0,
  };
}

const overheadContainer = (image: string, requests: Record<string, string>): V1Container => ({
  name: "overhead-of-the-pod",
  image,
  resources: { requests },
});

const className = (priority: number): string =>
  systemPriorities.get(priority) ?? `simulate-${priority < 0 ? "minus-" : ""}${Math.abs(priority)}`;

/** Whether a PriorityClass is on every cluster. */
export const isSystemClass = (name: string): boolean => [...systemPriorities.values()].includes(name);
