import type { Access } from "./gather";
import type { PreflightPlan } from "./plan";
import type { Endpoint } from "./ssh";

/** What `main.ts` reads from its standard input, as JSON. */
export interface PreflightInput extends Access {
  readonly plan: PreflightPlan;
}

/** What `firstKey.ts` reads. */
export interface FirstKeyInput extends Access {
  readonly host: Endpoint;
}

/** All of standard input, as JSON. @throws when it is none */
export async function readInput<T>(): Promise<T> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk as string;
  return JSON.parse(text) as T;
}
