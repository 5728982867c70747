import assert from "node:assert/strict";
import { readStackFile } from "../../../components/config/stackFile";
import { placementOf } from "../../../components/serving/placement";
import { stackFile } from "../../../cli/paths";
import { hostNodes } from "../../../cli/simulate/hostNodes";
import { checkOriginal } from "../../../cli/simulate/stackCopy";

interface Node {
  readonly labels: Readonly<Record<string, string>>;
  readonly free: number;
}

interface Demand {
  readonly name: string;
  readonly replicas: number;
  readonly gpus: number;
  readonly selector: Readonly<Record<string, string>>;
}

/**
 * The name of a model of which a replica finds no node, in some order in which the replicas come, on some choice of
 * nodes that the scheduler may make; undefined when there is no such order.
 */
function stuck(demands: readonly Demand[], nodes: readonly Node[], seen = new Set<string>()): string | undefined {
  const state = JSON.stringify([demands.map(({ replicas }) => replicas), nodes.map(({ free }) => free)]);
  if (seen.has(state)) return undefined;
  seen.add(state);
  for (const demand of demands.filter(({ replicas }) => replicas > 0)) {
    const open = nodes.filter(
      ({ labels, free }) =>
        free >= demand.gpus && Object.entries(demand.selector).every(([key, value]) => labels[key] === value),
    );
    if (open.length === 0) return demand.name;
    for (const node of open) {
      const rest = demands.map((one) => (one === demand ? { ...one, replicas: one.replicas - 1 } : one));
      const left = nodes.map((one) => (one === node ? { ...one, free: one.free - demand.gpus } : one));
      const name = stuck(rest, left, seen);
      if (name !== undefined) return name;
    }
  }
  return undefined;
}

describe("Pulumi.prod.yaml on its hosts", () => {
  const { cluster, models } = checkOriginal(readStackFile(stackFile("prod")), "Pulumi.prod.yaml");
  assert.ok(cluster.source === "hosts");
  const nodes = hostNodes(cluster, "amd").nodes.map(({ labels, allocatable }): Node => ({
    labels,
    free: Number(allocatable["amd.com/gpu"]),
  }));
  const demands = models.map((model): Demand => ({
    name: model.name,
    replicas: model.replicas,
    gpus: model.gpusPerReplica,
    selector: placementOf(model).nodeSelector as Record<string, string>,
  }));

  it("has a node for every replica, in whichever order they come and wherever each of them is put", () => {
    assert.equal(stuck(demands, nodes), undefined);
  });

  it("would not have one for the largest model if all of them could go everywhere", () => {
    const everywhere = demands.map((demand) => ({ ...demand, selector: {} }));
    assert.equal(stuck(everywhere, nodes), "deepseek-r1");
  });
});
