import { fromNumbers, type ArchitectureNumbers, type ModelArchitecture } from "./architecture";
import { badInputs, type BadInput, type Request } from "./badInput";
import { assessFit, type FitReport } from "./fit";
import { findGpu, type GpuDevice } from "./gpuCatalog";
import { hasMemory } from "./gpuMemory";
import { readHfConfig } from "./hfConfig";
import { findModel } from "./modelCatalog";
import { suitsSelector, type Labels } from "./nodeSelector";
import { quantizationNamed } from "./quantization";
import { parseQuantity } from "./quantity";

/** What of a model's config its fit follows from. */
export interface FitModel {
  readonly name: string;
  /** Hugging Face id. */
  readonly model: string;
  readonly image?: string;
  readonly replicas: number;
  /** GPUs of a replica on each of its nodes. */
  readonly gpusPerReplica: number;
  /** Nodes of a replica; 1 when absent. */
  readonly nodesPerReplica?: number;
  readonly gpuVendor: "amd" | "nvidia" | "none";
  /** GPU product that its nodes must have; any when absent. */
  readonly gpuProduct?: string;
  /** Memory that each GPU must have at least, e.g. `80G`. */
  readonly gpuMemory?: string;
  /** Labels that its nodes must have. */
  readonly nodeSelector?: Labels;
  readonly tensorParallelSize: number;
  readonly pipelineParallelSize: number;
  readonly maxModelLen?: number;
  readonly dtype?: string;
  readonly quantization?: string;
  readonly kvCacheDtype?: string;
  readonly gpuMemoryUtilization?: number;
  readonly maxNumSeqs?: number;
  readonly maxNumBatchedTokens?: number;
  readonly extraArgs?: readonly string[];
  /** Path of a config.json, or the model's numbers. */
  readonly architecture?: string | ArchitectureNumbers;
}

/** What of a node the fit of its models follows from. */
export interface FitNode {
  readonly gpus: Readonly<Partial<Record<"amd" | "nvidia", number>>>;
  /** GPU product as the node labeller or the config names it; absent while unknown. */
  readonly product?: string;
  /** Labels of the node; absent while unknown. */
  readonly labels?: Labels;
}

/** Reads a JSON file of the project; throws where it cannot. */
export type ReadJson = (path: string) => unknown;

/** What is known of a model's architecture: it, or why there is none. */
export interface ArchitectureLookup {
  readonly architecture?: ModelArchitecture;
  /** Said where the numbers are not the named model's own, or where there are none. */
  readonly note?: string;
  /** Set where the model's `architecture` key itself is at fault. */
  readonly problem?: string;
}

/** Finds the architecture that a model's config means. Without `readJson`, paths are left unread. */
export function lookUpArchitecture({ model, architecture }: FitModel, readJson?: ReadJson): ArchitectureLookup {
  if (typeof architecture === "object") return { architecture: fromNumbers(architecture) };
  if (architecture !== undefined) {
    if (readJson === undefined) return { note: `${architecture} has not been read` };
    const { architecture: read, missing } = readHfConfig(readJson(architecture));
    return read === undefined ? { problem: missing } : { architecture: read };
  }
  const match = findModel(model);
  if (match === undefined) {
    const note = `${model} is not in the catalogue: set architecture to its config.json to have it checked`;
    return { note };
  }
  return { architecture: match.architecture, note: match.note };
}

/** The release in an image's tag, e.g. `0.33.0` of `vllm/vllm-openai:v0.33.0`; undefined where it does not say. */
export function imageVersion(image: string | undefined): string | undefined {
  return /:v?(\d+\.\d+(\.\d+)?)/.exec(image ?? "")?.[1];
}

/** What a model asks of the engine. */
export function requestOf(model: FitModel): Request {
  return {
    tensorParallelSize: model.tensorParallelSize,
    pipelineParallelSize: model.pipelineParallelSize,
    dtype: model.dtype,
    quantization: undefined,
    quantizationName: model.quantization,
    kvCacheDtype: model.kvCacheDtype,
    maxModelLen: model.maxModelLen,
    gpuMemoryUtilization: model.gpuMemoryUtilization,
    maxNumSeqs: model.maxNumSeqs,
    maxNumBatchedTokens: model.maxNumBatchedTokens,
    vllmVersion: imageVersion(model.image),
  };
}

/**
 * The request with the named quantization. A checkpoint that is stored in it keeps its own numbers, and so does a copy
 * whose method may go by another name.
 */
export function withQuantization(request: Request, { quantization: native }: ModelArchitecture): Request {
  const { quantizationName: name } = request;
  if (name === undefined || native?.name === name || native?.isAssumed === true) return request;
  return { ...request, quantization: quantizationNamed(name) };
}

/** GPUs of one replica, on all its nodes. */
export function replicaGpus({ gpusPerReplica, nodesPerReplica = 1 }: FitModel): number {
  return gpusPerReplica * nodesPerReplica;
}

/** GPUs of the model's vendor on nodes that could hold a replica, or its part on a node; each product once. */
export function candidateGpus(model: FitModel, nodes: readonly FitNode[]): GpuDevice[] {
  const { gpuVendor, gpuProduct, gpuMemory, nodeSelector } = model;
  if (gpuVendor === "none") return [];
  const able = nodes.filter(
    (node) => (node.gpus[gpuVendor] ?? 0) >= model.gpusPerReplica && suitsSelector(nodeSelector, node.labels),
  );
  if (gpuProduct !== undefined) return [findGpu(gpuProduct)].filter((gpu) => gpu !== undefined);
  const products = [...new Set(able.flatMap(({ product }) => (product === undefined ? [] : [product])))];
  return products
    .flatMap((product) => findGpu(product) ?? [])
    .filter((gpu) => gpu.vendor === gpuVendor && (gpuMemory === undefined || hasMemory(gpu, parseQuantity(gpuMemory))));
}

/** What the nodes say about a model. */
export interface ModelFit extends ArchitectureLookup {
  readonly model: FitModel;
  /** The GPU that the report is for: the one on which it fits, the smallest where it fits on several. */
  readonly gpu?: GpuDevice;
  readonly bad: readonly BadInput[];
  readonly report?: FitReport;
}

/** With `--hf-overrides` a config may stretch its rotary embeddings: how far is the user's word. */
function stretched(model: FitModel, architecture: ModelArchitecture): ModelArchitecture {
  const overrides = (model.extraArgs ?? []).some((argument) => /^--hf[-_]overrides/.test(argument));
  if (!overrides) return architecture;
  const maxPositionEmbeddings = Math.max(architecture.maxPositionEmbeddings, model.maxModelLen ?? 0);
  return { ...architecture, maxPositionEmbeddings };
}

/** Judges one model of a stack. What is unknown is noted, and neither guessed nor refused. */
export function fitOfModel(model: FitModel, nodes: readonly FitNode[], readJson?: ReadJson): ModelFit {
  const found = lookUpArchitecture(model, readJson);
  if (found.architecture === undefined || model.gpuVendor === "none") return { ...found, model, bad: [] };
  const architecture = stretched(model, found.architecture);
  const request = withQuantization(requestOf(model), architecture);
  const candidates = candidateGpus(model, nodes).sort((a, b) => a.memoryGiB - b.memoryGiB);
  const general = badInputs(architecture, undefined, request);
  if (candidates.length === 0 || general.length > 0) {
    const note = general.length > 0 ? found.note : "no node tells a GPU product that the catalogue knows";
    return { ...found, note, model, bad: general };
  }
  const judged = candidates.map((gpu) => {
    const bad = badInputs(architecture, gpu, request);
    return { gpu, bad, report: assessFit({ model: architecture, gpu, options: request }) };
  });
  const best = judged.find(({ bad, report }) => bad.length === 0 && report.fits) ?? judged.at(-1)!;
  return { ...found, model, ...best };
}
