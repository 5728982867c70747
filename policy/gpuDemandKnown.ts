import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import type { ObjectDemand } from "./gpuDemand";
import { countingSchema, readCountingConfig } from "./pack/config";
import type { Ledger } from "./pack/ledger";
import { problemMessage } from "./pack/messages";

const name = "gpu-demand";

/**
 * Every resource must let the policies count the GPUs that it can ask for: no value that is unknown at preview, no
 * unlimited number of pods, no malformed quantity, no Helm chart that is not listed. The quotas rest on its counts.
 */
export function gpuDemandKnown(ledger: Ledger): ResourceValidationPolicy & StackValidationPolicy {
  return {
    name,
    description: "The GPUs that a resource can ask for must be countable before the update.",
    enforcementLevel: "mandatory",
    severity: "critical",
    configSchema: countingSchema,
    validateResource: (args, violation) => {
      ledger.configure(readCountingConfig(name, args.getConfig()));
      ledger.recordInputs(args);
      for (const [urn, message] of problemMessages(ledger.ownDemands(args.urn))) {
        ledger.noteReported(`${urn} ${message}`);
        violation(message, urn);
      }
    },
    validateStack: (args, violation) => {
      ledger.configure(readCountingConfig(name, args.getConfig()));
      const hidden = ledger.recordStack(args.resources);
      for (const [urn, message] of problemMessages([...hidden, ...ledger.demands()])) {
        if (!ledger.wasReported(`${urn} ${message}`)) violation(message, urn);
      }
    },
  };
}

function problemMessages(demands: readonly ObjectDemand[]): [string, string][] {
  return demands.flatMap((demand) =>
    demand.problems.map((found): [string, string] => [demand.urn, problemMessage(demand, found)]),
  );
}
