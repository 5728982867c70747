import type { ModelArchitecture } from "./architecture";
import type { ResolvedOptions } from "./engine";
import type { Quantization } from "./quantization";

/** Size of a routed expert's matrices after the kernels' rounding, relative to before. */
function padding(model: ModelArchitecture, quantization: Quantization): number {
  if (quantization.pad === undefined || model.experts === undefined) return 1;
  const [hidden, intermediate] = quantization.pad;
  const up = (size: number, multiple: number): number => (Math.ceil(size / multiple) * multiple) / size;
  return up(model.hiddenSize, hidden) * up(model.experts.intermediateSize, intermediate);
}

interface LayerBytes {
  readonly experts: number;
  readonly split: number;
  readonly replicated: number;
}

function layerBytes(model: ModelArchitecture, options: ResolvedOptions): LayerBytes {
  const { quantization, weightBytes, tensorParallelSize } = options;
  const { total, embedding, output, experts, encoder, replicated, keyValue } = model.parameters;
  const expertBytes = quantization === undefined ? weightBytes : quantization.bytes * padding(model, quantization);
  const linearBytes = quantization?.scope === "linear" ? quantization.bytes : weightBytes;
  const heads = Math.min(...model.caches.map((cache) => ("heads" in cache ? cache.heads : Infinity)));
  // A rank keeps at least one head of keys and values.
  const copies = Number.isFinite(heads) ? Math.max(1, tensorParallelSize / heads) : 1;
  const linear = total - embedding - output - experts - encoder - replicated + keyValue * (copies - 1);
  return { experts: experts * expertBytes, split: linear * linearBytes, replicated: replicated * linearBytes };
}

/**
 * Bytes of weights on the GPU that has most of them.
 *
 * Layers are split over tensor-parallel ranks and pipeline stages; the first stage has the embedding and the encoder,
 * the last the output layer. Routed experts are split over data-parallel copies as well. Beside the weights vLLM keeps
 * a table of rotary embeddings: one row of sines and cosines for each position.
 */
export function weightBytesPerGpu(model: ModelArchitecture, options: ResolvedOptions): number {
  const { tensorParallelSize, pipelineParallelSize, dataParallelSize, weightBytes } = options;
  const layers = layerBytes(model, options);
  const share = Math.ceil(model.layers / pipelineParallelSize) / model.layers;
  const { embedding, output, encoder } = model.parameters;
  const first = embedding + encoder;
  const ends = pipelineParallelSize === 1 ? first + output : Math.max(first, output);
  const rotaryTable = Math.max(model.maxPositionEmbeddings, options.maxModelLen) * model.rotaryDim * weightBytes;
  return (
    share * (layers.experts / (tensorParallelSize * dataParallelSize) + layers.split / tensorParallelSize) +
    share * layers.replicated +
    (ends * weightBytes) / tensorParallelSize +
    rotaryTable
  );
}
