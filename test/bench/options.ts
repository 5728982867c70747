import { parseArgs } from "node:util";

/** Where the engine keeps its state: the file backend, or the state service of `sim/backend`. */
export type Backend = "file" | "service";

export interface BenchOptions {
  /** Numbers of models, each measured on fresh clusters. */
  readonly models: readonly number[];
  readonly backends: readonly Backend[];
  /** The file backend is left out above this many models: it takes tens of minutes there. */
  readonly fileUpTo: number;
  /** Whether stacks are also measured without the policy pack. */
  readonly withoutPolicy: boolean;
  /** Runs of everything, in alternating order; tables show medians. */
  readonly repeat: number;
  /** Starts of the empty program and of ours, alternating. */
  readonly starts: number;
  /** Seconds after which a step is stopped, and counted as not finished. */
  readonly limitSeconds: number;
  /** File for the raw measurements. */
  readonly json?: string;
}

export const usage = `make bench, or: npm run bench -- [options]

  --models 1,10,100,300     numbers of models
  --backends service,file   where the engine keeps its state
  --file-up-to 100          most models with the file backend
  --with-policy-only        leave out the runs without the policy pack
  --repeat 1                runs of everything; tables show medians
  --starts 7                starts of the empty program and of ours; 0 leaves them out
  --limit 900               seconds after which a step is stopped
  --json FILE               write the raw measurements, too`;

const flags = {
  models: { type: "string", default: "1,10,100,300" },
  backends: { type: "string", default: "service,file" },
  "file-up-to": { type: "string", default: "100" },
  "with-policy-only": { type: "boolean", default: false },
  repeat: { type: "string", default: "1" },
  starts: { type: "string", default: "7" },
  limit: { type: "string", default: "900" },
  json: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** @returns undefined when help was asked for. @throws naming the flag, its value and what is allowed */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({ args: [...args], options: flags, strict: true });
  if (values.help) {
    return undefined;
  }
  return {
    models: list("models", values.models).map((value) => wholeNumber("models", value, 1, 500)),
    backends: list("backends", values.backends).map(backend),
    fileUpTo: wholeNumber("file-up-to", values["file-up-to"], 0, 500),
    withoutPolicy: !values["with-policy-only"],
    repeat: wholeNumber("repeat", values.repeat, 1, 100),
    starts: wholeNumber("starts", values.starts, 0, 1000),
    limitSeconds: wholeNumber("limit", values.limit, 10, 36_000),
    json: values.json,
  };
}

function list(flag: string, value: string): string[] {
  const entries = value.split(",").map((entry) => entry.trim());
  if (new Set(entries).size !== entries.length) {
    throw new Error(`--${flag} ${value} names something twice`);
  }
  return entries;
}

/** @throws naming the flag, its value and what is allowed */
export function wholeNumber(flag: string, value: string, least: number, most: number): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < least || number > most || value.trim() === "") {
    throw new Error(`--${flag} ${value} is not a whole number from ${least} to ${most}`);
  }
  return number;
}

function backend(value: string): Backend {
  if (value !== "file" && value !== "service") {
    throw new Error(`--backends ${value} is none of: service, file`);
  }
  return value;
}
