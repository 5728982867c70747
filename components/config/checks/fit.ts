import { gib } from "../../capacity/fit";
import { fitOfModel, lookUpArchitecture, replicaGpus, type ModelFit, type ReadJson } from "../../capacity/modelFit";
import { parseQuantity } from "../../capacity/quantity";
import { configuredNodes, type NodeCapacity } from "../nodes";
import type { Path } from "../paths";
import type { ModelConfig } from "../schema/model";
import type { Check, CheckContext, CheckProblem } from "./context";

/** A process of vLLM without weights: Python, PyTorch and a GPU context. */
const processBytes = 2 * 2 ** 30;

/** A file of weights, of which one is held while it is read: Hugging Face splits checkpoints at 5 GB. */
const shardBytes = 5e9;

/** The pod's memory limit covers /dev/shm, a process a GPU beside the server's, and a file of weights. */
function memoryProblems(
  model: ModelConfig,
  at: (...keys: string[]) => Path,
  { problem }: CheckContext,
): CheckProblem[] {
  if (model.gpusPerReplica === 0) return [];
  const { memory, sharedMemory } = model.resources;
  const shared = parseQuantity(sharedMemory);
  const weights = (lookUpArchitecture(model).architecture?.parameters.total ?? Infinity) * 2;
  const processes = model.gpusPerReplica + 1;
  // Each process streams its part from a bucket itself; of files on a volume, one is read at a time.
  const files = model.weights?.type === "s3" ? model.gpusPerReplica : 1;
  const needed = shared + processes * processBytes + files * Math.min(shardBytes, weights);
  // Above its limit /dev/shm has a check of its own.
  if (parseQuantity(memory) >= needed || shared > parseQuantity(memory)) return [];
  const parts = `sharedMemory ${sharedMemory}, ${processes} processes of 2Gi and ${files === 1 ? "a file" : `${files} files`} of weights`;
  const allowed = `at least ${Math.ceil(needed / 2 ** 30)}Gi: ${parts} are counted in it`;
  const basis = [at("resources", "sharedMemory"), at("gpusPerReplica")];
  return [problem(at("resources", "memory"), allowed, "raise it, or lower sharedMemory", basis)];
}

/** Refuses a model that does not fit: the numbers, and the smallest changes that would make it. */
function misfit({ report, gpu }: ModelFit, at: (...keys: string[]) => Path, { problem }: CheckContext): CheckProblem[] {
  if (report === undefined || gpu === undefined || report.fits) return [];
  const request = gib(report.requestGiBPerGpu);
  const allowed =
    `a model that fits ${gpu.name}: ${report.reasons.join("; ")}` +
    (report.reasons.length > 1 ? "" : ` (${request} for a request)`);
  const changes = report.suggestions.map(({ text }) => text);
  const next = changes.length > 0 ? `change one: ${changes.join(", or ")}` : "use more GPUs, or a smaller model";
  return [problem(at("model"), allowed, next, [["cluster"], at()])];
}

function read(model: ModelConfig, nodes: readonly NodeCapacity[], readJson?: ReadJson): ModelFit {
  try {
    return fitOfModel(model, nodes, readJson);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { model, bad: [], problem: `it cannot be read (${reason})` };
  }
}

function modelProblems(
  context: CheckContext,
  index: number,
  nodes: readonly NodeCapacity[],
  readJson?: ReadJson,
): CheckProblem[] {
  const model = context.models[index]!;
  const at = (...keys: string[]): Path => ["models", index, ...keys];
  // Which GPUs share what is another check's matter first.
  const ranks = model.tensorParallelSize * model.pipelineParallelSize;
  if (model.gpusPerReplica > 0 && ranks !== replicaGpus(model)) return [];
  const fit = read(model, nodes, readJson);
  if (fit.problem !== undefined) {
    const allowed = `the config.json of a model; ${fit.problem}`;
    return [context.problem(at("architecture"), allowed, "correct the path, or give the numbers", [at()])];
  }
  const basis: Path[] = [at(), ["cluster"]];
  const bad = fit.bad.map(({ key, allowed, next }) => context.problem(at(key), allowed, next, basis));
  return [...memoryProblems(model, at, context), ...(bad.length > 0 ? bad : misfit(fit, at, context))];
}

/**
 * Models that the nodes' GPUs cannot hold, or that vLLM would refuse to start on them. Models and GPUs that are not in
 * the catalogues are left alone.
 *
 * @param nodes capacities, one for each node or for each kind of node
 * @param readJson reads the config.json that a model's `architecture` names; without it these models are left out
 */
export function fitProblems(
  context: CheckContext,
  nodes: readonly NodeCapacity[],
  readJson?: ReadJson,
): CheckProblem[] {
  return context.models.flatMap((_, index) => modelProblems(context, index, nodes, readJson));
}

/** Models fit the GPUs that the config describes. */
export const checkFit: Check = (context) =>
  fitProblems(context, configuredNodes(context.config.cluster, context.config.gpu) ?? []);
