import type { GpuArchitecture } from "./gpus";

/** Names of `vllm serve --quantization` that the stack knows; the config takes these and no others. */
export const quantizationNames = [
  "fp8",
  "awq",
  "gptq",
  "compressed-tensors",
  "mxfp4",
  "modelopt",
  "modelopt_fp4",
  "bitsandbytes",
  "quark",
] as const;

export type QuantizationName = (typeof quantizationNames)[number];

/** A way to store weights. */
export interface Quantization {
  readonly name: QuantizationName;
  /** Bytes of one quantized weight, its share of scales and zero points included. */
  readonly bytes: number;
  /** Which weights are quantized: all linear layers, or those of the routed experts alone. */
  readonly scope: "linear" | "experts";
  /**
   * Sizes that kernels round the experts' matrices up to: [hidden, intermediate]. The MXFP4 kernels need it; without
   * it gpt-oss-120b would come out 5 GiB below what vLLM logs.
   */
  readonly pad?: readonly [number, number];
  /** The model's name says so, and its method may go by another name. */
  readonly isAssumed?: boolean;
}

/** 4 bits a weight, with a 16-bit scale and a 4-bit zero point for each group. */
const fourBits = (group: number): number => 0.5 + 2.5 / group;

/** What `--quantization <name>` stores, with the group sizes that published checkpoints use. */
export const quantizations: Readonly<Record<QuantizationName, Quantization>> = {
  fp8: { name: "fp8", bytes: 1, scope: "linear" },
  awq: { name: "awq", bytes: fourBits(128), scope: "linear" },
  gptq: { name: "gptq", bytes: fourBits(128), scope: "linear" },
  "compressed-tensors": { name: "compressed-tensors", bytes: 1, scope: "linear" },
  mxfp4: { name: "mxfp4", bytes: 0.5 + 1 / 32, scope: "experts", pad: [256, 128] },
  modelopt: { name: "modelopt", bytes: 1, scope: "linear" },
  modelopt_fp4: { name: "modelopt_fp4", bytes: 0.5 + 1 / 16, scope: "linear" },
  bitsandbytes: { name: "bitsandbytes", bytes: 0.5 + 4 / 64, scope: "linear" },
  quark: { name: "quark", bytes: 1, scope: "linear" },
};

/** What a name stores; undefined when it is not known. */
export function quantizationNamed(name: string): Quantization | undefined {
  return quantizationNames.some((known) => known === name) ? quantizations[name as QuantizationName] : undefined;
}

/** Methods by which vLLM quantizes 16-bit weights while it loads them. */
const quantizesWhileLoading: readonly QuantizationName[] = ["fp8", "bitsandbytes"];

/** Methods whose scales must be in the checkpoint: all others. */
export const needsQuantizedCheckpoint: ReadonlySet<string> = new Set(
  quantizationNames.filter((name) => !quantizesWhileLoading.includes(name)),
);

const beforeAda: readonly QuantizationName[] = ["awq", "gptq", "compressed-tensors", "bitsandbytes", "fp8"];
const nvidia: readonly QuantizationName[] = [...beforeAda, "mxfp4", "modelopt_fp4"];
const cdna: readonly QuantizationName[] = ["awq", "gptq", "compressed-tensors", "bitsandbytes", "quark"];

/**
 * Which methods vLLM runs on which generation. Sources: "Supported hardware" in docs.vllm.ai/features/quantization;
 * its FP8 page (compute from Ada and MI300 on; Turing and Ampere keep fp8 weights and compute in 16 bits); the
 * quantization list of vLLM's ROCm platform. 4-bit floats below Blackwell and MI355X are weights only, from Ampere on.
 */
export const supportedQuantization: Readonly<Record<GpuArchitecture, ReadonlySet<string>>> = {
  turing: new Set(beforeAda),
  ampere: new Set(nvidia),
  ada: new Set([...nvidia, "modelopt"]),
  hopper: new Set([...nvidia, "modelopt"]),
  blackwell: new Set([...nvidia, "modelopt"]),
  cdna2: new Set(cdna),
  cdna3: new Set([...cdna, "fp8", "mxfp4"]),
  cdna4: new Set([...cdna, "fp8", "mxfp4"]),
};

/** Bytes of one value of a dtype of `--dtype`. */
export const dtypeBytes: Readonly<Record<string, number>> = { bfloat16: 2, float16: 2, float32: 4 };

/** Whether a generation computes in a dtype: bfloat16 needs compute capability 8.0 (Ampere) or CDNA. */
export function supportsDtype(architecture: GpuArchitecture, dtype: string): boolean {
  return dtype !== "bfloat16" || architecture !== "turing";
}

/** Bytes of one cached value; `auto` is the dtype of the model. */
export function cacheBytes(kvCacheDtype: string, modelBytes: number): number {
  if (kvCacheDtype === "auto") return modelBytes;
  return kvCacheDtype.startsWith("fp8") ? 1 : 2;
}

type Raw = Readonly<Record<string, unknown>>;
const record = (value: unknown): Raw => (typeof value === "object" && value !== null ? (value as Raw) : {});
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

/** Weights that `config_groups` of compressed-tensors describe; experts only when attention is on the ignore list. */
function compressedTensors(config: Raw): Quantization {
  const weights = record(record(Object.values(record(config.config_groups))[0]).weights);
  const bits = number(weights.num_bits) ?? 8;
  const ignored = Array.isArray(config.ignore) ? config.ignore : [];
  const scope = ignored.some((entry) => String(entry).includes("self_attn")) ? "experts" : "linear";
  const bytes = bits === 4 ? 0.5 + 2 / (number(weights.group_size) ?? 128) : bits / 8;
  return { name: "compressed-tensors", bytes, scope };
}

/**
 * The quantization that a checkpoint was stored with, from the `quantization_config` of its config.json.
 *
 * @returns undefined when there is none, or the name of a method that is not known here
 */
export function nativeQuantization(value: unknown): Quantization | string | undefined {
  if (value === undefined || value === null) return undefined;
  const config = record(value);
  // Checkpoints of NVIDIA's Model Optimizer may name their algorithm only.
  const byDefault = config.quant_algo === undefined ? "" : "modelopt";
  const method = (typeof config.quant_method === "string" ? config.quant_method : byDefault).toLowerCase();
  if (method === "compressed-tensors") return compressedTensors(config);
  if (method === "modelopt") {
    return /FP4/i.test(JSON.stringify(config.quant_algo ?? "")) ? quantizations.modelopt_fp4 : quantizations.modelopt;
  }
  const known = quantizationNamed(method);
  const bits = number(config.bits);
  if (known === undefined) return method;
  if ((method === "awq" || method === "gptq") && bits !== undefined) {
    return { ...known, bytes: bits / 8 + (2 + bits / 8) / (number(config.group_size) ?? 128) };
  }
  return known;
}
