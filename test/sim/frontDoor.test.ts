import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ClusterStatus } from "../../cli/clusterStatus";
import type { LastRun } from "../../cli/phases";
import { clusterStatus } from "../../sim/cluster";
import type { RunResult } from "../../cli/engine";
import { root } from "../../cli/paths";
import { inOrder } from "../inOrder";

/** The checkout as it stands, uncommitted changes included, in a place of its own with its own `.sim`. */
function copyCheckout(): string {
  const copy = mkdtempSync(path.join(tmpdir(), "inference-stack-copy-"));
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root })
    .toString()
    .split("\n");
  for (const file of files.filter((name) => name !== "" && existsSync(path.join(root, name)))) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    cpSync(path.join(root, file), path.join(copy, file));
  }
  symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
  return copy;
}

describe("sim: the front door, as a user types it", function () {
  this.timeout("10m");
  inOrder(this);
  let checkout: string;

  before(() => {
    checkout = copyCheckout();
  });
  after(async () => {
    await npm("down").ended;
    rmSync(checkout, { recursive: true, force: true });
  });

  /** Runs an npm script in a process group of its own, as a terminal would. */
  function npm(
    script: string,
    ...args: string[]
  ): { ended: Promise<RunResult>; interrupt: () => void; seen: (text: string) => Promise<void> } {
    const child = spawn("npm", ["run", "--silent", script, "--", ...args], {
      cwd: checkout,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    const waiting: { text: string; resolve: () => void }[] = [];
    const hear = (): void =>
      waiting.filter(({ text }) => (stdout + stderr).includes(text)).forEach(({ resolve }) => resolve());
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      hear();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
      hear();
    });
    const ended = new Promise<RunResult>((resolve) => {
      child.on("close", (code) => resolve({ exitCode: code ?? 130, stdout, stderr }));
    });
    return {
      ended,
      interrupt: () => process.kill(-(child.pid ?? 0), "SIGINT"),
      seen: (text) =>
        new Promise((resolve, reject) => {
          waiting.push({ text, resolve });
          hear();
          void ended.then((result) => reject(new Error(`ended before ${text}:\n${result.stdout}\n${result.stderr}`)));
        }),
    };
  }

  it("refuses a broken config with all its problems, before it starts anything", async () => {
    const file = path.join(checkout, "Pulumi.dev.yaml");
    const good = readFileSync(file, "utf8");
    writeFileSync(file, good.replace("replicas: 2", "replicas: -2").replace("gpusPerReplica: 8", "gpusPerReplica: 9"));
    const { exitCode, stderr } = await npm("up").ended;
    writeFileSync(file, good);
    assert.equal(exitCode, 1);
    assert.match(stderr, /inference-stack:models\[0\]\.replicas: -2/);
    assert.match(stderr, /inference-stack:models\[2\]\.gpusPerReplica: 9/);
    assert.ok(!existsSync(path.join(checkout, ".sim")), "nothing may be started");
  });

  it("says so when status is asked before anything runs", async () => {
    const { exitCode, stderr } = await npm("status").ended;
    assert.equal(exitCode, 1);
    assert.match(stderr, /make up/);
  });

  it("stops on Ctrl-C while the cluster starts, and says how to go on", async () => {
    const up = npm("up");
    await up.seen("==> simulated cluster");
    up.interrupt();
    const { stderr } = await up.ended;
    assert.match(stderr, /SIGINT during simulated cluster\. make up goes on from here/);
  });

  it("stops on Ctrl-C while the engine works, keeping its state", async () => {
    const up = npm("up");
    await up.seen("Updating (dev)");
    await up.seen("creating (");
    up.interrupt();
    const { exitCode, stderr } = await up.ended;
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /SIGINT during pulumi up.*make up goes on from here/s);
  });

  it("goes on from there, and shows nodes, models, policy and times", async () => {
    const { exitCode, stdout, stderr } = await npm("up").ended;
    assert.equal(exitCode, 0, stdout + stderr);
    for (const expected of [
      /mi300x-0 +Ready/,
      /chat\/qwen3-8b .* 2\/2/,
      /curl http/,
      /no violations/,
      /PHASE +SECONDS/,
    ]) {
      assert.match(stdout, expected);
    }
  });

  it("gives the same to machines", async () => {
    const { exitCode, stdout } = await npm("status", "--json").ended;
    assert.equal(exitCode, 0);
    const status = JSON.parse(stdout) as ClusterStatus & { lastRun: LastRun };
    assert.equal(status.nodes.length, 4);
    assert.equal(
      status.nodes.reduce((sum, { gpusUsed }) => sum + gpusUsed, 0),
      status.models.reduce((sum, { gpusPerReplica, replicas }) => sum + gpusPerReplica * replicas, 0),
    );
    assert.deepEqual(status.lastRun.policy.mandatory, []);
    assert.ok(
      status.models.every(({ url, replicas, readyReplicas }) => url !== undefined && replicas === readyReplicas),
    );
  });

  it("leaves the checkout as it was", () => {
    const config = readFileSync(path.join(checkout, "Pulumi.dev.yaml"), "utf8");
    assert.equal(config, readFileSync(path.join(root, "Pulumi.dev.yaml"), "utf8"));
  });

  it("removes everything", async () => {
    const directory = path.join(checkout, ".sim");
    const before = await clusterStatus(directory);
    assert.ok(before !== undefined);
    const { exitCode, stdout, stderr } = await npm("down").ended;
    assert.equal(exitCode, 0, stdout + stderr);
    assert.ok(!existsSync(directory));
    const commands = execFileSync("ps", ["-eo", "args"]).toString();
    assert.ok(!commands.includes(directory), "a process of the simulated cluster is left");
  });
});
