import type { Path } from "../paths";
import type { Check } from "./context";

/** One GPU a rank: tensor × pipeline parallel size is the number of GPUs of a replica, on all its nodes. */
export const checkParallelism: Check = ({ config, problem }) =>
  config.models.flatMap((model, index) => {
    const { gpusPerReplica, nodesPerReplica = 1, pipelineParallelSize, tensorParallelSize } = model;
    const gpus = gpusPerReplica * nodesPerReplica;
    const named = nodesPerReplica === 1 ? "gpusPerReplica" : "gpusPerReplica × nodesPerReplica";
    const at = (key: string): Path => ["models", index, key];
    const basis = [at("gpusPerReplica"), at("nodesPerReplica"), at("pipelineParallelSize"), at("tensorParallelSize")];
    if (tensorParallelSize === undefined) {
      if (gpusPerReplica === 0 ? pipelineParallelSize === 1 : gpus % pipelineParallelSize === 0) return [];
      const allowed = `a divisor of ${named} ${gpus}`;
      const next = "change it, or set tensorParallelSize and gpusPerReplica to match";
      return [problem(at("pipelineParallelSize"), gpusPerReplica === 0 ? "1 on CPU" : allowed, next, basis)];
    }
    // A CPU replica has one rank for each NUMA node, whatever their number.
    if (gpusPerReplica === 0 || tensorParallelSize * pipelineParallelSize === gpus) return [];
    const product = `${tensorParallelSize} × ${pipelineParallelSize} = ${tensorParallelSize * pipelineParallelSize}`;
    const allowed = `tensorParallelSize × pipelineParallelSize equal to ${named}; ${product} is not ${gpus}`;
    return [problem(at("tensorParallelSize"), allowed, "leave it out, or set gpusPerReplica to the product", basis)];
  });
