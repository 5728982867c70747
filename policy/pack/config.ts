import type { PolicyConfigSchema } from "@pulumi/policy";
import type { CountingConfig } from "../gpuDemand";

/** Config of `gpu-quota-per-namespace`. */
export interface NamespaceQuotaConfig {
  readonly quotas: Readonly<Record<string, number>>;
  readonly defaultQuota: number;
}

/** Config of `gpu-quota-per-stack`. */
export interface StackQuotaConfig {
  readonly quota: number;
}

const gpuCount = { type: "integer", minimum: 0 } as const;

export const countingSchema: PolicyConfigSchema = {
  properties: {
    daemonSetNodes: { ...gpuCount, description: "Nodes on which a DaemonSet may run." },
    sharesPerGpu: {
      type: "object",
      description: "How many of a resource one GPU gives, where it is shared, sliced or partitioned.",
      additionalProperties: { type: "integer", minimum: 1 },
    },
    ceilings: {
      type: "object",
      description: "GPUs at most of an object that cannot be counted, by kind/namespace/name.",
      additionalProperties: gpuCount,
    },
    releases: {
      type: "array",
      description: "Helm charts that the stack may install, with the GPUs that their pods may ask for.",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["chart", "gpus"],
        properties: {
          chart: { type: "string", minLength: 1 },
          repository: { type: "string", minLength: 1 },
          gpus: gpuCount,
        },
      },
    },
  },
  required: ["daemonSetNodes", "sharesPerGpu", "ceilings", "releases"],
};

export const namespaceQuotaSchema: PolicyConfigSchema = {
  properties: {
    quotas: {
      type: "object",
      description: "GPUs that the stack may ask for in a namespace, by its name.",
      additionalProperties: gpuCount,
    },
    defaultQuota: { ...gpuCount, description: "GPUs in a namespace that is not listed." },
  },
  required: ["quotas", "defaultQuota"],
};

export const stackQuotaSchema: PolicyConfigSchema = {
  properties: { quota: { ...gpuCount, description: "GPUs that the whole stack may ask for." } },
  required: ["quota"],
};

/** Configs that were found right, which is asked for each resource. */
const valid = new WeakMap<object, PolicyConfigSchema>();

/**
 * The config of a policy. The engine checks it against the schema but lets unknown keys pass, and a mistyped key
 * would silently leave its default: so they are refused here.
 * @throws when a key is unknown or a required one is missing
 */
export function readConfig(policy: string, schema: PolicyConfigSchema, config: object): unknown {
  if (valid.get(config) === schema) return config;
  const known = Object.keys(schema.properties);
  const unknown = Object.keys(config).filter((key) => !known.includes(key));
  const missing = (schema.required ?? []).filter((key) => !Object.hasOwn(config, key));
  if (unknown.length === 0 && missing.length === 0) {
    valid.set(config, schema);
    return config;
  }
  const faults = [...unknown.map((key) => `${key} is no key of it`), ...missing.map((key) => `${key} is missing`)];
  throw new Error(
    `config of policy ${policy}: ${faults.join(", ")}; its keys are ${known.join(", ")}. ` +
      "Correct the file given with --policy-pack-config.",
  );
}

export function readCountingConfig(policy: string, config: object): CountingConfig {
  return readConfig(policy, countingSchema, config) as CountingConfig;
}
