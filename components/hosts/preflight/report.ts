import type { Finding } from "./evaluate";
import type { PreflightPlan } from "./plan";

/** The outcome of a preflight, as `--json` prints it and as the state of a stack keeps it. */
export interface PreflightReport {
  readonly passed: boolean;
  readonly hosts: readonly string[];
  readonly failures: number;
  readonly warnings: number;
  readonly findings: readonly Finding[];
}

export function reportOf(plan: PreflightPlan, findings: readonly Finding[]): PreflightReport {
  const failures = findings.filter(({ severity }) => severity === "fail").length;
  return {
    passed: failures === 0,
    hosts: plan.hosts.map(({ name }) => name),
    failures,
    warnings: findings.length - failures,
    findings,
  };
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** All findings of all hosts, for people. */
export function reportText(report: PreflightReport): string {
  const summary =
    `preflight: ${plural(report.hosts.length, "host")}, ${plural(report.failures, "failure")}, ` +
    `${plural(report.warnings, "warning")}${report.passed ? "" : "; nothing was changed"}`;
  return [...report.findings.map(findingText), summary].join("\n");
}

function findingText({ host, id, severity, accepted, found, cause, fix }: Finding): string {
  const mark = severity === "fail" ? "FAIL" : accepted ? "warn (accepted)" : "warn";
  return `${mark}  ${host}: ${found} [${id}]\n      cause: ${cause}\n      next: ${fix}`;
}
