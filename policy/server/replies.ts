import type { EnforcementLevel, Policies, Severity } from "@pulumi/policy";
import * as messages from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import type { Violation } from "./analyzer";

/** The pack as the engine shows it. */
export interface Pack {
  readonly name: string;
  readonly version: string;
  readonly policies: Policies;
}

const levels: Readonly<Record<EnforcementLevel, messages.EnforcementLevel>> = {
  advisory: messages.EnforcementLevel.ADVISORY,
  mandatory: messages.EnforcementLevel.MANDATORY,
  remediate: messages.EnforcementLevel.REMEDIATE,
  disabled: messages.EnforcementLevel.DISABLED,
};

const severities: Readonly<Record<Severity, messages.PolicySeverity>> = {
  low: messages.PolicySeverity.POLICY_SEVERITY_LOW,
  medium: messages.PolicySeverity.POLICY_SEVERITY_MEDIUM,
  high: messages.PolicySeverity.POLICY_SEVERITY_HIGH,
  critical: messages.PolicySeverity.POLICY_SEVERITY_CRITICAL,
};

export function levelOf(level: messages.EnforcementLevel): EnforcementLevel {
  const found = Object.entries(levels).find(([, value]) => value === level)?.[0];
  if (found === undefined) throw new Error(`the engine sets enforcement level ${level}, which this pack does not know`);
  return found as EnforcementLevel;
}

export function packReply({ name, version, policies }: Pack): messages.AnalyzerInfo {
  const reply = new messages.AnalyzerInfo();
  reply.setName(name);
  reply.setVersion(version);
  reply.setSupportsconfig(true);
  reply.setPoliciesList(policies.map(policyInfo));
  return reply;
}

function policyInfo(policy: Policies[number]): messages.PolicyInfo {
  const info = new messages.PolicyInfo();
  const { POLICY_TYPE_RESOURCE, POLICY_TYPE_STACK } = messages.PolicyType;
  info.setPolicyType("validateResource" in policy ? POLICY_TYPE_RESOURCE : POLICY_TYPE_STACK);
  info.setName(policy.name);
  info.setDescription(policy.description);
  info.setEnforcementlevel(levels[policy.enforcementLevel ?? "mandatory"]);
  info.setSeverity(severities[policy.severity ?? "medium"]);
  if (policy.configSchema !== undefined) {
    const schema = new messages.PolicyConfigSchema();
    schema.setProperties(structOf(policy.configSchema.properties));
    schema.setRequiredList([...(policy.configSchema.required ?? [])]);
    info.setConfigschema(schema);
  }
  return info;
}

/** @param description of the policy that a violation is about */
export function analyzeReply(
  pack: Pack,
  violations: readonly Violation[],
  description: (policy: string) => string,
): messages.AnalyzeResponse {
  const reply = new messages.AnalyzeResponse();
  reply.setDiagnosticsList(
    violations.map(({ policy, level, severity, message, urn }) => {
      const diagnostic = new messages.AnalyzeDiagnostic();
      diagnostic.setPolicyname(policy);
      diagnostic.setPolicypackname(pack.name);
      diagnostic.setPolicypackversion(pack.version);
      diagnostic.setDescription(description(policy));
      // The engine shows the message alone.
      diagnostic.setMessage(`${description(policy)}\n${message}`);
      diagnostic.setEnforcementlevel(levels[level]);
      diagnostic.setSeverity(severities[severity]);
      if (urn !== undefined) diagnostic.setUrn(urn);
      return diagnostic;
    }),
  );
  return reply;
}

export function remediateReply(
  pack: Pack,
  corrections: readonly { readonly name: string; readonly description: string; readonly props: object }[],
): messages.RemediateResponse {
  const reply = new messages.RemediateResponse();
  reply.setRemediationsList(
    corrections.map(({ name, description, props }) => {
      const remediation = new messages.Remediation();
      remediation.setPolicyname(name);
      remediation.setDescription(description);
      remediation.setPolicypackname(pack.name);
      remediation.setPolicypackversion(pack.version);
      remediation.setProperties(structOf(props));
      return remediation;
    }),
  );
  return reply;
}

function structOf(value: object): Struct {
  return Struct.fromJavaScript(value as Record<string, JavaScriptValue>);
}
