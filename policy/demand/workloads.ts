import { problem, sum, times, type Count, type Demand } from "./demand";
import type { Field } from "./field";
import { podDemand, type PodContext } from "./pod";
import { addCounts, largestOf, multiplyCounts, readCount, readCountOrPercent, unbounded } from "./quantity";

/** What counting an object needs beside the object. */
export interface CountContext extends PodContext {
  /** Nodes on which a DaemonSet may run. */
  readonly daemonSetNodes: number;
  /** The largest replica count that autoscalers may set on the object; 0 without an autoscaler. */
  readonly autoscaled: Count;
}

/** Counts the GPUs of an object of one kind. */
export type Counter = (root: Field, context: CountContext) => Demand;

function template(parent: Field, context: CountContext): Demand {
  return podDemand(parent.get("template").get("spec"), context);
}

/** Replicas: those in the object, or more if an autoscaler may set more. */
export function replicas(field: Field, byDefault: number, context: CountContext): Count {
  return largestOf(readCount(field, byDefault), context.autoscaled);
}

/** Adds the pods that a rolling update may start before it stops old ones; none while there are no pods. */
export function withSurge(count: Count, maxSurge: Field, byDefault: number | string): Count {
  if (count.value === 0) return count;
  return addCounts(count, readCountOrPercent(maxSurge, count.value, byDefault));
}

/** @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/ maxSurge: 25%, rounded up, by default */
export const deployment: Counter = (root, context) => {
  const spec = root.get("spec");
  const count = replicas(spec.get("replicas"), 1, context);
  const strategy = spec.get("strategy");
  const rolls = strategy.get("type").value !== "Recreate";
  return times(
    template(spec, context),
    rolls ? withSurge(count, strategy.get("rollingUpdate", "maxSurge"), "25%") : count,
  );
};

/** StatefulSet, ReplicaSet and ReplicationController replace pods only after they have gone. */
export const replicated: Counter = (root, context) => {
  const spec = root.get("spec");
  return times(template(spec, context), replicas(spec.get("replicas"), 1, context));
};

export const pod: Counter = (root, context) => podDemand(root.get("spec"), context);

export const daemonSet: Counter = (root, context) => {
  const spec = root.get("spec");
  const nodes: Count = { value: context.daemonSetNodes, problems: [] };
  return times(template(spec, context), withSurge(nodes, spec.get("updateStrategy", "rollingUpdate", "maxSurge"), 0));
};

export const job: Counter = (root, context) => jobDemand(root.get("spec"), context);

/** Pods of a Job at once: its parallelism, or its completions if those are fewer. */
export function jobDemand(spec: Field, context: CountContext): Demand {
  const parallelism = readCount(spec.get("parallelism"), 1);
  const completions = spec.get("completions");
  const limit = completions.exists ? readCount(completions, 1) : parallelism;
  return times(template(spec, context), {
    value: Math.min(parallelism.value, limit.value),
    problems: [...parallelism.problems, ...(completions.exists ? limit.problems : [])],
  });
}

export const cronJob: Counter = (root, context) => {
  const spec = root.get("spec");
  const policy = spec.get("concurrencyPolicy");
  const demand = jobDemand(spec.get("jobTemplate", "spec"), context);
  if (policy.value === "Forbid" || policy.value === "Replace") return demand;
  const message = "runs of a CronJob may pile up; set concurrencyPolicy to Forbid or Replace";
  return times(demand, unbounded(policy.path, message));
};

/** A ScaledJob of KEDA runs up to maxReplicaCount Jobs; 100 by default. */
export const scaledJob: Counter = (root, context) => {
  const spec = root.get("spec");
  return times(jobDemand(spec.get("jobTargetRef"), context), readCount(spec.get("maxReplicaCount"), 100));
};

/** JobSet: each replicated job runs `replicas` Jobs; 1 by default. */
export const jobSet: Counter = (root, context) => {
  const jobs = root.get("spec", "replicatedJobs");
  if (jobs.isUnknown) return problem("unknown", jobs.path, "the jobs are not known at preview");
  return sum(
    jobs
      .items()
      .map((entry) => times(jobDemand(entry.get("template", "spec"), context), readCount(entry.get("replicas"), 1))),
  );
};

/** LeaderWorkerSet: each replica is a leader and size − 1 workers; the leader is a worker without leaderTemplate. */
export const leaderWorkerSet: Counter = (root, context) => {
  const spec = root.get("spec");
  const group = spec.get("leaderWorkerTemplate");
  const size = readCount(group.get("size"), 1);
  const worker = podDemand(group.get("workerTemplate", "spec"), context);
  const leader = group.get("leaderTemplate").exists ? podDemand(group.get("leaderTemplate", "spec"), context) : worker;
  const groups = withSurge(
    replicas(spec.get("replicas"), 1, context),
    spec.get("rolloutStrategy", "rollingUpdateConfiguration", "maxSurge"),
    0,
  );
  const workers: Count = { value: Math.max(size.value - 1, 0), problems: size.problems };
  return sum([times(leader, groups), times(worker, multiplyCounts(groups, workers))]);
};
