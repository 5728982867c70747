import { catalogue, connectionRows, fleetRows, hostRows } from "./catalogue";
import type { HostFacts } from "./hostFacts";
import type { PlannedHost, PreflightPlan } from "./plan";
import type { ConnectionRow, SeenHost, Severity } from "./row";

/** One row that does not hold for one host. */
export interface Finding {
  readonly host: string;
  readonly id: string;
  readonly number: number;
  /** `warn` also for a failing row that the config accepts. */
  readonly severity: Severity;
  readonly accepted: boolean;
  /** What is wrong, in words that follow the host's name. */
  readonly found: string;
  readonly cause: string;
  readonly fix: string;
}

/** What came of looking at a host: its facts, or which row kept them from being gathered. */
export type Observation = { readonly host: PlannedHost } & (
  { readonly facts: HostFacts } | { readonly failure: keyof typeof connectionRows; readonly message: string }
);

/**
 * Measures all hosts by all rows. Findings come in the order of the hosts, failures first.
 * @throws when `accept` holds an id that no row has
 */
export function evaluate(observations: readonly Observation[], plan: PreflightPlan): Finding[] {
  checkAccepted(plan.accept);
  const seen = observations.flatMap((one) =>
    "facts" in one ? [seenHost(one.host, one.facts, observations, plan)] : [],
  );
  const findings = [
    ...observations.flatMap((one) =>
      "failure" in one ? [finding(connectionRows[one.failure], one.host.name, one.message, plan)] : [],
    ),
    ...seen.flatMap((host) => hostFindings(host, plan)),
    ...fleetRows.flatMap((row) =>
      row.findInFleet(seen, plan).map(({ host, found }) => finding(row, host, found, plan)),
    ),
  ];
  const order = new Map(plan.hosts.map(({ name }, index) => [name, index]));
  const rank = ({ severity }: Finding): number => (severity === "fail" ? 0 : 1);
  return findings.sort((a, b) => order.get(a.host)! - order.get(b.host)! || rank(a) - rank(b) || a.number - b.number);
}

function checkAccepted(accept: readonly string[]): void {
  const unknown = accept.filter((id) => !catalogue.some((row) => row.id === id));
  if (unknown.length > 0) {
    throw new Error(
      `cluster.preflight.accept: ${unknown.join(", ")}: no finding has this id. Allowed: ${catalogue.map(({ id }) => id).join(", ")}.`,
    );
  }
}

/** Without an identity given, that of the first host that has one is this cluster's. */
function seenHost(
  host: PlannedHost,
  facts: HostFacts,
  observations: readonly Observation[],
  plan: PreflightPlan,
): SeenHost {
  const first = observations.flatMap((one) => ("facts" in one ? (one.facts.lines("clusterId")[0] ?? []) : []))[0];
  const own = facts.text("clusterId");
  return { host, facts, member: own !== "" && own === (plan.clusterId ?? first) };
}

function hostFindings(seen: SeenHost, plan: PreflightPlan): Finding[] {
  return hostRows
    .filter(({ bareOnly }) => bareOnly !== true || !seen.member)
    .flatMap((row) => [row.find(seen, plan) ?? []].flat().map((found) => finding(row, seen.host.name, found, plan)));
}

function finding(row: ConnectionRow, host: string, found: string, { accept }: PreflightPlan): Finding {
  const accepted = row.severity === "fail" && accept.includes(row.id);
  const { id, number, cause, fix } = row;
  return { host, id, number, severity: accepted ? "warn" : row.severity, accepted, found, cause, fix };
}
