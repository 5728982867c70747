import type { ModelArchitecture } from "./architecture";
import { families, type Family } from "./families";
import { cachesOf, countParameters, hasExperts, type LayerCounts } from "./layers";
import { nativeQuantization } from "./quantization";

/** Either the architecture that a config.json describes, or why it cannot be read. */
export type ConfigReading =
  | { readonly architecture: ModelArchitecture; readonly missing?: undefined }
  | { readonly architecture?: undefined; readonly missing: string };

type Raw = Readonly<Record<string, unknown>>;

function object(value: unknown): Raw | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : undefined;
}

/**
 * The language model's part of a config: multimodal models nest it as `text_config` (or `llm_config`), and what is
 * left out there holds from outside.
 */
function textConfig(config: Raw): Raw {
  const nested = object(config.text_config) ?? object(config.llm_config);
  if (nested === undefined) return config;
  const quantization = nested.quantization_config ?? config.quantization_config;
  const tie = nested.tie_word_embeddings ?? config.tie_word_embeddings;
  return { ...nested, quantization_config: quantization, tie_word_embeddings: tie };
}

const everyFamily = [
  "hidden_size",
  "num_hidden_layers",
  "num_attention_heads",
  "vocab_size",
  "max_position_embeddings",
];

function missingKeys(text: Raw, family: Family): string[] {
  const needed = [
    ...everyFamily,
    ...(family.attention === "mla" ? ["kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim"] : []),
    ...(family.experts === undefined || !hasExperts({ text: text as LayerCounts["text"], family })
      ? ["intermediate_size"]
      : [family.experts.intermediate, ...family.experts.needs]),
    ...(family.linearAttention === true ? ["linear_num_value_heads", "linear_value_head_dim"] : []),
    ...(family.needs ?? []),
  ];
  return needed.filter((key) => typeof text[key] !== "number");
}

function encoderConfig(config: Raw): LayerCounts["encoder"] {
  const vision = object(config.vision_config);
  if (vision === undefined) return undefined;
  const read = (...keys: string[]): number | undefined => keys.map((key) => vision[key]).find(isNumber);
  const depth = read("depth", "num_hidden_layers", "vt_num_hidden_layers");
  const hidden = read("hidden_size", "vt_hidden_size", "embed_dim");
  if (depth === undefined || hidden === undefined) return undefined;
  const intermediate = read("intermediate_size", "vt_intermediate_size") ?? hidden * (read("mlp_ratio") ?? 4);
  return { depth, hidden, intermediate };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

/**
 * Reads a Hugging Face config.json.
 *
 * A family that is not known, a key that is missing or a quantization that is not known is said, never guessed.
 *
 * @param publishedParameters parameters that the model card states; counted from the layers when absent
 */
export function readHfConfig(value: unknown, publishedParameters?: number): ConfigReading {
  const config = object(value);
  if (config === undefined) return { missing: "it is no JSON object" };
  const text = textConfig(config);
  const named = text.model_type ?? config.model_type;
  const type = typeof named === "string" ? named : "";
  const family = families[type];
  if (family === undefined) {
    const known = Object.keys(families).join(", ");
    return { missing: `its model_type ${JSON.stringify(type)} is none that is known here: ${known}` };
  }
  const missing = missingKeys(text, family);
  if (missing.length > 0) return { missing: `it lacks ${missing.join(", ")}, which ${type} needs` };
  const quantization = nativeQuantization(text.quantization_config ?? config.quantization_config);
  if (typeof quantization === "string") {
    return { missing: `its quantization method ${JSON.stringify(quantization)} is none that is known here` };
  }
  const counts: LayerCounts = {
    text: text as Readonly<Record<string, number>>,
    family,
    encoder: encoderConfig(config),
  };
  return { architecture: { ...describe(type, counts, publishedParameters), quantization } };
}

function describe(type: string, counts: LayerCounts, published: number | undefined): ModelArchitecture {
  const { text, family } = counts;
  const get = (key: string): number => text[key]!;
  const headDim = text.head_dim ?? Math.floor(get("hidden_size") / get("num_attention_heads"));
  const experts = hasExperts(counts) ? family.experts : undefined;
  const count = experts && experts.needs.map((key) => text[key]).find(isNumber);
  return {
    family: type,
    layers: get("num_hidden_layers"),
    hiddenSize: get("hidden_size"),
    vocabSize: get("vocab_size"),
    attentionHeads: get("num_attention_heads"),
    rotaryDim: family.attention === "mla" ? get("qk_rope_head_dim") : headDim,
    maxPositionEmbeddings: get("max_position_embeddings"),
    parameters: countParameters(counts, published),
    caches: cachesOf(counts),
    ...(experts && count !== undefined
      ? {
          experts: {
            intermediateSize: get(experts.intermediate),
            perToken: text.num_experts_per_tok ?? text.top_k_experts ?? 1,
            count,
          },
        }
      : {}),
  };
}
