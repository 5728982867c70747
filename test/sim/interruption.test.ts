import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { inOrder } from "../inOrder";
import { assertSucceeded, Sandbox } from "./sandbox";

/** What the cluster must hold when the engine is killed. */
const moments: readonly { readonly name: string; readonly reached: (sandbox: Sandbox) => Promise<boolean> }[] = [
  {
    name: "while the first add-ons install",
    reached: async ({ core }) =>
      (await core.listNamespace()).items.some(({ metadata }) => metadata?.name === "metallb-system"),
  },
  {
    name: "between an add-on and its custom resources",
    reached: async ({ core }) =>
      (await core.listSecretForAllNamespaces({ labelSelector: "owner=helm,status=deployed" })).items.length >= 2,
  },
  {
    name: "while models start",
    reached: async ({ apps }) =>
      (await apps.listDeploymentForAllNamespaces({ labelSelector: "app.kubernetes.io/name=vllm" })).items.length > 0,
  },
];

describe("sim: an engine killed with kill -9", function () {
  this.timeout("10m");
  inOrder(this);
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.start();
  });
  after(async () => {
    await sandbox?.stop();
  });

  for (const { name, reached } of moments) {
    it(`goes on ${name}`, async () => {
      const { child, ended } = sandbox.startUp();
      while (child.exitCode === null && !(await reached(sandbox))) {
        await sleep(20);
      }
      assert.equal(child.exitCode, null, "the engine was done before it could be killed");
      process.kill(child.pid ?? 0, "SIGKILL");
      await ended;
      await sandbox.recover();
    });
  }

  it("converges, with nothing twice", async () => {
    assertSucceeded(await sandbox.up());
    const state = await sandbox.state();
    const ids = state.filter(({ id }) => id !== undefined).map(({ type, id }) => `${type} ${id}`);
    assert.deepEqual(
      ids.filter((id, index) => ids.indexOf(id) !== index),
      [],
    );
    const pods = await sandbox.core.listPodForAllNamespaces({ labelSelector: "app.kubernetes.io/name=vllm" });
    assert.equal(pods.items.length, 4);
    const releases = await sandbox.core.listSecretForAllNamespaces({ labelSelector: "owner=helm" });
    assert.ok(releases.items.every(({ metadata }) => metadata?.labels?.["status"] !== "pending-install"));
    assertSucceeded(await sandbox.up("--expect-no-changes"));
  });
});
