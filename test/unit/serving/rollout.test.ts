import assert from "node:assert/strict";
import type { ModelConfig } from "../../../components/config/schema/model";
import { rollingUpdate, surgingModels, type NodeRoom, type RolloutRoom } from "../../../components/serving/rollout";
import { modelConfig } from "./fixtures";

const GiB = 2 ** 30;
const node = (gpus: number, more: Partial<NodeRoom> = {}): NodeRoom => ({
  gpus: { amd: gpus },
  cpus: 192,
  memory: 1536 * GiB,
  ...more,
});

const storage = { type: "storageClass", className: "a", size: "1Ti", accessMode: "ReadWriteMany" } as const;
const room = (nodes: readonly NodeRoom[], gpuQuota = 100, more: Partial<RolloutRoom> = {}): RolloutRoom => ({
  nodes,
  namespaces: [{ name: "llm", gpuQuota, podSecurity: "baseline" }],
  storage,
  ...more,
});

/** Names of the models that surge. */
const surging = (models: readonly Partial<ModelConfig>[], where: RolloutRoom) =>
  [...surgingModels(models.map(modelConfig), where)].map(({ name }) => name);

describe("rollingUpdate", () => {
  it("never stands still", () => {
    for (const surges of [true, false]) {
      const { maxSurge, maxUnavailable } = rollingUpdate(surges);
      assert.equal(maxSurge + maxUnavailable, 1);
    }
  });
});

describe("surgingModels", () => {
  const cases: [string, Partial<ModelConfig>[], RolloutRoom, string[]][] = [
    ["a spare GPU", [{}], room([node(2)]), ["qwen"]],
    ["no spare GPU", [{}], room([node(1)]), []],
    ["no node that is known", [{}], room([]), []],
    ["no quota to spare", [{}], room([node(8)], 1), []],
    ["no room on any one node", [{ gpusPerReplica: 4 }], room([node(6), node(3)]), []],
    ["a second node", [{ gpusPerReplica: 8 }], room([node(8), node(8)]), ["qwen"]],
    ["GPUs of another vendor", [{}], room([node(1), node(0, { gpus: { nvidia: 8 } })]), []],
    ["no memory to spare", [{}], room([node(8, { memory: 100 * GiB })]), []],
    ["no CPUs to spare", [{}], room([node(8, { cpus: 12 })]), []],
    [
      "memory quota that is used up",
      [{}],
      room([node(8)], 8, { namespaces: [{ name: "llm", gpuQuota: 8, memoryQuota: "100Gi", podSecurity: "baseline" }] }),
      [],
    ],
    [
      "CPU quota that is used up",
      [{}],
      room([node(8)], 8, { namespaces: [{ name: "llm", gpuQuota: 8, cpuQuota: "8", podSecurity: "baseline" }] }),
      [],
    ],
    ["no replica", [{ replicas: 0 }], room([node(8)]), []],
    [
      "GPUs of another product",
      [{ gpuProduct: "AMD_Instinct_MI325X_OAM" }],
      room([node(8, { product: "MI300X" })]),
      [],
    ],
    [
      "GPUs of its product",
      [{ gpuProduct: "AMD_Instinct_MI300X_OAM" }],
      room([node(8, { product: "MI300X" })]),
      ["qwen"],
    ],
    [
      "room on nodes that it does not select",
      [{ nodeSelector: { pool: "shared" } }],
      room([
        node(1, { labels: { pool: "shared" } }),
        node(8, { labels: { pool: "whole-host" } }),
        node(8, { labels: {} }),
      ]),
      [],
    ],
    [
      "room on a node that it selects, as far as the labels are known",
      [{ nodeSelector: { pool: "shared", "topology.kubernetes.io/zone": "a" } }],
      room([node(2, { labels: { pool: "shared" } })]),
      ["qwen"],
    ],
    ["a CPU model", [{ gpusPerReplica: 0, gpuVendor: "none" }], room([node(0)]), ["qwen"]],
    ["a wish to replace", [{ rollout: "replace" }], room([node(8)]), []],
    ["a wish to surge", [{ rollout: "surge" }], room([]), ["qwen"]],
    [
      "a volume that one node mounts",
      [{}],
      room([node(8), node(8)], 8, { storage: { ...storage, accessMode: "ReadWriteOnce" } }),
      [],
    ],
    [
      "a volume on the only node",
      [{}],
      room([node(8)], 8, { storage: { ...storage, accessMode: "ReadWriteOnce" } }),
      ["qwen"],
    ],
  ];
  for (const [title, models, where, expected] of cases) {
    it(`${expected.length > 0 ? "surge" : "wait"} with ${title}`, () => {
      assert.deepEqual(surging(models, where), expected);
    });
  }

  it("count every node of a replica, and leave replicas of several nodes where they are", () => {
    const large = { name: "large", gpusPerReplica: 8, nodesPerReplica: 2 };
    assert.deepEqual(surging([large, {}], room([node(8), node(8), node(1)])), []);
    assert.deepEqual(surging([large, {}], room([node(8), node(8), node(2)])), ["qwen"]);
    assert.deepEqual(surging([large, {}], room([node(8), node(8), node(2)], 17)), []);
    assert.deepEqual(surging([large], room([node(8), node(8), node(8), node(8)])), []);
    assert.deepEqual(surging([{ ...large, rollout: "surge" }], room([])), ["large"]);
  });

  it("share what is spare: all of them may roll at once", () => {
    const models = ["a", "b", "c"].map((name) => ({ name }));
    assert.deepEqual(surging(models, room([node(5)])), ["a", "b"]);
    assert.deepEqual(surging(models, room([node(8)], 4)), ["a"]);
  });

  it("leave room for one that was told to surge", () => {
    assert.deepEqual(surging([{ name: "a" }, { name: "b", rollout: "surge" }], room([node(3)])), ["b"]);
  });

  it("count replicas of large models first, as only whole nodes hold them", () => {
    const models = [
      { name: "small", replicas: 8 },
      { name: "large", gpusPerReplica: 8 },
    ];
    assert.deepEqual(surging(models, room([node(8), node(8)])), []);
    assert.deepEqual(surging(models, room([node(8), node(8), node(8)])), ["small"]);
  });
});
