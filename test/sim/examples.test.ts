import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import type { V1Pod, V1PodTemplateSpec } from "@kubernetes/client-node";
import type { ModelConfig } from "../../components/config";
import { loadStackFile, readStackFile } from "../../components/config/stackFile";
import { assertSucceeded, Sandbox } from "./sandbox";

const directory = path.join(__dirname, "../../examples");
const multiNode = "multi-node.yaml";
const files = readdirSync(directory).filter((name) => name.endsWith(".yaml") && name !== multiNode);
const rawModels = (file: string) =>
  (readStackFile(path.join(directory, file)).values["models"] as object[]).map((model) => ({ ...model, namespace }));

interface Group {
  spec: {
    leaderWorkerTemplate: { size: number; leaderTemplate: V1PodTemplateSpec; workerTemplate: V1PodTemplateSpec };
  };
}

/** Namespace of every example, and of the stack that deploys them all; it has a quota in the policy pack's config. */
const namespace = "research";

describe("sim: the examples on a real API server and scheduler", function () {
  this.timeout("5m");
  let sandbox: Sandbox;
  let pods: V1Pod[];
  const models = new Map<string, readonly ModelConfig[]>();

  before(async () => {
    for (const file of files) models.set(file, loadStackFile(path.join(directory, file)).models);
    sandbox = await Sandbox.start((values) => {
      // What is installed for models is proved elsewhere.
      values["addons"] = { certManager: "existing", gpuOperator: "existing", metalLb: "existing" };
      values["models"] = files.flatMap(rawModels);
    });
    assertSucceeded(await sandbox.up());
    pods = (await sandbox.core.listNamespacedPod({ namespace })).items;
  });
  after(async () => {
    await sandbox?.stop();
  });

  for (const file of files) {
    it(`${file}: every replica is scheduled on a node with what it asks for`, async () => {
      for (const model of models.get(file) ?? []) {
        const own = pods.filter(({ metadata }) => metadata?.labels?.["app.kubernetes.io/instance"] === model.name);
        assert.equal(own.length, model.replicas, model.name);
        for (const { spec, status } of own) {
          assert.equal(status?.phase, "Running", JSON.stringify(status?.conditions));
          const node = await sandbox.core.readNode({ name: spec?.nodeName ?? "" });
          const free = Number(node.status?.allocatable?.["amd.com/gpu"] ?? 0);
          assert.equal(Number(spec?.containers[0]?.resources?.requests?.["amd.com/gpu"] ?? 0), model.gpusPerReplica);
          assert.ok(free >= model.gpusPerReplica);
        }
      }
    });
  }

  it("spreads replicas of one model over nodes, and lets one at a time be evicted", async () => {
    const own = pods.filter(({ metadata }) => metadata?.labels?.["app.kubernetes.io/instance"] === "qwen3-8b-replicas");
    assert.equal(new Set(own.map(({ spec }) => spec?.nodeName)).size, own.length);
    const budgets = await sandbox.kubectl("-n", namespace, "get", "poddisruptionbudgets", "-o", "json");
    const { items } = JSON.parse(budgets.stdout) as {
      items: { metadata: { name: string }; status: { disruptionsAllowed: number } }[];
    };
    assert.deepEqual(
      items.map(({ metadata, status }) => [metadata.name, status.disruptionsAllowed]),
      [["qwen3-8b-replicas", 1]],
    );
  });

  it("finds nothing to do the second time", async () => {
    assertSucceeded(await sandbox.up("--expect-no-changes"));
  });

  it(`${multiNode}: a leader and a worker that the scheduler finds a node for each`, async () => {
    const [model] = loadStackFile(path.join(directory, multiNode)).models;
    assert.ok(model);
    await sandbox.configure((values) => {
      values["addons"] = { ...(values["addons"] as object), leaderWorkerSet: "install" };
      values["models"] = rawModels(multiNode);
    });
    assertSucceeded(await sandbox.up());
    const where = { group: "leaderworkerset.x-k8s.io", version: "v1", plural: "leaderworkersets" };
    const group = (await sandbox.custom.getNamespacedCustomObject({ ...where, namespace, name: model.name })) as Group;
    const { size, leaderTemplate, workerTemplate } = group.spec.leaderWorkerTemplate;
    assert.equal(size, model.nodesPerReplica);
    // No controller runs here: its pods are made as it would make them.
    for (const [index, { metadata, spec }] of [leaderTemplate, workerTemplate].entries()) {
      await sandbox.core.createNamespacedPod({
        namespace,
        body: { metadata: { ...metadata, name: `${model.name}-0${index === 0 ? "" : `-${index}`}` }, spec },
      });
    }
    const labelSelector = `app.kubernetes.io/instance=${model.name}`;
    const waited = await sandbox.kubectl("-n", namespace, "wait", "pods", "-l", labelSelector, "--for=condition=Ready");
    assert.equal(waited.exitCode, 0, waited.stderr);
    const { items } = await sandbox.core.listNamespacedPod({ namespace, labelSelector });
    assert.equal(new Set(items.map(({ spec }) => spec?.nodeName)).size, model.nodesPerReplica);
  });
});
