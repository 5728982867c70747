import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { readConfig, stackQuotaSchema, type StackQuotaConfig } from "./pack/config";
import type { Ledger, Total } from "./pack/ledger";
import { gpuCount, listDemands } from "./pack/messages";
import { isPreview } from "./pack/preview";

const name = "gpu-quota-per-stack";

/** The GPUs that the whole stack can ask for stay within the stack's quota in the policy config. */
export function gpuQuotaPerStack(ledger: Ledger): ResourceValidationPolicy & StackValidationPolicy {
  const breach = (config: object): { total: Total; quota: number } | undefined => {
    const { quota } = readConfig(name, stackQuotaSchema, config) as StackQuotaConfig;
    const total = ledger.total(ledger.demands().filter(({ gpus }) => gpus.size > 0));
    return total.gpus > quota ? { total, quota } : undefined;
  };
  return {
    name,
    description: "The GPUs that a stack asks for must stay within the stack's quota.",
    enforcementLevel: "mandatory",
    severity: "critical",
    configSchema: stackQuotaSchema,
    validateResource: (args, violation) => {
      if (isPreview() || ledger.touchedBy(args.urn).size === 0) return;
      const found = breach(args.getConfig());
      if (found) violation(`This takes the stack to ${gpuCount(found.total.gpus)}; its quota is ${found.quota}.`);
    },
    validateStack: (args, violation) => {
      const found = breach(args.getConfig());
      if (found === undefined) return;
      const { total, quota } = found;
      violation(
        `The stack asks for ${gpuCount(total.gpus)}; its quota is ${quota}:\n${listDemands(ledger, total)}\n` +
          `Lower replicas, surge or GPUs per pod by ${gpuCount(total.gpus - quota)} in all, or raise ${name}.quota ` +
          "in the policy config.",
      );
    },
  };
}
