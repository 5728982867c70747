import assert from "node:assert/strict";
import { mock } from "node:test";
import { cacheDirectory } from "../../../../sim/toolchain/cache";
import { consoleProgress } from "../../../../sim/toolchain/progress";

describe("consoleProgress", () => {
  let written: string[];

  beforeEach(() => {
    written = [];
    mock.timers.enable({ apis: ["setInterval", "Date"] });
  });

  afterEach(() => mock.timers.reset());

  const progress = (isTTY: boolean, columns = 80) =>
    consoleProgress({ isTTY, columns, write: (text: string) => written.push(text) });

  it("writes one line a task to a log, with the time that it took", () => {
    const task = progress(false).task("helm 3.22.0");
    task.update("compiling");
    mock.timers.tick(1500);
    task.done("built");
    assert.deepEqual(written, ["✓ helm 3.22.0: built (1.5 s)\n"]);
  });

  it("is never silent for more than 15 s in a log", () => {
    const task = progress(false).task("kubernetes");
    task.update("compiling, 7 packages so far");
    let silent = 0;
    for (let second = 0; second < 60; second++) {
      const lines = written.length;
      // One tick of a minute would show the callbacks a clock that is ahead of them.
      mock.timers.tick(1000);
      silent = written.length > lines ? 0 : silent + 1;
      assert.ok(silent <= 15);
    }
    assert.equal(written[0], "… kubernetes: compiling, 7 packages so far (12 s)\n");
    task.failed("not built");
    mock.timers.tick(60_000);
    assert.equal(written.at(-1), "✗ kubernetes: not built (60.0 s)\n");
  });

  it("keeps one line up to date on a terminal, never wider than it", () => {
    const task = progress(true, 40).task("kubernetes");
    task.update("x".repeat(100));
    mock.timers.tick(1000);
    task.skipped("no download");
    assert.ok(written.every((text) => text.startsWith("\r\x1b[2K")));
    assert.equal(written[1]?.replace("\r\x1b[2K", "").length, 39);
    assert.equal(written.at(-1), "\r\x1b[2K- kubernetes: no download\n");
  });
});

describe("cacheDirectory", () => {
  it("is outside the checkout: the user's choice, else XDG's, else ~/.cache", () => {
    assert.equal(cacheDirectory({ INFERENCE_STACK_CACHE: "/a", XDG_CACHE_HOME: "/b" }), "/a");
    assert.equal(cacheDirectory({ INFERENCE_STACK_CACHE: "", XDG_CACHE_HOME: "/b" }), "/b/inference-stack");
    assert.match(cacheDirectory({}), /\/\.cache\/inference-stack$/);
  });
});
