import * as pulumi from "@pulumi/pulumi";

/** Set to `true`, it leaves the SDK as it is: debug messages for `pulumi up --debug`, all stack frames mapped. */
const debugVariable = "INFERENCE_STACK_SDK_DEBUG";

type Frames = Parameters<NonNullable<typeof Error.prepareStackTrace>>[1];

const isTypeScript = (frame: Frames[number]): boolean => frame.getFileName()?.endsWith(".ts") ?? false;

/**
 * Looks frames up in source maps only for traces that pass through TypeScript. The SDK takes a trace for every promise,
 * and nearly all of them hold nothing but its own published JavaScript.
 */
function mapOwnTracesOnly(): void {
  const mapped = Error.prepareStackTrace?.bind(Error);
  if (mapped === undefined) return;
  Error.prepareStackTrace = (error, frames): unknown =>
    frames.some(isTypeScript) ? mapped(error, frames) : [String(error), ...frames.map(String)].join("\n    at ");
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
  mapOwnTracesOnly();
  dropDebugMessages();
}
