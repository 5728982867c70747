import assert from "node:assert/strict";
import type { V1Pod } from "@kubernetes/client-node";
import { groupSets, withGroups } from "../../../../cli/simulate/groups";
import { podOrder, type Workload } from "../../../../cli/simulate/orders";
import { describePlacement } from "../../../../cli/simulate/result";

const template = (role: string, gpus: number) => ({
  metadata: { labels: { "app.kubernetes.io/name": "vllm", role } },
  spec: { containers: [{ name: role, resources: { limits: { "amd.com/gpu": String(gpus) } } }] },
});

const sets = groupSets({
  metadata: { name: "huge", namespace: "chat" },
  spec: {
    replicas: 2,
    leaderWorkerTemplate: { size: 3, leaderTemplate: template("leader", 8), workerTemplate: template("worker", 8) },
  },
});

const pods = (...nodes: (string | undefined)[]): V1Pod[] =>
  sets.slice(0, nodes.length).map(({ metadata, spec }, index) => ({
    metadata: { ...spec?.template?.metadata, namespace: "chat", name: metadata?.name, uid: metadata?.name },
    spec: { ...spec?.template?.spec, containers: spec?.template?.spec?.containers ?? [], nodeName: nodes[index] },
  }));

describe("groupSets", () => {
  it("makes a leader and workers for each group, with the labels of the API", () => {
    const prefix = "leaderworkerset.sigs.k8s.io/";
    assert.deepEqual(
      sets.map(({ metadata, spec }) => {
        const { role, ...labels } = spec?.template?.metadata?.labels ?? {};
        return [metadata?.name, role, labels[`${prefix}group-index`], labels[`${prefix}worker-index`]];
      }),
      [
        ["huge-0-0", "leader", "0", "0"],
        ["huge-0-1", "worker", "0", "1"],
        ["huge-0-2", "worker", "0", "2"],
        ["huge-1-0", "leader", "1", "0"],
        ["huge-1-1", "worker", "1", "1"],
        ["huge-1-2", "worker", "1", "2"],
      ],
    );
    const keys = sets.map(({ metadata }) => metadata?.labels?.[`${prefix}group-key`]);
    assert.equal(new Set(keys).size, 2);
    assert.ok(sets.every(({ spec }) => spec?.template?.metadata?.annotations?.[`${prefix}size`] === "3"));
  });

  it("uses the workers' template for the leader where it has none of its own", () => {
    const [leader] = groupSets({ spec: { leaderWorkerTemplate: { workerTemplate: template("worker", 8) } } });
    assert.equal(leader?.spec?.template?.metadata?.labels?.["role"], "worker");
  });
});

describe("groups of pods", () => {
  it("end together", () => {
    const all = pods("a", "b", "c", "d");
    assert.deepEqual(
      withGroups([all[1] as V1Pod], all).map(({ metadata }) => metadata?.name),
      ["huge-0-0", "huge-0-1", "huge-0-2"],
    );
  });

  it("are replicas of one model, placed when all of their pods are", () => {
    const { models, pending } = describePlacement({
      nodes: [],
      pods: pods("a", "b", "c", "d", "e", undefined),
      replicaSets: sets,
    });
    assert.deepEqual(models, [
      {
        namespace: "chat",
        name: "huge",
        replicas: 2,
        placed: 1,
        gpus: { "amd.com/gpu": 24 },
        nodes: { a: 1, b: 1, c: 1, d: 1, e: 1 },
      },
    ]);
    assert.deepEqual([pending[0]?.workload, pending[0]?.count], ["huge", 1]);
  });

  it("are not placed while a pod was refused", () => {
    const { models } = describePlacement({ nodes: [], pods: pods("a", "b"), replicaSets: [] });
    assert.equal(models[0]?.placed, 0);
  });

  it("come together, by what they ask for together", () => {
    const one = (name: string, gpus: number, group?: string): Workload => ({
      kind: group === undefined ? "Deployment" : "ReplicaSet",
      namespace: "chat",
      name,
      replicas: 1,
      gpus,
      group,
    });
    const workloads = [one("h-0-0", 4, "g0"), one("six", 6), one("h-1-0", 4, "g1"), one("h-0-1", 4, "g0")];
    for (const [place, names] of [
      [0, ["h-1-0", "six", "h-0-0", "h-0-1"]],
      [1, ["h-0-0", "h-0-1", "six", "h-1-0"]],
    ] as const) {
      assert.deepEqual(
        podOrder(workloads, place).map(({ name }) => name),
        names,
      );
    }
  });
});
