import type { ModelArchitecture } from "./architecture";
import type { ResolvedOptions } from "./engine";

/** A lowest and a highest value. */
export type Range = readonly [low: number, high: number];

const GiB = 2 ** 30;

/**
 * What the sampler keeps while it profiles the largest batch, in copies of the logits (requests × vocabulary × 4 B).
 * PyTorch's own sampler sorts and masks: 9.55 copies, on every rank. Fused samplers keep one or two.
 */
const logitsCopies: Range = [1, 9.55];

/** Copies of the hidden states of a step's tokens (tokens × hidden × 2 B). */
const hiddenCopies: Range = [1, 1.35];

/** Bytes that the runtime and its collectives hold outside of PyTorch, in GiB: a base, and more for each doubling of ranks. */
const runtimeBase: Range = [0.02, 0.35];
const runtimePerDoubling: Range = [0.05, 0.85];

/** Since 0.21 start-up logs show 1 to 2 GiB more on small GPUs: captured graphs count before the cache is sized. */
const graphs = { since: 21, bytes: [0.2 * GiB, 2 * GiB] as Range };

/** What an encoder takes for the largest batch of images; nothing where images are switched off. */
const encoderPeak: Range = [0, 2 * GiB];

/** Inputs and outputs of the experts that work on a step's tokens. */
function expertBytes(model: ModelArchitecture, options: ResolvedOptions): number {
  if (model.experts === undefined) return 0;
  const width = model.hiddenSize + (2 * model.experts.intermediateSize) / options.tensorParallelSize;
  return options.maxNumBatchedTokens * model.experts.perToken * width * options.weightBytes;
}

/**
 * Bytes of a GPU that neither weights nor cache get, as a range: activations of the largest step, the sampler, the
 * runtime and its collectives, captured graphs. It depends on the sampler and the kernels that a version chooses, so
 * one number would be a false digit; docs/capacity.md has how often observations lie inside.
 */
export function overheadBytes(model: ModelArchitecture, options: ResolvedOptions): Range {
  const ranks = Math.log2(options.tensorParallelSize * options.pipelineParallelSize * options.dataParallelSize);
  const logits = Math.min(options.maxNumSeqs, options.maxNumBatchedTokens) * model.vocabSize * 4;
  const hidden = options.maxNumBatchedTokens * model.hiddenSize * options.weightBytes;
  const experts = [0, expertBytes(model, options)] as const;
  const bound = (index: 0 | 1): number =>
    logitsCopies[index] * logits +
    hiddenCopies[index] * hidden +
    experts[index] +
    (runtimeBase[index] + runtimePerDoubling[index] * ranks) * GiB +
    (options.minorVersion >= graphs.since ? graphs.bytes[index] : 0) +
    (model.parameters.encoder > 0 ? encoderPeak[index] : 0);
  return [bound(0), bound(1)];
}
