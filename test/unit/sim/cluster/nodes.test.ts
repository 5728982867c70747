import assert from "node:assert/strict";
import type { NodeGroupConfig, SimulatedClusterConfig } from "../../../../components/config/schema/cluster";
import { nodeLabels } from "../../../../sim/cluster/nodeLabels";
import { planNodes } from "../../../../sim/cluster/nodes";

const group = (name: string, count: number): NodeGroupConfig => ({
  name,
  count,
  gpus: 8,
  vendor: "amd",
  product: "MI300X",
  cpus: 192,
  memory: "1536Gi",
});

const cluster = (...nodeGroups: NodeGroupConfig[]): SimulatedClusterConfig => ({
  source: "simulated",
  directory: ".sim",
  subnet: "192.168.64.0/24",
  nodeGroups,
});

describe("planNodes", () => {
  it("gives each node a network of its own", () => {
    const nodes = planNodes(cluster(group("a", 2), group("b", 1)), []);
    assert.deepEqual(
      nodes.map(({ name, address, podCIDR }) => [name, address, podCIDR]),
      [
        ["a-0", "192.168.64.11", "10.128.0.0/24"],
        ["a-1", "192.168.64.12", "10.128.1.0/24"],
        ["b-0", "192.168.64.13", "10.128.2.0/24"],
      ],
    );
  });

  it("leaves the networks of nodes that exist alone when a group grows", () => {
    const before = planNodes(cluster(group("a", 1), group("b", 1)), []);
    const after = planNodes(cluster(group("a", 2), group("b", 1)), before);
    const networks = Object.fromEntries(after.map(({ name, podCIDR }) => [name, podCIDR]));
    assert.deepEqual(networks, { "a-0": "10.128.0.0/24", "a-1": "10.128.2.0/24", "b-0": "10.128.1.0/24" });
  });

  it("has a network for each of a thousand nodes", () => {
    const nodes = planNodes({ ...cluster(group("a", 1000)), subnet: "10.0.0.0/16" }, []);
    assert.equal(new Set(nodes.map(({ podCIDR }) => podCIDR)).size, 1000);
    assert.equal(nodes.at(-1)?.podCIDR, "10.131.231.0/24");
  });
});

describe("nodeLabels", () => {
  it("labels AMD nodes as AMD's labeller does", () => {
    const labels = nodeLabels({ name: "mi300x-12", gpus: 8, vendor: "amd", product: "mi300x" });
    assert.equal(labels["feature.node.kubernetes.io/amd-gpu"], "true");
    assert.equal(labels["amd.com/gpu.product-name"], "AMD_Instinct_MI300X_OAM");
    assert.equal(labels["amd.com/gpu.vram"], "192G");
    assert.equal(labels["amd.com/gpu.device-id"], "74a1");
    assert.equal(labels["kubernetes.io/hostname"], "mi300x-12");
    assert.equal(labels["sim.inference-stack/group"], "mi300x");
  });

  it("labels NVIDIA nodes as GPU feature discovery does", () => {
    const labels = nodeLabels({ name: "h100-0", gpus: 4, vendor: "nvidia", product: "H100" });
    assert.equal(labels["nvidia.com/gpu.product"], "NVIDIA-H100-80GB-HBM3");
    assert.equal(labels["nvidia.com/gpu.count"], "4");
    assert.equal(labels["feature.node.kubernetes.io/amd-gpu"], undefined);
  });

  it("labels nodes without GPUs as such", () => {
    const labels = nodeLabels({ name: "cpu-0", gpus: 0, vendor: "amd", product: "MI300X" });
    assert.equal(labels["node.kubernetes.io/instance-type"], "cpu");
    assert.deepEqual(
      Object.keys(labels).filter((label) => label.includes("gpu")),
      [],
    );
  });

  it("makes any product name a valid label value, and claims nothing about products that it does not know", () => {
    const labels = nodeLabels({ name: "x-0", gpus: 1, vendor: "amd", product: `(New) GPU ${"x".repeat(80)}` });
    for (const value of Object.values(labels)) {
      assert.match(value, /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/);
    }
    assert.equal(labels["amd.com/gpu.vram"], undefined);
  });
});
