import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { assertSucceeded, Sandbox } from "./sandbox";

/** What the state must hold before the engine is killed. */
const moments: readonly { readonly name: string; readonly reached: (types: readonly string[]) => boolean }[] = [
  { name: "while the first add-on installs", reached: (types) => types.includes("kubernetes:core/v1:Namespace") },
  {
    name: "between the add-ons and their custom resources",
    reached: (types) => types.filter((type) => type === "kubernetes:helm.sh/v3:Release").length >= 2,
  },
  { name: "while models start", reached: (types) => types.includes("kubernetes:apps/v1:Deployment") },
];

describe("sim: an engine killed with kill -9", function () {
  this.timeout("10m");
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
      while (child.exitCode === null && !reached(sandbox.stateOnDisk().map(({ type }) => type))) {
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
