import { parseQuantity } from "../../capacity/quantity";
import type { Path } from "../paths";
import type { ModelConfig } from "../schema/model";
import type { Check, CheckContext, CheckProblem } from "./context";

interface Demand {
  /** Key of the quota in a namespace. */
  readonly quota: "gpuQuota" | "cpuQuota" | "memoryQuota";
  /** Key of what one replica takes, in a model. */
  readonly perReplica: Path;
  readonly unit: string;
  readonly read: (model: ModelConfig) => number;
  readonly show: (amount: number) => string;
}

const demands: readonly Demand[] = [
  {
    quota: "gpuQuota",
    perReplica: ["gpusPerReplica"],
    unit: "GPUs",
    read: (model) => model.gpusPerReplica,
    show: String,
  },
  {
    quota: "cpuQuota",
    perReplica: ["resources", "cpu"],
    unit: "CPUs",
    read: (model) => parseQuantity(model.resources.cpu),
    show: String,
  },
  {
    quota: "memoryQuota",
    perReplica: ["resources", "memory"],
    unit: "of memory",
    read: (model) => parseQuantity(model.resources.memory),
    show: (bytes) => `${Math.ceil(bytes / 2 ** 30)}Gi`,
  },
];

/** A replica is a pod on each of its nodes. */
const podsOf = ({ replicas, nodesPerReplica = 1 }: ModelConfig): number => replicas * nodesPerReplica;

function shortfall(context: CheckContext, index: number, demand: Demand): CheckProblem[] {
  const { config, models, problem } = context;
  const namespace = config.namespaces[index]!;
  const quota = namespace[demand.quota];
  if (quota === undefined) return [];
  const asking = models.flatMap((model, position) => {
    const amount = podsOf(model) * demand.read(model);
    return model.namespace === namespace.name && amount > 0 ? [{ model, position, amount }] : [];
  });
  const sum = asking.reduce((total, { amount }) => total + amount, 0);
  if (sum <= parseQuantity(quota)) return [];
  const parts = asking.map(
    ({ model, amount }) => `${model.name} ${podsOf(model)} × ${demand.show(amount / podsOf(model))}`,
  );
  const allowed = `at least ${demand.show(sum)} ${demand.unit}, which the models of ${namespace.name} ask for (${parts.join(", ")})`;
  const basis = asking.flatMap(({ position }): Path[] => [
    ["models", position, "replicas"],
    ["models", position, "nodesPerReplica"],
    ["models", position, "namespace"],
    ["models", position, ...demand.perReplica],
  ]);
  const path: Path = ["namespaces", index, demand.quota];
  return [problem(path, allowed, "raise the quota, or lower replicas", [["namespaces", index, "name"], ...basis])];
}

/** What the models of a namespace ask for in sum stays within its quotas. */
export const checkQuotas: Check = (context) =>
  context.config.namespaces.flatMap((_, index) => demands.flatMap((demand) => shortfall(context, index, demand)));
