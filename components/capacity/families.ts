/** How the config.json of a model family is to be read. */
export interface Family {
  readonly attention: "grouped" | "mla";
  /** Mixture of experts: which key has an expert's width, and which the number of experts. */
  readonly experts?: {
    readonly intermediate: "intermediate_size" | "moe_intermediate_size";
    readonly needs: readonly string[];
    /** Smaller models of the family have no experts, and leave the keys out. */
    readonly optional?: boolean;
  };
  /** One in so many layers sees the whole context where the config does not say; the others see a window. */
  readonly slidingPattern?: number;
  /** All layers see the window only, when the config has one. */
  readonly allSliding?: boolean;
  /** Layers of linear attention between those of full attention. */
  readonly linearAttention?: boolean;
  /** Queries are projected twice: the second half gates the output. */
  readonly gatedAttention?: boolean;
  /** Layers with the whole context use their keys as values too: one projection for both. */
  readonly sharedKeyValue?: boolean;
  /** Further keys that must be there. */
  readonly needs?: readonly string[];
}

const dense: Family = { attention: "grouped" };

const moe = (count: string, intermediate: "intermediate_size" | "moe_intermediate_size"): Family => ({
  attention: "grouped",
  experts: { intermediate, needs: [count] },
});

const qwenMoe = moe("num_experts", "moe_intermediate_size");
const latentMoe: Family = { ...moe("n_routed_experts", "moe_intermediate_size"), attention: "mla" };
const qwenLinear: Family = {
  ...dense,
  linearAttention: true,
  gatedAttention: true,
  needs: ["full_attention_interval"],
};
const qwenLinearMoe: Family = { ...qwenLinear, ...{ experts: qwenMoe.experts } };
const gemma3: Family = { ...dense, slidingPattern: 6 };
const gemma4: Family = {
  ...gemma3,
  sharedKeyValue: true,
  experts: { intermediate: "moe_intermediate_size", needs: ["num_experts"], optional: true },
};

/** Families by `model_type`, as the models' config.json files spell it. */
export const families: Readonly<Record<string, Family>> = {
  llama: dense,
  llama4_text: moe("num_local_experts", "intermediate_size"),
  mistral: { ...dense, allSliding: true },
  ministral3: dense,
  mixtral: moe("num_local_experts", "intermediate_size"),
  qwen2: dense,
  qwen2_vl: dense,
  qwen2_vl_text: dense,
  qwen2_5_vl: dense,
  qwen2_5_vl_text: dense,
  qwen2_moe: qwenMoe,
  qwen3: dense,
  qwen3_vl_text: dense,
  qwen3_moe: qwenMoe,
  qwen3_vl_moe_text: qwenMoe,
  qwen3_next: qwenLinearMoe,
  qwen3_5_text: qwenLinear,
  qwen3_5_moe_text: qwenLinearMoe,
  gemma2: { ...dense, slidingPattern: 2 },
  gemma3,
  gemma3_text: gemma3,
  gemma4_text: gemma4,
  gpt_oss: { ...moe("num_local_experts", "intermediate_size"), slidingPattern: 2 },
  deepseek_v2: latentMoe,
  deepseek_v3: latentMoe,
  deepseek_v32: latentMoe,
  kimi_k2: latentMoe,
  glm4_moe: moe("n_routed_experts", "moe_intermediate_size"),
  glm_moe_dsa: latentMoe,
  minimax_m2: moe("num_local_experts", "intermediate_size"),
  phi3: dense,
  seed_oss: dense,
  granite: dense,
};
