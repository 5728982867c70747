import type { ModelArchitecture } from "./architecture";
import { readHfConfig } from "./hfConfig";
import deepseek from "./models/deepseek.json";
import gemma from "./models/gemma.json";
import glm from "./models/glm.json";
import llama from "./models/llama.json";
import mistral from "./models/mistral.json";
import moonshot from "./models/moonshot.json";
import openai from "./models/openai.json";
import other from "./models/other.json";
import qwen from "./models/qwen.json";
import qwen2 from "./models/qwen2.json";
import { quantizations, type Quantization } from "./quantization";

/** One entry of the files under `models/`: models that share their numbers. */
export interface CatalogEntry {
  /** Hugging Face ids. */
  readonly ids: readonly string[];
  /** Parameters that the model card states, in total. */
  readonly parameters: number;
  /** Parameters that work on one token, for a mixture of experts. */
  readonly activeParameters?: number;
  /** Where the numbers were read. */
  readonly source: string;
  /** The keys of its config.json that memory follows from. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** All models whose numbers are known. */
export const catalog: readonly CatalogEntry[] = [
  deepseek,
  gemma,
  glm,
  llama,
  mistral,
  moonshot,
  openai,
  other,
  qwen,
  qwen2,
].flat();

/** A model that was found, and as what. */
export interface CatalogMatch {
  readonly architecture: ModelArchitecture;
  readonly id: string;
  /** Said when the numbers are those of the model that a quantized copy names. */
  readonly note?: string;
}

/** Ids of all known models. */
export const modelIds = (): string[] => catalog.flatMap(({ ids }) => ids);

/** Endings under which quantized copies of a model are published, and what they mean. */
const copies: readonly (readonly [RegExp, Quantization])[] = [
  [/-FP8(-dynamic|-block|-static)?$/i, quantizations.fp8],
  [/-quantized\.w8a8$/i, { name: "compressed-tensors", bytes: 1, scope: "linear" }],
  [/(-quantized|[-.])\.?w4a16$/i, { name: "compressed-tensors", bytes: 0.5 + 2 / 128, scope: "linear" }],
  [/-AWQ(-INT4)?$/i, quantizations.awq],
  [/-GPTQ-Int4$/i, quantizations.gptq],
  [/-GPTQ-Int8$/i, { name: "gptq", bytes: 1 + 3 / 128, scope: "linear" }],
  [/-NVFP4$/i, quantizations.modelopt_fp4],
];

function entryArchitecture({ config, parameters, ids }: CatalogEntry): ModelArchitecture {
  const { architecture, missing } = readHfConfig(config, parameters);
  if (architecture === undefined) throw new Error(`The catalogue's entry of ${ids[0]} is broken: ${missing}`);
  return architecture;
}

const repository = (id: string): string => id.slice(id.indexOf("/") + 1).toLowerCase();

/**
 * Finds a model by its Hugging Face id. A quantized copy, by whomever, has the numbers of the model that it names:
 * `RedHatAI/Qwen3-32B-quantized.w4a16` those of `Qwen/Qwen3-32B` with 4-bit weights.
 */
export function findModel(id: string): CatalogMatch | undefined {
  const exact = catalog.find(({ ids }) => ids.includes(id));
  if (exact) return { architecture: entryArchitecture(exact), id };
  for (const [ending, quantization] of copies) {
    const name = repository(id).replace(ending, "");
    if (name === repository(id)) continue;
    const original = catalog.flatMap(({ ids }) => ids).find((known) => repository(known) === name);
    const entry = original === undefined ? undefined : catalog.find(({ ids }) => ids.includes(original));
    if (original === undefined || entry === undefined) continue;
    const note = `${id} is taken as ${original} with ${quantization.name} weights, as its name says`;
    return {
      architecture: { ...entryArchitecture(entry), quantization: { ...quantization, isAssumed: true } },
      id: original,
      note,
    };
  }
  return undefined;
}
