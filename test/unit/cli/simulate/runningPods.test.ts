import assert from "node:assert/strict";
import { parsePodList } from "../../../../cli/simulate/podList";
import { runningPods, unownedMark } from "../../../../cli/simulate/runningPods";
import { workloadMark } from "../../../../cli/simulate/marks";
import { listedPod, ofDeployment, podList } from "./podFixtures";

const select = (items: object[], made: string[] = []) =>
  runningPods(parsePodList(podList(...items), "pods.json"), {
    source: "pods.json",
    nodes: new Set(["gpu-0"]),
    made: new Set(made),
  });
const node = "gpu-0";

describe("runningPods", () => {
  it("keeps what takes room, with its node and without volumes, ServiceAccount and class", () => {
    const { sets, pods } = select([listedPod("team", "app-x", { node, gpus: 2, ...ofDeployment("app") })]);
    assert.deepEqual(pods, []);
    const template = sets[0]?.spec?.template;
    assert.equal(template?.metadata?.annotations?.[workloadMark], "team/app");
    assert.equal(template?.spec?.nodeName, node);
    assert.deepEqual(template?.spec?.containers[0], {
      name: "main",
      image: "running",
      resources: { requests: { cpu: "1", "amd.com/gpu": "2" }, limits: { cpu: "1", "amd.com/gpu": "2" } },
    });
    for (const field of ["volumes", "serviceAccountName", "priorityClassName"]) {
      assert.equal(Object.hasOwn(template?.spec ?? {}, field), false, field);
    }
  });

  it("knows by the owner whether a pod asks again, goes with its node, or is gone", () => {
    const { sets, pods } = select([
      listedPod("a", "job-x", { node, owner: { kind: "Job", name: "job" } }),
      listedPod("a", "db-0", { node, owner: { kind: "StatefulSet", name: "db" } }),
      listedPod("a", "agent-x", { node, owner: { kind: "DaemonSet", name: "agent" } }),
      listedPod("kube-system", "etcd-gpu-0", { node, owner: { kind: "Node", name: node } }),
      listedPod("a", "alone", { node }),
    ]);
    assert.equal(sets.length, 2);
    assert.deepEqual(
      pods.map(({ metadata }) => [metadata?.annotations?.[workloadMark], metadata?.annotations?.[unownedMark]]),
      [
        ["a/agent", undefined],
        [`kube-system/${node}`, undefined],
        ["a/alone", "true"],
      ],
    );
  });

  it("leaves out what the stack makes again, what ended, and what is elsewhere, and says so", () => {
    const group = { "leaderworkerset.sigs.k8s.io/name": "huge" };
    const { sets, pods, notes } = select(
      [
        listedPod("chat", "large-x", { node, ...ofDeployment("large") }),
        listedPod("chat", "huge-0-1", { node, owner: { kind: "StatefulSet", name: "huge-0" }, labels: group }),
        listedPod("metallb-system", "speaker-x", { node, owner: { kind: "DaemonSet", name: "speaker" } }),
        listedPod("chat", "large-cleanup-x", { node, phase: "Succeeded", owner: { kind: "Job", name: "large" } }),
        listedPod("other", "large-x", { node: "gpu-9", ...ofDeployment("large") }),
        listedPod("other", "waits", { phase: "Pending" }),
        // Alike by name only.
        listedPod("chat", "large", { node }),
      ],
      ["Deployment/chat/large", "LeaderWorkerSet/chat/huge", "DaemonSet/metallb-system/speaker"],
    );
    assert.deepEqual([sets.length, pods.length], [0, 1]);
    assert.deepEqual(notes, [
      "Pods of pods.json that take room: 1. Left out: 3 of the stack's own workloads, which the stack makes again " +
        "(chat/huge, chat/large, metallb-system/speaker); 1 finished or being deleted; 1 without a node yet; " +
        "1 of nodes not given (gpu-9).",
    ]);
  });

  it("keeps priorities, so that the scheduler knows whom it may displace", () => {
    const { pods, priorities } = select([
      listedPod("a", "high", { node, priority: 1000 }),
      listedPod("a", "critical", { node, priority: 2_000_001_000 }),
      listedPod("a", "none", { node }),
      listedPod("a", "low", { node, priority: -5 }),
    ]);
    assert.deepEqual(
      pods.map(({ spec }) => spec?.priorityClassName),
      ["simulate-1000", "system-node-critical", undefined, "simulate-minus-5"],
    );
    assert.equal(priorities.get(1000), "simulate-1000");
    assert.equal(priorities.has(0), false);
  });

  it("counts a pod's overhead, and tells of claims that it does not count", () => {
    const more = { overhead: { cpu: "250m" }, resourceClaims: [{ name: "gpu" }] };
    const { pods, notes } = select([listedPod("a", "boxed", { node, more })]);
    assert.deepEqual(pods[0]?.spec?.containers[1]?.resources, { requests: { cpu: "250m" } });
    assert.match(notes.join("\n"), /1 of them hold devices by ResourceClaims/);
  });
});

describe("parsePodList", () => {
  it("refuses what is no list of pods, and says how to get one", () => {
    for (const text of ["", "{}", '{"items":[{"metadata":{"name":"a"}}]}', '{"items":[{"kind":"Node"}]}']) {
      assert.throws(() => parsePodList(text, "pods.json"), /^Error: pods\.json: not [^]*kubectl get pods -A -o json/);
    }
  });

  it("takes an empty list", () => {
    assert.deepEqual(parsePodList(podList(), "pods.json"), []);
  });
});
