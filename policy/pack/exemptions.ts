import type { PolicyConfigSchema } from "@pulumi/policy";

/** A violation that the policy config accepts for a while. */
export interface Exemption {
  /** `kind/namespace/name`, as messages name it; `*` stands for any characters. */
  readonly resource: string;
  readonly reason: string;
  /** The last day on which it holds, e.g. `2027-03-31`. */
  readonly expires: string;
}

export const exemptionsSchema: PolicyConfigSchema["properties"][string] = {
  type: "array",
  description:
    "Resources that may break this policy: `resource` (kind/namespace/name, * for any), `reason`, `expires` (the last day, such as 2027-03-31).",
  items: {
    type: "object",
    additionalProperties: false,
    required: ["resource", "reason", "expires"],
    properties: {
      resource: { type: "string", pattern: "^[^/]+/[^/]+/.+$" },
      reason: { type: "string", minLength: 10 },
      expires: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
    },
  },
};

/** What exemptions make of a violation: `admitted`, or refused with a hint if one has run out. */
export function judge(
  policy: string,
  label: string,
  exemptions: readonly Exemption[],
  today = new Date().toISOString().slice(0, 10),
): { readonly admitted: boolean; readonly hint: string } {
  const matching = exemptions.filter(({ resource }) => matches(resource, label));
  for (const { resource, expires } of matching) {
    const date = new Date(`${expires}T00:00:00Z`);
    if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== expires) {
      throw new Error(
        `config of policy ${policy}: exemption of ${resource} expires on ${JSON.stringify(expires)}, which is no day; ` +
          "write one such as 2027-03-31.",
      );
    }
  }
  if (matching.some(({ expires }) => expires >= today)) return { admitted: true, hint: "" };
  const [expired] = matching;
  if (expired === undefined) return { admitted: false, hint: "" };
  return { admitted: false, hint: ` Its exemption (${expired.reason}) expired on ${expired.expires}.` };
}

/** Whether a pattern, in which `*` stands for any characters, covers all of a text. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}
