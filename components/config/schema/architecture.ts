import { z } from "zod";

const count = z.int().min(1);

/** The numbers of a model that its memory follows from; the names are those of its `config.json` in camel case. */
const numbers = z
  .strictObject({
    parameters: count.describe("Parameters in total, e.g. 8190735360"),
    numHiddenLayers: count.describe("Layers"),
    hiddenSize: count.describe("Width of a layer"),
    vocabSize: count.describe("Tokens of the vocabulary"),
    numAttentionHeads: count.describe("Attention heads"),
    numKeyValueHeads: count.optional().describe("Key and value heads; numAttentionHeads by default"),
    headDim: count.optional().describe("Width of a head; hiddenSize / numAttentionHeads by default"),
    maxPositionEmbeddings: count.describe("Longest context that the model was made for, in tokens"),
    tieWordEmbeddings: z.boolean().default(false).describe("Whether the output layer is the input embedding"),
    expertParameters: z.int().min(0).default(0).describe("Parameters of all routed experts together; 0 when dense"),
    fullAttentionLayers: z.int().min(0).optional().describe("Layers that see the whole context; all by default"),
    slidingWindow: count.optional().describe("Window of the other layers, in tokens; they keep no cache without it"),
    kvLoraRank: count.optional().describe("Rank of the latent cache of multi-head latent attention"),
    qkRopeHeadDim: count.optional().describe("Width of the rotary part of that cache; needed with kvLoraRank"),
  })
  .refine(({ kvLoraRank, qkRopeHeadDim }) => (kvLoraRank === undefined) === (qkRopeHeadDim === undefined), {
    message: "kvLoraRank and qkRopeHeadDim together, or neither",
  })
  .describe("The model's numbers");

/** Where the numbers of a model come from that the catalogue does not know. */
export const architectureSchema = z
  .union([z.string().min(1).describe("Path of the model's config.json, relative to the project"), numbers])
  .describe("The model's config.json, or its numbers; needed where docs/capacity.md does not list the model");

export type ArchitectureNumbers = z.output<typeof numbers>;
