import path from "node:path";
import * as pulumi from "@pulumi/pulumi";

/** Set to `true`, it leaves the SDK as it is: debug messages for `pulumi up --debug`, all stack traces. */
const debugVariable = "INFERENCE_STACK_SDK_DEBUG";

type Frames = Parameters<NonNullable<typeof Error.prepareStackTrace>>[1];

const isIn = (frame: Frames[number] | undefined, end: string): boolean => frame?.getFileName()?.endsWith(end) ?? false;

/** Where the SDK takes a trace for every promise, in case somebody asks which of them never resolved. */
const PROMISE_TRACES = path.join("@pulumi", "pulumi", "runtime", "debuggable.js");

/** Looks frames up in source maps only for traces that pass through TypeScript, and writes no traces of promises. */
function writeFewerTraces(): void {
  const mapped = Error.prepareStackTrace?.bind(Error);
  if (mapped === undefined) return;
  Error.prepareStackTrace = (error, frames): unknown => {
    if (isIn(frames[0], PROMISE_TRACES)) return String(error);
    if (frames.some((frame) => isIn(frame, ".ts"))) return mapped(error, frames);
    return [String(error), ...frames.map(String)].join("\n    at ");
  };
}

/**
 * Keeps the SDK's debug messages in the program. It sends four a resource to the engine, each in a call of its own and
 * one after the other, and the engine drops them unless it runs with `--debug`. No setting stops them.
 */
function dropDebugMessages(): void {
  const log: { debug: typeof pulumi.log.debug } = pulumi.log;
  log.debug = () => Promise.resolve();
}

if (process.env[debugVariable] !== "true") {
  writeFewerTraces();
  dropDebugMessages();
}
