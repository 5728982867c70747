import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { root } from "../../cli/paths";

/** GPUs of a simulated node, and so models on it. */
const gpusPerNode = 8;

/** Files that describe a stack of many tenants with one model each. */
export interface Workload {
  /** The stack's config, as `Pulumi.<stack>.yaml`. */
  readonly configFile: string;
  /** Config of the policy pack that admits just these models. */
  readonly policyConfigFile: string;
}

/**
 * Writes the config of a stack with a tenant per model: Namespace, ResourceQuota, LimitRange, PersistentVolume,
 * PersistentVolumeClaim, ConfigMap, Deployment and Service each, one StorageClass for all. Add-ons are left out: they are the same
 * few Helm releases at any number of models, and kubectl has no counterpart for them.
 *
 * @param directory of the simulated cluster
 */
export function writeWorkload(directory: string, models: number): Workload {
  const configFile = path.join(directory, "stack-config.yaml");
  const config = Object.fromEntries(
    Object.entries(stackValues(directory, models)).map(([key, value]) => [`inference-stack:${key}`, value]),
  );
  writeFileSync(configFile, stringify({ config }));
  const policyConfigFile = path.join(directory, "policy-config.json");
  writeFileSync(policyConfigFile, JSON.stringify(policyConfig(models)));
  return { configFile, policyConfigFile };
}

/** Namespace of a tenant. */
export const tenantName = (index: number): string => `tenant-${index}`;

function stackValues(directory: string, models: number): Record<string, unknown> {
  const tenants = Array.from({ length: models }, (_, index) => tenantName(index));
  return {
    cluster: {
      source: "simulated",
      directory,
      nodeGroups: [{ name: "mi300x", count: Math.ceil(models / gpusPerNode) + 1, gpus: gpusPerNode, vendor: "amd" }],
    },
    addons: { certManager: "existing", gpuOperator: "existing", metalLb: "existing" },
    storage: { type: "local" },
    namespaces: tenants.map((name) => ({ name, gpuQuota: 1 })),
    models: tenants.map((namespace) => ({
      name: "qwen3-8b",
      model: "Qwen/Qwen3-8B",
      namespace,
      maxModelLen: 32768,
      // The address of a load balancer would come from the simulation, not from what is measured.
      service: { type: "ClusterIP" },
    })),
  };
}

/** The policies' config of the stack `dev`, with quotas for these tenants. */
function policyConfig(models: number): unknown {
  const quotas = Object.fromEntries(Array.from({ length: models }, (_, index) => [tenantName(index), 1]));
  const dev = JSON.parse(readFileSync(path.join(root, "policy", "policy-config.dev.json"), "utf8")) as object;
  return {
    ...dev,
    "gpu-quota-per-namespace": { quotas, defaultQuota: 0 },
    "gpu-quota-per-stack": { quota: models },
  };
}
