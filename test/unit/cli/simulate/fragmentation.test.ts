import assert from "node:assert/strict";
import { fragmentation, mostUsable } from "../../../../cli/simulate/fragmentation";
import { nodeGpus, nodeState, podGpus, type NodeGpus } from "../../../../cli/simulate/gpus";

const amd = (node: string, total: number, used: number, open = true): NodeGpus => ({
  node,
  resource: "amd.com/gpu",
  total,
  used,
  free: total - used,
  open,
});

describe("mostUsable", () => {
  for (const [free, sizes, usable] of [
    [0, [1], 0],
    [8, [8], 8],
    [7, [8], 0],
    [7, [2, 8], 6],
    [7, [3, 4], 7],
    [5, [4, 3], 4],
    [11, [3, 7], 10],
    [5, [], 0],
  ] as const) {
    it(`fills ${usable} of ${free} GPUs with replicas of ${sizes.join(", ") || "no size"}`, () => {
      assert.equal(mostUsable(free, sizes), usable);
    });
  }
});

describe("fragmentation", () => {
  it("counts free GPUs, the largest replica and what no model can use", () => {
    const [found] = fragmentation([amd("a", 8, 1), amd("b", 8, 5), amd("c", 8, 8)], { "amd.com/gpu": [2, 8, 2] });
    assert.deepEqual(found, {
      resource: "amd.com/gpu",
      free: 10,
      largestReplica: 7,
      sizes: [2, 8],
      unusable: 2,
      nodes: [
        { node: "a", unusable: 1 },
        { node: "b", unusable: 1 },
      ],
    });
  });

  it("leaves out nodes that models may not be placed on", () => {
    const [found] = fragmentation([amd("a", 8, 8), amd("b", 8, 0, false)], { "amd.com/gpu": [8] });
    assert.deepEqual([found?.free, found?.largestReplica, found?.unusable], [0, 0, 0]);
  });

  it("keeps kinds of GPU apart", () => {
    const slices = { ...amd("n", 14, 3), resource: "nvidia.com/mig-1g.10gb" };
    const found = fragmentation([slices, amd("a", 8, 2)], { "amd.com/gpu": [4] });
    assert.deepEqual(
      found.map(({ resource, free, sizes, unusable }) => [resource, free, sizes, unusable]),
      [
        ["amd.com/gpu", 6, [4], 2],
        ["nvidia.com/mig-1g.10gb", 11, [], 11],
      ],
    );
  });
});

describe("GPUs of nodes and pods", () => {
  const container = (name: string, limits: Record<string, string>) => ({ name, resources: { limits } });
  const pod = (nodeName: string, limits: Record<string, string>) => ({
    spec: { nodeName, containers: [container("main", limits)] },
  });

  it("adds up what pods hold on a node, by resource", () => {
    const allocatable = { cpu: "190", "nvidia.com/gpu": "4", "nvidia.com/mig-1g.10gb": "14", "amd.com/gpu": "0" };
    const node = { metadata: { name: "n" }, status: { allocatable } };
    const pods = [
      pod("n", { "nvidia.com/gpu": "1", memory: "1Gi" }),
      pod("n", { "nvidia.com/mig-1g.10gb": "2" }),
      pod("n", { "nvidia.com/gpu": "2" }),
      pod("other", { "nvidia.com/gpu": "4" }),
    ];
    assert.deepEqual(
      nodeGpus([node], pods).map(({ resource, total, used, free }) => [resource, total, used, free]),
      [
        ["nvidia.com/gpu", 4, 3, 1],
        ["nvidia.com/mig-1g.10gb", 14, 2, 12],
      ],
    );
  });

  it("counts an init container beside a sidecar as Kubernetes does", () => {
    const spec = {
      containers: [container("main", { "amd.com/gpu": "2" })],
      initContainers: [
        { ...container("sidecar", { "amd.com/gpu": "1" }), restartPolicy: "Always" },
        container("warm-up", { "amd.com/gpu": "4" }),
      ],
    };
    assert.deepEqual(podGpus({ spec }), { "amd.com/gpu": 4 });
  });

  it("tells which nodes are open to models", () => {
    const taint = (key: string, effect: string) => ({ spec: { taints: [{ key, effect }] } });
    assert.equal(nodeState({}), "open");
    assert.equal(nodeState(taint("amd.com/gpu", "NoSchedule")), "open");
    assert.equal(nodeState(taint("spot", "PreferNoSchedule")), "open");
    assert.equal(nodeState(taint("node-role.kubernetes.io/control-plane", "NoSchedule")), "tainted");
    assert.equal(nodeState({ spec: { unschedulable: true } }), "cordoned");
  });
});
