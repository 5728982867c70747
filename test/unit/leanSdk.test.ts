import assert from "node:assert/strict";
import vm from "node:vm";
import * as pulumi from "@pulumi/pulumi";

describe("leanSdk", () => {
  const log: { debug: typeof pulumi.log.debug } = pulumi.log;
  const { debug } = log;
  const prepareStackTrace = Error.prepareStackTrace?.bind(Error);

  before(async () => {
    Error.prepareStackTrace = (error) => `mapped ${String(error)}`;
    await import("../../components/leanSdk.js");
  });
  after(() => {
    log.debug = debug;
    Error.prepareStackTrace = prepareStackTrace;
  });

  /** The stack of an error that was made in a file of this name, without the frames that led there. */
  const stackFrom = (filename: string): unknown => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 1;
    try {
      return vm.runInThisContext('new Error("wrong").stack', { filename });
    } finally {
      Error.stackTraceLimit = limit;
    }
  };

  it("looks up traces that pass through TypeScript", () => {
    assert.equal(stackFrom("/project/index.ts"), "mapped Error: wrong");
  });

  it("prints traces of published JavaScript as they are", () => {
    assert.equal(stackFrom("/sdk/output.js"), "Error: wrong\n    at /sdk/output.js:1:1");
  });

  it("writes no trace of a promise, wherever it was made", () => {
    const filename = "/node_modules/@pulumi/pulumi/runtime/debuggable.js";
    const stack = vm.runInThisContext('() => new Error("wrong").stack', { filename }) as () => unknown;
    const call = vm.runInThisContext("(stack) => stack()", { filename: "/project/index.ts" }) as (
      of: typeof stack,
    ) => unknown;
    assert.equal(call(stack), "Error: wrong");
  });

  it("sends no debug message to the engine", async () => {
    assert.notEqual(pulumi.log.debug, debug);
    await pulumi.log.debug("nobody reads this");
  });
});
