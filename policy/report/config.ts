import type { EnforcementLevel, Policies } from "@pulumi/policy";
import { z } from "zod";

/** What the policy config says about one policy. */
export interface PolicySettings {
  readonly level: EnforcementLevel;
  readonly config: object;
}

const levels = ["advisory", "mandatory", "remediate", "disabled"] as const;
const level = z.enum(levels);

/**
 * Reads the file that the engine takes as `--policy-pack-config`, as strictly as the engine and the policies do.
 * @throws with everything that is wrong in the file
 */
export function readPackConfig(text: string, file: string, policies: Policies): ReadonlyMap<string, PolicySettings> {
  const entries = z.record(z.string(), z.union([level, z.record(z.string(), z.unknown())])).parse(JSON.parse(text));
  const known = new Set(["all", ...policies.map(({ name }) => name)]);
  const faults = Object.keys(entries)
    .filter((name) => !known.has(name))
    .map((name) => `${name}: no such policy`);
  const byDefault = level.safeParse(entries.all ?? "mandatory");
  if (!byDefault.success) faults.push(`all: ${JSON.stringify(entries.all)} is no enforcement level`);
  const settings = new Map<string, PolicySettings>();
  for (const policy of policies) {
    const entry = entries[policy.name] ?? {};
    const { enforcementLevel, ...config } = typeof entry === "string" ? { enforcementLevel: entry } : entry;
    const own = level.safeParse(enforcementLevel ?? byDefault.data ?? "mandatory");
    if (!own.success) faults.push(`${policy.name}.enforcementLevel: allowed are ${levels.join(", ")}`);
    settings.set(policy.name, { level: own.data ?? "mandatory", config });
    if (own.data !== "disabled") faults.push(...schemaFaults(policy, config));
  }
  if (faults.length > 0) throw new Error(`policy config ${file}:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
  return settings;
}

function schemaFaults({ name, configSchema }: Policies[number], config: object): string[] {
  const schema = { type: "object", additionalProperties: false, properties: {}, ...configSchema };
  const result = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(config);
  return (result.error?.issues ?? []).map(({ path, message }) => `${[name, ...path].join(".")}: ${message}`);
}
