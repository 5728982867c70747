import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { root } from "../../cli/paths";
import { hasPending, type SimulationResult } from "../../cli/simulate/result";
import { simulate } from "../../cli/simulate/simulation";
import { recordedProgress } from "../../sim/toolchain";
import { listProcesses } from "../../sim/toolchain/processes";
import { listedNode, mi300x, nodeList } from "../unit/cli/simulate/nodeFixtures";
import { listedPod, ofDeployment, podList } from "../unit/cli/simulate/podFixtures";

const fiveGpus = { ...mi300x, gpus: { "amd.com/gpu": "5" } };
const taint = (key: string) => [{ key, effect: "NoSchedule" }];

/** Two nodes that take models, one that is cordoned, and a control plane. */
const nodes = nodeList(
  listedNode("cp-0", 11, { taints: taint("node-role.kubernetes.io/control-plane") }),
  listedNode("gpu-0", 21, { ...fiveGpus, taints: taint("amd.com/gpu") }),
  listedNode("gpu-1", 22, fiveGpus),
  listedNode("gpu-2", 23, { ...fiveGpus, unschedulable: true, taints: taint("node.kubernetes.io/unschedulable") }),
);

const model = (name: string, replicas: number, gpusPerReplica: number, more: object = {}) => ({
  name,
  model: "Qwen/Qwen3-8B",
  replicas,
  gpusPerReplica,
  ...more,
});

/** A stack on bare hosts, whose secrets nobody has; without add-ons, for the sake of time. */
const stack = {
  cluster: {
    source: "hosts",
    trustOnFirstUse: true,
    hosts: [{ name: "elsewhere", address: "192.168.10.99", role: "control-plane", gpus: 8 }],
  },
  addons: { certManager: "existing", gpuOperator: "existing", metalLb: "existing" },
  storage: { type: "storageClass", className: "of-the-real-cluster" },
  namespaces: [{ name: "chat", gpuQuota: 16 }],
  models: [
    model("large", 3, 4, { hfToken: { fromSecrets: "main" } }),
    model("elsewhere", 1, 1, { gpuProduct: "AMD_Instinct_MI355X_OAM" }),
  ],
};

const stackText = (values: object): string =>
  stringify({
    config: Object.fromEntries(Object.entries(values).map(([key, value]) => [`inference-stack:${key}`, value])),
  });

describe("sim: simulate", function () {
  this.timeout("5m");
  let directory: string;

  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "inference-stack-test-"));
  });
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  function write(name: string, text: string): string {
    const file = path.join(directory, name);
    writeFileSync(file, text);
    return file;
  }

  describe("a stack that does not fit", () => {
    let result: SimulationResult;
    const lines: string[] = [];

    before(async () => {
      const file = write("Pulumi.simulated.yaml", stackText(stack));
      const list = write("nodes.json", nodes);
      result = await simulate({ stack: "dev", file, nodes: list, fail: 1, orders: 2 }, recordedProgress(lines));
    });

    it("tells what would be Pending in the scheduler's own words", () => {
      assert.ok(hasPending(result));
      assert.deepEqual(result.orders, { tried: 2, withPending: 2 });
      const [elsewhere, large, ...others] = [...result.pending].sort((a, b) => a.workload.localeCompare(b.workload));
      assert.deepEqual(others, []);
      assert.deepEqual([large?.namespace, large?.workload, large?.count], ["chat", "large", 1]);
      for (const words of [
        /0\/4 nodes are available/,
        /2 Insufficient amd\.com\/gpu/,
        /untolerated/,
        /unschedulable/,
      ]) {
        assert.match(large?.reason ?? "", words);
      }
      assert.deepEqual([elsewhere?.workload, elsewhere?.count], ["elsewhere", 1]);
      assert.match(elsewhere?.reason ?? "", /didn't match Pod's node affinity\/selector/);
    });

    it("does not wait for the time-out of what fits on no node, and says what it left out", () => {
      assert.ok(
        result.unfinished.some((urn) => urn.endsWith("::chat/elsewhere")),
        result.unfinished.join("\n"),
      );
    });

    it("counts the GPUs that pods really hold, by node", () => {
      assert.deepEqual(
        result.gpus.map(({ node, total, used, free, open }) => [node, total, used, free, open]),
        [
          ["gpu-0", 5, 4, 1, true],
          ["gpu-1", 5, 4, 1, true],
          ["gpu-2", 5, 0, 5, false],
        ],
      );
      const large = result.models.find(({ name }) => name === "large");
      assert.deepEqual([large?.replicas, large?.placed, large?.nodes], [3, 2, { "gpu-0": 1, "gpu-1": 1 }]);
    });

    it("tells fragmentation", () => {
      const [found, ...others] = result.fragmentation;
      assert.deepEqual(others, []);
      assert.deepEqual(
        [found?.resource, found?.free, found?.largestReplica, found?.sizes],
        ["amd.com/gpu", 2, 1, [1, 4]],
      );
    });

    it("lets each node fail, from the same placement each time", () => {
      const { failures } = result;
      assert.deepEqual([failures?.nodes, failures?.combinations, failures?.tried, failures?.harmless], [1, 2, 2, 0]);
      assert.equal(failures?.worst.pods, 3);
      assert.deepEqual(failures?.worst.pending.find(({ workload }) => workload === "large")?.count, 2);
    });

    it("leaves no process and no directory behind", () => {
      assert.deepEqual(leftovers(process.pid), []);
    });
  });

  describe("a model on two nodes beside pods that run there already", () => {
    let result: SimulationResult;

    before(async () => {
      const gpus = (count: number) => ({ ...mi300x, gpus: { "amd.com/gpu": String(count) } });
      const multiNode = { nodesPerReplica: 2, tensorParallelSize: 4, pipelineParallelSize: 2 };
      const values = {
        ...stack,
        addons: { ...stack.addons, leaderWorkerSet: "existing" },
        models: [model("huge", 1, 4, multiNode)],
      };
      const trainer = { node: "gpu-0", gpus: 2, ...ofDeployment("trainer") };
      const ofGroup = { "leaderworkerset.sigs.k8s.io/name": "huge" };
      const pods = podList(
        ...["a", "b", "c"].map((end) => listedPod("team", `trainer-5d8f7c9b4-${end}`, trainer)),
        listedPod("team", "alone", { node: "gpu-0", gpus: 1 }),
        listedPod("team", "db-0", { node: "gpu-1", gpus: 2, owner: { kind: "StatefulSet", name: "db" }, priority: 5 }),
        listedPod("kube-system", "agent-x", { node: "gpu-2", owner: { kind: "DaemonSet", name: "agent" } }),
        listedPod("chat", "huge-0", { node: "gpu-2", gpus: 4, labels: ofGroup }),
        listedPod("team", "done", { node: "gpu-2", gpus: 6, phase: "Succeeded" }),
      );
      const given = [
        listedNode("gpu-0", 21, gpus(7)),
        listedNode("gpu-1", 22, gpus(6)),
        listedNode("gpu-2", 23, gpus(6)),
      ];
      const files = {
        file: write("Pulumi.groups.yaml", stackText(values)),
        nodes: write("given.json", nodeList(...given)),
        pods: write("pods.json", pods),
      };
      result = await simulate({ stack: "dev", ...files, fail: 1, orders: 2 }, recordedProgress([]));
    });

    it("places leader and worker where the others leave room", () => {
      assert.deepEqual(result.pending, []);
      assert.deepEqual(result.models, [
        {
          namespace: "chat",
          name: "huge",
          replicas: 1,
          placed: 1,
          gpus: { "amd.com/gpu": 8 },
          nodes: { "gpu-1": 1, "gpu-2": 1 },
        },
      ]);
    });

    it("counts the GPUs that the others hold, and says what it left out", () => {
      assert.deepEqual(
        result.gpus.map(({ node, used, free }) => [node, used, free]),
        [
          ["gpu-0", 7, 0],
          ["gpu-1", 6, 0],
          ["gpu-2", 4, 2],
        ],
      );
      assert.deepEqual([result.fragmentation[0]?.sizes, result.fragmentation[0]?.unusable], [[4], 2]);
      assert.match(
        result.notes.join("\n"),
        /take room: 6\. Left out: 1 of the stack's own .*\(chat\/huge\); 1 finished/,
      );
    });

    it("lets those with an owner ask again after a failure, and says which are gone", () => {
      const { tried, harmless, worst } = result.failures ?? {};
      assert.deepEqual([tried, harmless, worst?.nodes, worst?.gone], [3, 0, ["gpu-0"], ["team/alone"]]);
      assert.deepEqual(
        worst?.pending.map(({ namespace, workload, count }) => [namespace, workload, count]),
        [["team", "trainer", 2]],
      );
    });
  });

  it("leaves nothing behind on Ctrl-C", async () => {
    const child = spawn(process.execPath, ["--import=tsx", "cli/simulate.ts", "--stack", "dev", "--json"], {
      cwd: root,
      // A group of its own, as a terminal gives, so that the signal reaches the engine, too.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const pid = child.pid ?? 0;
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += `stdout: ${chunk.toString()}`));
    const running = new Promise<void>((resolve) => {
      child.stderr.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes("Simulated cluster: 4 nodes")) {
          resolve();
        }
      });
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    await Promise.race([running, ended]);
    assert.notDeepEqual(leftovers(pid), [], output);
    process.kill(-pid, "SIGINT");
    assert.equal(await ended, 130, output);
    assert.deepEqual(leftovers(pid), []);
    assert.doesNotMatch(output, /stdout:|error:/);
  });
});

/** What there is of a simulation that process `pid` runs: its directories, and processes that work in them. */
function leftovers(pid: number): string[] {
  const prefix = `inference-stack-simulate-${pid}-`;
  const directories = readdirSync(tmpdir()).filter((name) => name.startsWith(prefix));
  const processes = listProcesses().filter(({ command }) => command.includes(prefix));
  return [...directories, ...processes.map(({ command }) => command)];
}
