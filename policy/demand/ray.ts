import { problem, sum, times, type Count, type Demand } from "./demand";
import type { Field } from "./field";
import { podDemand } from "./pod";
import { largestOf, multiplyCounts, readCount, unbounded } from "./quantity";
import type { CountContext, Counter } from "./workloads";

export const rayCluster: Counter = (root, context) => clusterDemand(root.get("spec"), context);

/** A RayService upgrades by a second cluster beside the first, unless its upgrade strategy is None. */
export const rayService: Counter = (root, context) => {
  const spec = root.get("spec");
  const cluster = clusterDemand(spec.get("rayClusterConfig"), context);
  const upgrades = spec.get("upgradeStrategy", "type").value !== "None";
  return times(cluster, { value: upgrades ? 2 : 1, problems: [] });
};

export const rayJob: Counter = (root, context) => {
  const spec = root.get("spec");
  const submitter = podDemand(spec.get("submitterPodTemplate", "spec"), context);
  return sum([clusterDemand(spec.get("rayClusterSpec"), context), submitter]);
};

/** The head and every worker group at its maximum, as the autoscaler of Ray may run it. */
function clusterDemand(cluster: Field, context: CountContext): Demand {
  if (cluster.isUnknown) return problem("unknown", cluster.path, "the Ray cluster is not known at preview");
  const head = podDemand(cluster.get("headGroupSpec", "template", "spec"), context);
  const autoscaling = cluster.get("enableInTreeAutoscaling");
  const groups = cluster.get("workerGroupSpecs");
  if (groups.isUnknown) return problem("unknown", groups.path, "the worker groups are not known at preview");
  const workers = groups.items().map((group) => {
    const hosts = readCount(group.get("numOfHosts"), 1);
    const count = multiplyCounts(workerCount(group, autoscaling), hosts);
    return times(podDemand(group.get("template", "spec"), context), count);
  });
  return sum([head, ...workers]);
}

function workerCount(group: Field, autoscaling: Field): Count {
  const maximum = group.get("maxReplicas");
  if (!maximum.exists && (autoscaling.value === true || autoscaling.isUnknown)) {
    return unbounded(maximum.path, "with enableInTreeAutoscaling a worker group without maxReplicas has no limit");
  }
  return largestOf(readCount(maximum, 0), readCount(group.get("replicas"), 0), readCount(group.get("minReplicas"), 0));
}
