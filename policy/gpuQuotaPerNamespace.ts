import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { namespaceQuotaSchema, readConfig, type NamespaceQuotaConfig } from "./pack/config";
import type { Ledger, Total } from "./pack/ledger";
import { gpuCount, listDemands } from "./pack/messages";
import { isPreview } from "./pack/preview";

const name = "gpu-quota-per-namespace";

/** The GPUs that the stack can ask for in a namespace stay within the namespace's quota in the policy config. */
export function gpuQuotaPerNamespace(ledger: Ledger): ResourceValidationPolicy & StackValidationPolicy {
  return {
    name,
    description: "The GPUs that a stack asks for in a namespace must stay within the namespace's quota.",
    enforcementLevel: "mandatory",
    severity: "critical",
    configSchema: namespaceQuotaSchema,
    // Stack policies run after an update has made its resources; so in updates each resource is weighed as it comes.
    validateResource: (args, violation) => {
      if (isPreview()) return;
      const config = readConfig(name, namespaceQuotaSchema, args.getConfig()) as NamespaceQuotaConfig;
      for (const { namespace, total, quota } of breaches(config, ledger.touchedBy(args.urn))) {
        violation(`This takes namespace ${namespace} to ${gpuCount(total.gpus)}; its quota is ${quota}.`);
      }
    },
    validateStack: (args, violation) => {
      const config = readConfig(name, namespaceQuotaSchema, args.getConfig()) as NamespaceQuotaConfig;
      ledger.noteQuotas(config);
      for (const breach of breaches(config, ledger.byNamespace())) violation(breachMessage(ledger, breach));
    },
  };
}

interface Breach {
  readonly namespace: string;
  readonly total: Total;
  readonly quota: number;
  /** Whether the quota is the namespace's own, rather than that of namespaces without one. */
  readonly isListed: boolean;
}

function breaches(config: NamespaceQuotaConfig, totals: ReadonlyMap<string, Total>): Breach[] {
  return [...totals]
    .map(([namespace, total]) => {
      const isListed = Object.hasOwn(config.quotas, namespace);
      return { namespace, total, isListed, quota: isListed ? (config.quotas[namespace] ?? 0) : config.defaultQuota };
    })
    .filter(({ total, quota }) => total.gpus > quota);
}

function breachMessage(ledger: Ledger, { namespace, total, quota, isListed }: Breach): string {
  const origin = isListed ? "its quota" : "the quota of namespaces that are not listed";
  const key = isListed ? `quotas["${namespace}"]` : "quotas";
  return (
    `Namespace ${namespace} asks for ${gpuCount(total.gpus)}; ${origin} is ${quota}:\n${listDemands(ledger, total)}\n` +
    `Lower replicas, surge or GPUs per pod by ${gpuCount(total.gpus - quota)} in all, or change ${name}.${key} ` +
    "in the policy config."
  );
}
