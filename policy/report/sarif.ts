import { createHash } from "node:crypto";
import type { Policies } from "@pulumi/policy";
import type { Violation } from "../server/analyzer";

const levels = { mandatory: "error", advisory: "warning" } as const;

/** Scores by which code scanning ranks security results. */
const scores: Readonly<Record<string, string>> = { critical: "9.5", high: "8.0", medium: "5.0", low: "2.0" };

/**
 * A SARIF 2.1.0 log of violations, for code scanning.
 * @param stackFile path of the stack's config in the repository: results need a file, and this is what a review reads
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function sarif(policies: Policies, violations: readonly Violation[], stackFile: string): object {
  const names = policies.map(({ name }) => name);
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "inference-stack-policy",
            rules: policies.map(({ name, description, severity = "medium" }) => ({
              id: name,
              shortDescription: { text: description },
              defaultConfiguration: { level: "error" },
              properties: { "security-severity": scores[severity] ?? "5.0" },
            })),
          },
        },
        results: violations.map((violation) => ({
          ruleId: violation.policy,
          ruleIndex: names.indexOf(violation.policy),
          level: levels[violation.level],
          message: { text: violation.message },
          locations: [
            {
              physicalLocation: { artifactLocation: { uri: stackFile }, region: { startLine: 1 } },
              ...(violation.urn === undefined
                ? {}
                : { logicalLocations: [{ fullyQualifiedName: violation.urn, kind: "resource" }] }),
            },
          ],
          partialFingerprints: { violation: fingerprint(violation) },
        })),
      },
    ],
  };
}

/** Stays the same from run to run, so that a result is not reported as new each time. */
function fingerprint({ policy, urn, message }: Violation): string {
  return createHash("sha256")
    .update(JSON.stringify([policy, urn, message]))
    .digest("hex")
    .slice(0, 32);
}
