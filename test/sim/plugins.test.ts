import assert from "node:assert/strict";
import path from "node:path";
import { root } from "../../cli/paths";
import { goTest } from "../goTest";
import { run, Sandbox } from "./sandbox";

describe("sim: the stand-in for the Kubernetes provider against a real API server", function () {
  this.timeout("5m");
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.start();
  });
  after(async () => {
    await sandbox?.stop();
  });

  it("passes the Go tests that need one", async () => {
    const [command, ...args] = goTest("-count=1", "-v", "-run", "NeedsKUBECONFIG", "./internal/kubernetes/...");
    const result = await run(command, args, {
      cwd: path.join(root, "sim", "plugins"),
      env: { ...process.env, KUBECONFIG: sandbox.kubeconfig, INFERENCE_STACK_HELM: sandbox.tools.helm },
    });
    assert.equal(result.exitCode, 0, result.stdout + result.stderr);
    const passed = result.stdout.match(/^--- PASS: /gm) ?? [];
    assert.ok(passed.length >= 5, `only ${passed.length} tests ran:\n${result.stdout}`);
    assert.doesNotMatch(result.stdout, /^--- SKIP: /m);
  });
});
