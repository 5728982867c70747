import { readFileSync } from "node:fs";
import type { PolicyResult } from "./phases";

interface EngineEvent {
  readonly summaryEvent?: { readonly PolicyPacks?: Record<string, string> };
  readonly policyEvent?: {
    readonly resourceUrn?: string;
    readonly message: string;
    readonly enforcementLevel: string;
    readonly policyName: string;
  };
}

/** What the policy pack said, read from the engine's event log (one JSON object a line). */
export function readPolicyResult(eventLog: string): PolicyResult {
  const events = readFileSync(eventLog, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as EngineEvent);
  const packs = new Set<string>();
  const mandatory = new Set<string>();
  const advisory = new Set<string>();
  for (const { summaryEvent, policyEvent } of events) {
    for (const [pack, version] of Object.entries(summaryEvent?.PolicyPacks ?? {})) {
      // A local pack goes by name|local|path.
      packs.add(`${pack.split("|", 1)[0]} ${version}`);
    }
    if (policyEvent !== undefined) {
      const where = policyEvent.resourceUrn?.split("::").pop();
      const text = `${policyEvent.policyName}${where === undefined ? "" : ` (${where})`}: ${policyEvent.message.trim()}`;
      (policyEvent.enforcementLevel === "mandatory" ? mandatory : advisory).add(text);
    }
  }
  return { packs: [...packs], mandatory: [...mandatory], advisory: [...advisory] };
}
