import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseStackFile } from "../../../../components/config/stackFile";
import { stackFile } from "../../../../cli/paths";
import { groupNodes, hostNodes } from "../../../../cli/simulate/hostNodes";
import { checkOriginal, copyForSimulation } from "../../../../cli/simulate/stackCopy";

const read = (stack: string, change = (text: string) => text) =>
  parseStackFile(change(readFileSync(stackFile(stack), "utf8")), `Pulumi.${stack}.yaml`);
const options = { kubeconfig: "/somewhere/kubeconfig", chartSource: "./sim/charts" };

describe("copyForSimulation", () => {
  it("changes where cluster and charts come from, and nothing else", () => {
    const file = read("prod");
    const { config } = copyForSimulation(file, "Pulumi.prod.yaml", options);
    assert.deepEqual(config["inference-stack:cluster"], { source: "kubeconfig", path: "/somewhere/kubeconfig" });
    assert.equal(config["inference-stack:chartSource"], "./sim/charts");
    for (const key of ["models", "namespaces", "storage", "gpu", "addons", "loadBalancer"]) {
      assert.deepEqual(config[`inference-stack:${key}`], file.values[key], key);
    }
  });

  it("makes up the secrets that models name, and carries none of the file's own", () => {
    const file = read("prod", (text) =>
      text.replace("\nconfig:\n", "\nconfig:\n  inference-stack:secrets:\n    sshPrivateKey:\n      secure: v1:abc\n"),
    );
    const { config, secrets } = copyForSimulation(file, "Pulumi.prod.yaml", options);
    assert.equal(config["inference-stack:secrets"], undefined);
    assert.deepEqual(Object.keys(secrets), ["inference-stack:secrets.hfTokens.main"]);
    assert.doesNotMatch(JSON.stringify({ config, secrets }), /v1:abc|secure/);
  });

  it("keeps the subnet of a simulated stack, in which its addresses lie", () => {
    const { config } = copyForSimulation(read("dev"), "Pulumi.dev.yaml", { ...options, subnet: "192.168.64.0/24" });
    assert.deepEqual(config["inference-stack:loadBalancer"], { subnet: "192.168.64.0/24", addresses: "auto" });
  });

  it("installs LeaderWorkerSet where the real cluster has it, as the simulated one does not", () => {
    for (const [addon, expected] of [
      ["    leaderWorkerSet: existing\n", "install"],
      ["", undefined],
    ] as const) {
      const file = read("prod", (text) => text.replace("    metalLb: install\n", `    metalLb: install\n${addon}`));
      const { config } = copyForSimulation(file, "Pulumi.prod.yaml", options);
      const addons = config["inference-stack:addons"] as Record<string, string>;
      assert.deepEqual([addons["leaderWorkerSet"], addons["metalLb"]], [expected, "install"]);
    }
  });

  it("tells everything that is wrong with the rest of the config", () => {
    const file = read("prod", (text) => text.replace("gpusPerReplica: 8", "gpusPerReplica: -8"));
    assert.throws(() => copyForSimulation(file, "Pulumi.prod.yaml", options), /gpusPerReplica/);
  });
});

describe("nodes of a stack", () => {
  it("are its hosts, with the labels, taints and GPUs that they will have", () => {
    const file = read("prod", (text) =>
      text.replace(
        "        labels: { pool: whole-host }\n",
        "        labels: { pool: whole-host, rack: r7 }\n        taints: [{ key: spot, effect: NoSchedule }]\n",
      ),
    );
    const { cluster } = checkOriginal(file, "Pulumi.prod.yaml");
    assert.ok(cluster.source === "hosts");
    const { nodes, notes } = hostNodes(cluster, "amd");
    assert.deepEqual(
      nodes.map(({ name, addresses, allocatable, taints }) => [
        name,
        addresses[0],
        allocatable["amd.com/gpu"],
        taints.length,
      ]),
      [
        ["mi300x-0", "192.168.10.11", "8", 0],
        ["mi300x-1", "192.168.10.12", "8", 1],
      ],
    );
    assert.equal(nodes[1]?.labels["rack"], "r7");
    assert.equal(nodes[1]?.labels["feature.node.kubernetes.io/amd-gpu"], "true");
    assert.match(notes.join(), /192 CPUs/);
  });

  it("have the nodes' own addresses where SSH connects to DNS names", () => {
    const file = read("prod", (text) =>
      text.replace("address: 192.168.10.12", "address: gpu-1.example.com\n        nodeAddress: 192.168.10.13"),
    );
    const { cluster } = checkOriginal(file, "Pulumi.prod.yaml");
    assert.ok(cluster.source === "hosts");
    assert.deepEqual(
      hostNodes(cluster, "amd").nodes.map(({ addresses }) => addresses[0]),
      ["192.168.10.11", "192.168.10.13"],
    );
  });

  it("are its node groups", () => {
    const config = checkOriginal(read("dev"), "Pulumi.dev.yaml");
    assert.ok(config.cluster.source === "simulated");
    assert.deepEqual(
      groupNodes(config.cluster).nodes.map(({ name, addresses, capacity }) => [
        name,
        addresses[0],
        capacity["amd.com/gpu"],
      ]),
      [0, 1, 2, 3].map((index) => [`mi300x-${index}`, `192.168.64.${11 + index}`, "8"]),
    );
  });
});
