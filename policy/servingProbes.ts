import type { Field } from "./demand/field";
import { objectPolicy } from "./pack/rule";
import { numberOr, servingContainers, servingPods } from "./pack/serving";

interface Config {
  readonly startSeconds?: number;
}

/** Imports, weights, compilation and graph capture of a small model take about as long, in seconds. */
const leastStart = 300;

/** A serving pod tells when it is ready, and has the time that loading a model takes before a probe restarts it. */
export const servingProbes = objectPolicy<Config>({
  name: "serving-probes",
  description: "Serving pods must have a readiness probe, and time to load their model.",
  severity: "medium",
  properties: {
    startSeconds: {
      type: "integer",
      minimum: 0,
      description: `Seconds that probes must leave for a start; ${leastStart} by default.`,
    },
  },
  check: (object, { startSeconds = leastStart }) =>
    servingPods(object).flatMap((pod) =>
      servingContainers(pod).flatMap((container) => [
        ...(container.get("readinessProbe").exists
          ? []
          : [`${container.path} has no readinessProbe, so that it gets requests while it loads. Add one.`]),
        ...startFaults(container, startSeconds),
      ]),
    ),
});

function startFaults(container: Field, startSeconds: number): string[] {
  const probe = ["startupProbe", "livenessProbe"].map((key) => container.get(key)).find((field) => field.exists);
  if (probe === undefined) return [];
  const budget = probeBudgetSeconds(probe);
  if (budget === undefined || budget >= startSeconds) return [];
  return [
    `${probe.path} restarts the container after ${budget} s; a start needs ${startSeconds} s. ` +
      "Add a startupProbe with periodSeconds × failureThreshold of at least that.",
  ];
}

/** Seconds until a probe that always fails restarts its container, by Kubernetes' defaults; undefined if unknown. */
export function probeBudgetSeconds(probe: Field): number | undefined {
  const [delay, period, failures] = [
    numberOr(probe.get("initialDelaySeconds"), 0),
    numberOr(probe.get("periodSeconds"), 10),
    numberOr(probe.get("failureThreshold"), 3),
  ];
  if (delay === undefined || period === undefined || failures === undefined) return undefined;
  return delay + period * failures;
}
