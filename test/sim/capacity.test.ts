import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { assertSucceeded, changes, Sandbox, type StackValues } from "./sandbox";

/** Milliseconds from the start of `pulumi up` to the scheduler's words; the VllmModel's own time-out is half an hour. */
const patience = 60_000;

const schedulersWords = /0\/1 nodes are available: 1 Insufficient amd\.com\/gpu/;

const model = (name: string, replicas: number, gpusPerReplica: number): StackValues => ({
  name,
  model: "Qwen/Qwen3-8B",
  replicas,
  gpusPerReplica,
});

/** One node with six GPUs, and no add-ons to wait for. */
function oneNode(values: StackValues): void {
  (values["cluster"] as StackValues)["nodeGroups"] = [{ name: "mi300x", count: 1, gpus: 6 }];
  values["addons"] = { certManager: "existing", gpuOperator: "existing", metalLb: "existing" };
  values["namespaces"] = [{ name: "chat", gpuQuota: 8 }];
}

describe("sim: pods over the cluster's capacity", function () {
  this.timeout("3m");
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.start((values) => {
      oneNode(values);
      values["models"] = [model("large", 2, 4)];
    });
  });
  after(async () => {
    await sandbox?.stop();
  });

  /** Replicas of a model that run, and all that its Deployment wants. */
  async function replicas(name: string): Promise<{ ready: number; wanted: number }> {
    const { spec, status } = await sandbox.apps.readNamespacedDeployment({ name, namespace: "chat" });
    return { ready: status?.readyReplicas ?? 0, wanted: spec?.replicas ?? 0 };
  }

  /** Runs an up until it says what a pod waits for, then ends it as Ctrl-C does. Returns all that it printed. */
  async function upUntilPending(): Promise<string> {
    const { child, ended, output } = sandbox.startUp();
    const deadline = Date.now() + patience;
    while (!schedulersWords.test(output())) {
      assert.equal(child.exitCode, null, `the engine ended before it told why a pod is Pending:\n${output()}`);
      assert.ok(Date.now() < deadline, `not told within ${patience / 1000} s why a pod is Pending:\n${output()}`);
      await sleep(100);
    }
    child.kill("SIGINT");
    await ended;
    assert.notEqual(child.exitCode, 0, "an update with a Pending pod passed for a success");
    return output();
  }

  it("tells which Deployment waits, in the scheduler's words, long before its time-out", async () => {
    const output = await upUntilPending();
    assert.match(output, /Deployment chat\/large .*Insufficient amd\.com\/gpu/);
    assert.match(output, /Deployment \(chat\/large\):\s+error: .*\s+.*1 of 2 Pods available/);
    assert.doesNotMatch(output, /timed out/i);
    assert.deepEqual(await replicas("large"), { ready: 1, wanted: 2 });
  });

  it("keeps a whole state, from which an up with fewer replicas goes on", async () => {
    const state = await sandbox.state();
    const urns = state.map(({ urn }) => urn);
    assert.equal(new Set(urns).size, urns.length);
    assert.ok(
      state.some(({ type, id }) => type === "kubernetes:apps/v1:Deployment" && id === "chat/large"),
      "the Deployment that was waited for is on the cluster, but not in the state",
    );
    await sandbox.configure((values) => (values["models"] = [model("large", 1, 4)]));
    const fewer = await sandbox.up();
    assertSucceeded(fewer);
    assert.equal(changes(fewer)["update"], 1, fewer.stdout);
    assert.equal(changes(fewer)["replace"], undefined, fewer.stdout);
    assert.deepEqual(await replicas("large"), { ready: 1, wanted: 1 });
  });

  it("leaves the replicas that run alone when more of them do not fit", async () => {
    const before = await podNames();
    await sandbox.configure((values) => (values["models"] = [model("large", 2, 4)]));
    await upUntilPending();
    assert.deepEqual(await replicas("large"), { ready: 1, wanted: 2 });
    const after = await podNames();
    assert.ok(
      before.every((name) => after.includes(name)),
      `${before.join(", ")} became ${after.join(", ")}`,
    );
  });

  async function podNames(): Promise<string[]> {
    const { items } = await sandbox.core.listNamespacedPod({ namespace: "chat" });
    return items.map(({ metadata }) => metadata?.name ?? "");
  }
});
