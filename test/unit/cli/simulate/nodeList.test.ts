import assert from "node:assert/strict";
import { parseNodeList } from "../../../../cli/simulate/nodeList";
import { listedNode, mi300x, migH100, nodeList } from "./nodeFixtures";

const parse = (...items: object[]) => parseNodeList(nodeList(...items), "nodes.json");

describe("parseNodeList", () => {
  it("takes over name, labels, InternalIP, capacity and allocatable of an AMD node", () => {
    const [node] = parse(listedNode("gpu-0", 21, mi300x)).nodes;
    assert.equal(node?.name, "gpu-0");
    assert.deepEqual(node?.addresses, ["192.168.10.21"]);
    assert.equal(node?.labels["amd.com/gpu.product-name"], "AMD_Instinct_MI300X_OAM");
    assert.equal(node?.labels["kubernetes.io/hostname"], "gpu-0");
    assert.equal(node?.allocatable["amd.com/gpu"], "8");
    assert.equal(node?.allocatable["memory"], "1584723864Ki");
    assert.equal(node?.capacity["memory"], "1584826264Ki");
    assert.equal(node?.allocatable["cpu"], "190");
    assert.equal(node?.unschedulable, false);
    assert.deepEqual(node?.taints, []);
  });

  it("takes over NVIDIA labels and every MIG resource", () => {
    const [node] = parse(listedNode("h100-0", 31, migH100)).nodes;
    assert.equal(node?.labels["nvidia.com/mig.strategy"], "mixed");
    assert.equal(node?.labels["nvidia.com/gpu.present"], "true");
    assert.deepEqual(
      Object.entries(node?.allocatable ?? {}).filter(([name]) => name.startsWith("nvidia.com/")),
      Object.entries(migH100.gpus),
    );
  });

  it("keeps taints that people set, and drops those that a controller sets for a condition", () => {
    const own = { key: "amd.com/gpu", value: "true", effect: "NoSchedule" };
    const taints = [own, { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule", timeAdded: "2026-11-01" }];
    const [node] = parse(listedNode("gpu-0", 21, { ...mi300x, taints, unschedulable: true })).nodes;
    assert.deepEqual(node?.taints, [own]);
    assert.equal(node?.unschedulable, true);
  });

  it("cordons a node that is not Ready, and says so", () => {
    const taints = [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }];
    const { nodes, notes } = parse(listedNode("up", 21), listedNode("down", 22, { ready: false, taints }));
    assert.deepEqual(
      nodes.map(({ name, unschedulable, taints }) => [name, unschedulable, taints.length]),
      [
        ["up", false, 0],
        ["down", true, 0],
      ],
    );
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? "", /down/);
    assert.doesNotMatch(notes[0] ?? "", /\bup\b/);
  });

  it("takes a single node, and numbers where kubectl writes texts", () => {
    const single = JSON.parse(JSON.stringify(listedNode("only", 9))) as { status: { capacity: object } };
    Object.assign(single.status.capacity, { "amd.com/gpu": 8 });
    const { nodes } = parseNodeList(JSON.stringify(single), "node.json");
    assert.deepEqual(
      nodes.map(({ name, capacity }) => [name, capacity["amd.com/gpu"]]),
      [["only", "8"]],
    );
  });

  const broken: readonly (readonly [why: string, text: string, message: RegExp])[] = [
    ["no JSON", "NAME  STATUS  ROLES", /nodes\.json: not JSON.*kubectl get nodes -o json/s],
    ["no nodes", nodeList(), /items: at least one node/],
    ["another kind", JSON.stringify({ kind: "List", items: [{ kind: "Pod", metadata: { name: "a" } }] }), /items\.0/],
    ["a text", '"nodes"', /not a list of Kubernetes nodes/],
    ["null", "null", /not a list of Kubernetes nodes/],
    ["a node twice", nodeList(listedNode("a", 1), listedNode("a", 2)), /node a is listed twice/],
    [
      "no InternalIP",
      nodeList({ metadata: { name: "a" }, status: { capacity: { cpu: "1" }, addresses: [] } }),
      /node a has no InternalIP/,
    ],
    [
      "an effect that there is not",
      nodeList(listedNode("a", 1, { taints: [{ key: "x", effect: "Never" }] })),
      /items\.0\.spec\.taints\.0\.effect/,
    ],
  ];
  for (const [why, text, message] of broken) {
    it(`refuses ${why}, and says how to write a list`, () => {
      assert.throws(
        () => parseNodeList(text, "nodes.json"),
        (error: Error) => message.test(error.message) && error.message.includes("kubectl get nodes -o json"),
      );
    });
  }
});
