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

/** One line. */
export function summary({ hosts, failures, warnings }: PreflightReport): string {
  return `preflight: ${plural(hosts.length, "host")}, ${plural(failures, "failure")}, ${plural(warnings, "warning")}`;
}

/** All findings of all hosts, for people. */
export function reportText(report: PreflightReport): string {
  const outcome = report.passed ? "" : "; nothing was changed";
  return [...report.findings.map(findingText), `${summary(report)}${outcome}`].join("\n");
}

function findingText({ host, id, severity, accepted, found, cause, fix }: Finding): string {
  const mark = severity === "fail" ? "FAIL" : accepted ? "warn (accepted)" : "warn";
  return `${mark}  ${host}: ${found} [${id}]\n      cause: ${cause}\n      next: ${fix}`;
}
