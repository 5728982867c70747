import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withLock } from "../../../../sim/toolchain/lock";
import { inspectProcess } from "../../../../sim/toolchain/processes";
import { recordedProgress } from "../../../../sim/toolchain/progress";

describe("withLock", () => {
  let directory: string;
  let file: string;
  const report = recordedProgress();
  const options = { report, purpose: "installs tools", interval: 20 };

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "lock-"));
    file = path.join(directory, "cache", "lock");
    report.lines.length = 0;
  });

  afterEach(() => fs.rmSync(directory, { recursive: true }));

  const hold = (owner: unknown) => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, typeof owner === "string" ? owner : JSON.stringify(owner));
  };

  it("lets one in at a time, whatever they do", async () => {
    let inside = 0;
    let passed = 0;
    const enter = async () => {
      assert.equal(++inside, 1);
      await sleep(5);
      inside--;
      passed++;
      if (passed % 3 === 0) {
        throw new Error("failed inside");
      }
    };
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => withLock(file, options, enter)));
    assert.equal(passed, 12);
    assert.equal(results.filter(({ status }) => status === "rejected").length, 4);
    assert.deepEqual(fs.readdirSync(path.dirname(file)), []);
  });

  it("takes over from an owner that has ended", async () => {
    const { pid } = spawnSync("true");
    hold({ pid, startTime: "1" });
    assert.equal(await withLock(file, options, () => Promise.resolve("in")), "in");
    assert.deepEqual(report.lines, []);
    assert.deepEqual(fs.readdirSync(path.dirname(file)), []);
  });

  it("takes over when the owner's process id belongs to another process by now", async () => {
    hold({ pid: process.pid, startTime: "long ago" });
    assert.equal(await withLock(file, options, () => Promise.resolve("in")), "in");
  });

  it("takes over a damaged lock", async () => {
    hold("{");
    assert.equal(await withLock(file, options, () => Promise.resolve("in")), "in");
  });

  it("gives a dead owner's lock to exactly one of many", async () => {
    hold({ pid: 0, startTime: "" });
    let inside = 0;
    const enter = async () => {
      assert.equal(++inside, 1);
      await sleep(2);
      inside--;
    };
    await Promise.all(Array.from({ length: 20 }, () => withLock(file, options, enter)));
  });

  it("waits for an owner that lives, and says for whom", async () => {
    hold({ pid: process.pid, startTime: inspectProcess(process.pid)!.startTime });
    setTimeout(() => fs.rmSync(file), 150);
    const started = Date.now();
    await withLock(file, options, () => Promise.resolve());
    assert.ok(Date.now() - started >= 140);
    assert.deepEqual(report.lines, [`Another run (process ${process.pid}) installs tools; waiting for it to finish.`]);
  });
});
