import { z } from "zod";

const huggingFaceId = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/, "a Hugging Face id such as Qwen/Qwen3-8B");

const adapterName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]*$/, "letters, digits, '-', '_' and '.', starting with a letter or digit")
  .describe("Name that clients call the adapter by, as if it were a model");

/** LoRA adapters of one model. */
export const lorasSchema = z
  .array(
    z.union([
      z.strictObject({
        name: adapterName,
        path: z
          .string()
          .regex(/^\/models\/[^\s=]+$/, "a path under /models, where the cache volume is mounted")
          .describe("Directory of the adapter on the cache volume, e.g. /models/adapters/support"),
      }),
      z.strictObject({ name: adapterName, id: huggingFaceId.describe("Hugging Face id of the adapter") }),
    ]),
  )
  .min(1, "a list of at least one adapter")
  .describe("LoRA adapters that are served beside the model, each under a name of its own");

/** Speculative decoding; the methods are those of `vllm serve --speculative-config`. */
export const speculativeSchema = z
  .strictObject({
    method: z
      .enum(["ngram", "eagle", "eagle3", "mtp", "medusa", "draft_model"])
      .describe("How tokens are guessed: from the prompt (ngram), by layers of the model (mtp) or by a draft model"),
    model: huggingFaceId.optional().describe("Hugging Face id of the draft model; not for ngram and mtp"),
    revision: z.string().min(1).optional().describe("Branch, tag or commit of the draft model's repository"),
    numSpeculativeTokens: z.int().min(1).max(64).describe("Tokens that are guessed at a time"),
    promptLookupMax: z.int().min(1).optional().describe("Longest run of tokens that ngram looks up in the prompt"),
  })
  .describe("Speculative decoding");

/** Names as `vllm serve --runner` and `--convert` take them. */
export const engineRunner = z.enum(["auto", "generate", "pooling"]);
export const engineConvert = z.enum(["auto", "none", "embed", "classify"]);

export type LoraConfig = z.output<typeof lorasSchema>[number];
export type SpeculativeConfig = z.output<typeof speculativeSchema>;
