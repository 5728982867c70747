import type { CacheLayers, ParameterCounts } from "./architecture";
import type { Family } from "./families";

/** What layers are counted from. */
export interface LayerCounts {
  /** The language model's keys of config.json; keys that the family needs are numbers. */
  readonly text: Readonly<Record<string, number | undefined>>;
  readonly family: Family;
  /** The image encoder's shape. */
  readonly encoder?: { readonly depth: number; readonly hidden: number; readonly intermediate: number };
}

interface AttentionShape {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
}

const value = (text: LayerCounts["text"], key: string, fallback = 0): number =>
  typeof text[key] === "number" ? text[key] : fallback;

function shapeOf({ text }: LayerCounts): AttentionShape {
  const heads = value(text, "num_attention_heads");
  const headDim = value(text, "head_dim", Math.floor(value(text, "hidden_size") / heads));
  return { heads, keyValueHeads: value(text, "num_key_value_heads", heads), headDim };
}

/** Gemma 4 gives the layers with the whole context fewer and wider heads. */
function globalShape(counts: LayerCounts): AttentionShape {
  const shape = shapeOf(counts);
  return {
    heads: shape.heads,
    keyValueHeads: value(counts.text, "num_global_key_value_heads", shape.keyValueHeads),
    headDim: value(counts.text, "global_head_dim", shape.headDim),
  };
}

/** Layers that see the whole context, and what the others do. */
function layerKinds({ text, family }: LayerCounts): { full: number; others: number; window: number } {
  const layers = value(text, "num_hidden_layers");
  if (family.linearAttention === true) {
    const full = Math.floor(layers / value(text, "full_attention_interval"));
    return { full, others: layers - full, window: 0 };
  }
  const types = (text as Readonly<Record<string, unknown>>).layer_types;
  const window = value(text, "sliding_window", value(text, "attention_chunk_size"));
  if (window === 0 || (family.slidingPattern === undefined && family.allSliding !== true && !chunked(text))) {
    return { full: layers, others: 0, window: 0 };
  }
  if (Array.isArray(types)) {
    const full = types.filter((type) => type === "full_attention").length;
    return { full, others: layers - full, window };
  }
  if (family.allSliding === true) return { full: 0, others: layers, window };
  const pattern = value(text, "sliding_window_pattern", family.slidingPattern ?? 4);
  const full = Math.floor(layers / pattern);
  return { full, others: layers - full, window };
}

const chunked = (text: LayerCounts["text"]): boolean => typeof text.attention_chunk_size === "number";

function stateLayers({ text }: LayerCounts, layers: number): CacheLayers {
  const valueHeads = value(text, "linear_num_value_heads");
  const keyDim = value(text, "linear_key_head_dim", 128);
  const keys = value(text, "linear_num_key_heads") * keyDim;
  const values = valueHeads * value(text, "linear_value_head_dim");
  const isFloat32 = (text as Readonly<Record<string, unknown>>).mamba_ssm_dtype === "float32";
  return {
    kind: "state",
    layers,
    convolution: (2 * keys + values) * (value(text, "linear_conv_kernel_dim", 4) - 1),
    recurrent: valueHeads * keyDim * value(text, "linear_value_head_dim"),
    ...(isFloat32 ? { recurrentBytes: 4 } : {}),
  };
}

/** What each kind of layer keeps of a request. */
export function cachesOf(counts: LayerCounts): CacheLayers[] {
  const { text, family } = counts;
  const layers = value(text, "num_hidden_layers");
  if (family.attention === "mla") {
    const width = value(text, "kv_lora_rank") + value(text, "qk_rope_head_dim");
    // The indexer of DeepSeek sparse attention keeps its keys in 8 bits with one 32-bit scale.
    const indexer = value(text, "index_head_dim");
    return [{ kind: "latent", layers, width, indexerBytes: indexer > 0 ? indexer + 4 : 0 }];
  }
  const { full, others, window } = layerKinds(counts);
  const shape = shapeOf(counts);
  const wide = globalShape(counts);
  const caches: CacheLayers[] = [];
  if (full > 0) {
    caches.push({ kind: "full", layers: full, heads: wide.keyValueHeads, headDim: wide.headDim });
  }
  if (others > 0 && family.linearAttention === true) caches.push(stateLayers(counts, others));
  else if (others > 0) {
    caches.push({ kind: "sliding", layers: others, heads: shape.keyValueHeads, headDim: shape.headDim, window });
  }
  return caches;
}

interface Attention {
  readonly total: number;
  readonly replicated: number;
  readonly keyValue: number;
}

function latentAttention({ text }: LayerCounts): Attention {
  const hidden = value(text, "hidden_size");
  const heads = value(text, "num_attention_heads");
  const query = heads * (value(text, "qk_nope_head_dim") + value(text, "qk_rope_head_dim"));
  const queryRank = value(text, "q_lora_rank");
  const rank = value(text, "kv_lora_rank");
  const down = hidden * (queryRank + rank + value(text, "qk_rope_head_dim"));
  const up =
    (queryRank > 0 ? queryRank : hidden) * query +
    rank * heads * (value(text, "qk_nope_head_dim") + value(text, "v_head_dim")) +
    heads * value(text, "v_head_dim") * hidden;
  const indexHeads = value(text, "index_n_heads");
  const indexDim = value(text, "index_head_dim");
  const indexer = queryRank * indexHeads * indexDim + hidden * (indexDim + indexHeads);
  return { total: down + up + indexer, replicated: down + indexer, keyValue: 0 };
}

function groupedAttention(counts: LayerCounts, { heads, keyValueHeads, headDim }: AttentionShape): Attention {
  const hidden = value(counts.text, "hidden_size");
  const gates = counts.family.gatedAttention === true ? 2 : 1;
  const keyValue = 2 * hidden * keyValueHeads * headDim;
  return { total: (1 + gates) * hidden * heads * headDim + keyValue, replicated: 0, keyValue };
}

function linearAttention({ text }: LayerCounts): number {
  const hidden = value(text, "hidden_size");
  const keys = value(text, "linear_num_key_heads") * value(text, "linear_key_head_dim", 128);
  const values = value(text, "linear_num_value_heads") * value(text, "linear_value_head_dim");
  return hidden * (2 * keys + 3 * values + 2 * value(text, "linear_num_value_heads"));
}

function allAttention(counts: LayerCounts): Attention {
  const layers = value(counts.text, "num_hidden_layers");
  if (counts.family.attention === "mla") {
    const one = latentAttention(counts);
    return { total: one.total * layers, replicated: one.replicated * layers, keyValue: 0 };
  }
  const { full, others } = layerKinds(counts);
  const wide = groupedAttention(counts, globalShape(counts));
  const narrow = groupedAttention(counts, shapeOf(counts));
  if (counts.family.linearAttention === true) {
    return {
      total: full * wide.total + others * linearAttention(counts),
      replicated: 0,
      keyValue: full * wide.keyValue,
    };
  }
  const unused = counts.family.sharedKeyValue === true ? (full * wide.keyValue) / 2 : 0;
  return {
    total: full * wide.total + others * narrow.total - unused,
    replicated: 0,
    keyValue: full * wide.keyValue + others * narrow.keyValue,
  };
}

interface FeedForward {
  readonly experts: number;
  readonly dense: number;
  readonly routers: number;
}

/** Whether the model mixes experts: families with small dense members leave the keys out there. */
export function hasExperts({ text, family }: Pick<LayerCounts, "text" | "family">): boolean {
  if (family.experts === undefined) return false;
  return family.experts.optional !== true || family.experts.needs.some((key) => value(text, key) > 0);
}

/** Gate, up and down projection. */
const gated = (hidden: number, intermediate: number): number => 3 * hidden * intermediate;

function feedForward({ text, family }: LayerCounts): FeedForward {
  const hidden = value(text, "hidden_size");
  const layers = value(text, "num_hidden_layers");
  const intermediate = value(text, "intermediate_size");
  if (!hasExperts({ text, family })) return { experts: 0, dense: layers * gated(hidden, intermediate), routers: 0 };
  const experts = family.experts!;
  const width = value(text, experts.intermediate);
  const count = experts.needs.map((key) => value(text, key)).find((found) => found > 0) ?? 0;
  const isLlama4 = chunked(text);
  const sparse = isLlama4
    ? Math.floor(layers / value(text, "interleave_moe_layer_step", 1))
    : layers - value(text, "first_k_dense_replace");
  const shared = isLlama4
    ? width
    : value(text, "shared_expert_intermediate_size", value(text, "n_shared_experts") * width);
  // Gemma 4 runs a dense layer beside the experts in each of its layers.
  const isGemma4 = experts.optional === true;
  const denseLayers = isGemma4 ? layers : layers - sparse;
  const denseWidth = value(text, "intermediate_size_mlp", intermediate);
  return {
    experts: sparse * count * gated(hidden, width),
    dense: denseLayers * gated(hidden, denseWidth) + sparse * gated(hidden, shared),
    routers: sparse * hidden * count,
  };
}

/** Four attention matrices and an MLP a layer, patch embedding and the projector to the language model left out. */
function encoderParameters({ encoder }: LayerCounts): number {
  if (encoder === undefined) return 0;
  return encoder.depth * (4 * encoder.hidden ** 2 + 2 * encoder.hidden * encoder.intermediate);
}

/**
 * Counts parameters from the layers' shapes; norms and biases, below 0.1% together, are left out.
 *
 * @param published the model card's total; what it has beyond the language model counts as the encoder's
 */
export function countParameters(counts: LayerCounts, published?: number): ParameterCounts {
  const { text } = counts;
  const embedding = value(text, "vocab_size") * value(text, "hidden_size");
  const isTied = (text as Readonly<Record<string, unknown>>).tie_word_embeddings === true;
  const output = isTied ? 0 : embedding;
  const attention = allAttention(counts);
  const { experts, dense, routers } = feedForward(counts);
  const language = embedding + output + attention.total + experts + dense + routers;
  const counted = encoderParameters(counts);
  const encoder = counted > 0 && published !== undefined ? Math.max(0, published - language) : counted;
  return {
    total: published ?? language + counted,
    embedding,
    output,
    experts,
    encoder,
    replicated: attention.replicated + routers,
    keyValue: attention.keyValue,
  };
}
