import type { Quantization } from "./quantization";

/** Parameters of a model by how vLLM stores and splits them. */
export interface ParameterCounts {
  readonly total: number;
  /** The input embedding: vocabulary × hidden. It stays in 16 bits whatever the quantization. */
  readonly embedding: number;
  /** The output layer: as large as the embedding, or 0 when the two are tied. In 16 bits too. */
  readonly output: number;
  /** All routed experts together; 0 when dense. */
  readonly experts: number;
  /** Encoders of images and sound: in 16 bits. */
  readonly encoder: number;
  /** Linear layers that every tensor-parallel rank keeps in full: latent projections and routers. */
  readonly replicated: number;
  /** Projections to keys and values: kept once a head, so replicated where there are more ranks than heads. */
  readonly keyValue: number;
}

/** Layers that keep the keys and values of every token. */
export interface FullCache {
  readonly kind: "full";
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
}

/** Layers that keep only the last tokens. */
export interface SlidingCache {
  readonly kind: "sliding";
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  /** Tokens that a layer looks back. */
  readonly window: number;
}

/** Layers of multi-head latent attention: one vector a token, the same on every rank. */
export interface LatentCache {
  readonly kind: "latent";
  readonly layers: number;
  /** kv_lora_rank + qk_rope_head_dim. */
  readonly width: number;
  /** Bytes a token of a sparse-attention indexer beside it; 0 without one. */
  readonly indexerBytes: number;
}

/** Layers with a state of fixed size a request, whatever its length. */
export interface StateCache {
  readonly kind: "state";
  readonly layers: number;
  /** Values of the convolution's state, in the model's dtype. */
  readonly convolution: number;
  /** Values of the recurrent state. */
  readonly recurrent: number;
  /** Bytes of one of these; the model's dtype when absent. */
  readonly recurrentBytes?: number;
}

export type CacheLayers = FullCache | SlidingCache | LatentCache | StateCache;

/** What the memory of a model follows from. */
export interface ModelArchitecture {
  /** `model_type` of its config.json; `numbers` when the config gives the numbers. */
  readonly family: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly attentionHeads: number;
  /** Width of the rotary embedding of a head. */
  readonly rotaryDim: number;
  readonly maxPositionEmbeddings: number;
  readonly parameters: ParameterCounts;
  readonly caches: readonly CacheLayers[];
  /** Intermediate width of an expert and how many work on a token; absent when dense. */
  readonly experts?: { readonly intermediateSize: number; readonly perToken: number; readonly count: number };
  /** How the published checkpoint is quantized; absent for 16 bits. */
  readonly quantization?: Quantization;
}

/** Numbers of a model as the stack config gives them; the names are those of config.json in camel case. */
export interface ArchitectureNumbers {
  readonly parameters: number;
  readonly numHiddenLayers: number;
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly numAttentionHeads: number;
  /** Defaults to numAttentionHeads. */
  readonly numKeyValueHeads?: number;
  /** Defaults to hiddenSize / numAttentionHeads. */
  readonly headDim?: number;
  readonly maxPositionEmbeddings: number;
  readonly tieWordEmbeddings: boolean;
  readonly expertParameters: number;
  /** Defaults to all. */
  readonly fullAttentionLayers?: number;
  readonly slidingWindow?: number;
  readonly kvLoraRank?: number;
  readonly qkRopeHeadDim?: number;
}

function cachesOf(numbers: ArchitectureNumbers, heads: number, headDim: number): CacheLayers[] {
  const { numHiddenLayers: layers, fullAttentionLayers = layers, slidingWindow } = numbers;
  if (numbers.kvLoraRank !== undefined) {
    const width = numbers.kvLoraRank + (numbers.qkRopeHeadDim ?? 0);
    return [{ kind: "latent", layers: fullAttentionLayers, width, indexerBytes: 0 }];
  }
  const full: CacheLayers = { kind: "full", layers: fullAttentionLayers, heads, headDim };
  const others = layers - fullAttentionLayers;
  if (slidingWindow === undefined || others <= 0) return [full];
  return [full, { kind: "sliding", layers: others, heads, headDim, window: slidingWindow }];
}

/** The architecture that numbers in the stack config describe. */
export function fromNumbers(numbers: ArchitectureNumbers): ModelArchitecture {
  const heads = numbers.numKeyValueHeads ?? numbers.numAttentionHeads;
  const headDim = numbers.headDim ?? Math.floor(numbers.hiddenSize / numbers.numAttentionHeads);
  const embedding = numbers.vocabSize * numbers.hiddenSize;
  return {
    family: "numbers",
    layers: numbers.numHiddenLayers,
    hiddenSize: numbers.hiddenSize,
    vocabSize: numbers.vocabSize,
    attentionHeads: numbers.numAttentionHeads,
    rotaryDim: numbers.qkRopeHeadDim ?? headDim,
    maxPositionEmbeddings: numbers.maxPositionEmbeddings,
    parameters: {
      total: numbers.parameters,
      embedding,
      output: numbers.tieWordEmbeddings ? 0 : embedding,
      experts: numbers.expertParameters,
      encoder: 0,
      replicated: 0,
      keyValue:
        numbers.kvLoraRank === undefined ? 2 * numbers.numHiddenLayers * numbers.hiddenSize * heads * headDim : 0,
    },
    caches: cachesOf(numbers, heads, headDim),
  };
}
