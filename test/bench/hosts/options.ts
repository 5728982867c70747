import { parseArgs } from "node:util";
import { wholeNumber } from "../options";

export interface HostsBenchOptions {
  /** Runs of either subject, in alternating order; tables show medians. */
  readonly repeat: number;
  /** Seconds after which a run that has not come to its end fails. */
  readonly limitSeconds: number;
  /** File for the raw measurements. */
  readonly json?: string;
}

export const usage = `npm run bench:hosts -- [options]

  --repeat 1      runs of either subject, alternating; tables show medians
  --limit 1200    seconds after which a run that has not ended fails
  --json FILE     write the raw measurements, too`;

const flags = {
  repeat: { type: "string", default: "1" },
  limit: { type: "string", default: "1200" },
  json: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** @returns undefined when help was asked for. @throws naming the flag, its value and what is allowed */
export function parseHostsOptions(args: readonly string[]): HostsBenchOptions | undefined {
  const { values } = parseArgs({ args: [...args], options: flags, strict: true });
  if (values.help) {
    return undefined;
  }
  return {
    repeat: wholeNumber("repeat", values.repeat, 1, 100),
    limitSeconds: wholeNumber("limit", values.limit, 60, 36_000),
    json: values.json,
  };
}
