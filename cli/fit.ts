import * as fs from "node:fs";
import { parseArgs } from "node:util";
import type { ModelArchitecture } from "../components/capacity/architecture";
import { badInputs, type Request } from "../components/capacity/badInput";
import { minorVersion } from "../components/capacity/engine";
import { assessFit, type FitReport } from "../components/capacity/fit";
import { findGpu, gpuNames, type GpuDevice } from "../components/capacity/gpuCatalog";
import { readHfConfig } from "../components/capacity/hfConfig";
import { findModel, modelIds } from "../components/capacity/modelCatalog";
import { withQuantization } from "../components/capacity/modelFit";
import { needsQuantizedCheckpoint } from "../components/capacity/quantization";
import { nearest } from "../components/config/nearest";
import { engineDtype, engineKvCacheDtype, engineQuantization } from "../components/config/schema/model";

/** Exit codes: it fits, it does not, the question cannot be answered. */
const exitCodes = { fits: 0, doesNotFit: 1, badInput: 2 };

const usage = `npm run --silent fit -- --model <Hugging Face id or path of a config.json> --gpu <name>
  [--tp <GPUs that share a layer>] [--pp <stages>] [--dtype <${engineDtype.options.join("|")}>]
  [--quantization <${engineQuantization.options.join("|")}>]
  [--kv-cache-dtype <${engineKvCacheDtype.options.join("|")}>] [--max-model-len <tokens>]
  [--gpu-memory-utilization <0 to 1>] [--max-num-seqs <requests>] [--max-num-batched-tokens <tokens>]
  [--vllm-version <release>] [--json]`;

/** A question that has no answer, told without a stack trace. */
class BadInputError extends Error {}

const help = "npm run --silent fit -- --help lists the options.";

const options = {
  model: { type: "string" },
  gpu: { type: "string" },
  tp: { type: "string" },
  pp: { type: "string" },
  dtype: { type: "string" },
  quantization: { type: "string" },
  "kv-cache-dtype": { type: "string" },
  "max-model-len": { type: "string" },
  "gpu-memory-utilization": { type: "string" },
  "max-num-seqs": { type: "string" },
  "max-num-batched-tokens": { type: "string" },
  "vllm-version": { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parse>;

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const unknown = /'(--[\w-]+)/.exec(message)?.[1];
    const near = unknown === undefined ? undefined : nearest(unknown.slice(2), Object.keys(options));
    throw new BadInputError(`${message.replace(/\.?$/, ".")}${near === undefined ? "" : ` Did you mean --${near}?`}`, {
      cause: error,
    });
  }
}

function count(values: Values, name: "tp" | "pp" | "max-model-len" | "max-num-seqs" | "max-num-batched-tokens") {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new BadInputError(`--${name}: ${text} is no whole number above 0.`);
  return Number(text);
}

function oneOf(values: Values, name: "dtype" | "quantization" | "kv-cache-dtype", allowed: readonly string[]) {
  const text = values[name];
  if (text === undefined || allowed.includes(text)) return text;
  const near = nearest(text, allowed);
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  throw new BadInputError(`--${name}: ${text} is none of ${allowed.join(", ")}.${hint}`);
}

function utilization(values: Values): number | undefined {
  const text = values["gpu-memory-utilization"];
  if (text === undefined) return undefined;
  const share = Number(text);
  if (text.trim() !== "" && share > 0 && share <= 1) return share;
  throw new BadInputError(`--gpu-memory-utilization: ${text} is no number above 0 and at most 1.`);
}

function version(values: Values): string | undefined {
  const text = values["vllm-version"];
  if (text === undefined || minorVersion(text) !== undefined) return text;
  throw new BadInputError(`--vllm-version: ${text} is no release such as 0.33.0.`);
}

function readConfigFile(file: string): ModelArchitecture {
  let content: unknown;
  try {
    content = JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BadInputError(`--model: ${file} cannot be read as a config.json: ${reason}.`, { cause: error });
  }
  const { architecture, missing } = readHfConfig(content);
  if (architecture === undefined) throw new BadInputError(`--model: ${file} cannot be judged: ${missing}.`);
  return architecture;
}

function modelOf(values: Values): { readonly architecture: ModelArchitecture; readonly note?: string } {
  const { model } = values;
  if (model === undefined) throw new BadInputError("--model is missing.");
  const match = findModel(model);
  if (match !== undefined) return match;
  if (fs.existsSync(model) || model.endsWith(".json")) return { architecture: readConfigFile(model) };
  const near = nearest(model, modelIds());
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  throw new BadInputError(
    `--model: ${model} is not in the catalogue, and no file.${hint} Give the path of its config.json instead.`,
  );
}

function gpuOf({ gpu }: Values): GpuDevice {
  if (gpu === undefined) throw new BadInputError("--gpu is missing.");
  const found = findGpu(gpu);
  if (found !== undefined) return found;
  const near = nearest(gpu, gpuNames());
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  const known = gpuNames().filter((name) => !name.includes(":"));
  throw new BadInputError(`--gpu: ${gpu} is not in the catalogue: ${known.join(", ")}.${hint}`);
}

function requestOf(values: Values): Request {
  return {
    tensorParallelSize: count(values, "tp"),
    pipelineParallelSize: count(values, "pp"),
    dtype: oneOf(values, "dtype", engineDtype.options),
    quantizationName: oneOf(values, "quantization", engineQuantization.options),
    kvCacheDtype: oneOf(values, "kv-cache-dtype", engineKvCacheDtype.options),
    maxModelLen: count(values, "max-model-len"),
    gpuMemoryUtilization: utilization(values),
    maxNumSeqs: count(values, "max-num-seqs"),
    maxNumBatchedTokens: count(values, "max-num-batched-tokens"),
    vllmVersion: version(values),
  };
}

/** Flags of this command by the names of the stack config. */
const flags: Readonly<Record<string, string>> = {
  tensorParallelSize: "--tp",
  pipelineParallelSize: "--pp",
  maxModelLen: "--max-model-len",
  dtype: "--dtype",
  quantization: "--quantization",
  kvCacheDtype: "--kv-cache-dtype",
  gpu: "--gpu",
  model: "--model",
};

function suggestionTexts(report: FitReport): string[] {
  return report.suggestions.map(({ text, change }) => {
    const words = Object.entries(change).flatMap(([key, value]) => (flags[key] ? [`${flags[key]} ${value}`] : []));
    return `${text} (${words.join(" ").replace(/(--gpu) (\S+ \S+)/, '$1 "$2"')})`;
  });
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

function toJson(report: FitReport, notes: readonly string[]): string {
  const { fits, kvTokens, overheadGiBPerGpu } = report;
  return JSON.stringify(
    {
      fits,
      weightsGiBPerGpu: rounded(report.weightsGiBPerGpu),
      kvBytesPerTokenPerGpu: rounded(report.kvBytesPerTokenPerGpu),
      overheadGiBPerGpu: overheadGiBPerGpu.map(rounded),
      kvTokens,
      maxConcurrency: rounded(report.maxConcurrency),
      reasons: [...report.reasons, ...notes],
      suggestions: suggestionTexts(report),
    },
    null,
    2,
  );
}

function toText(report: FitReport, notes: readonly string[]): string {
  const { kvTokens, options: resolved } = report;
  const lines = report.fits
    ? [
        "It fits.",
        `KV cache: ${kvTokens[0]} to ${kvTokens[1]} tokens, ${rounded(report.kvBytesPerTokenPerGpu)} bytes each on a GPU`,
        `Requests of ${resolved.maxModelLen} tokens at a time: ${report.maxConcurrency.toFixed(1)}`,
      ]
    : ["It does not fit."];
  const changes = suggestionTexts(report);
  const next = report.fits
    ? []
    : changes.length > 0
      ? ["It would fit with one of:", ...changes.map((text) => `  ${text}`)]
      : ["No single change of GPUs, context or precision would make it fit."];
  return [...lines, ...report.reasons, ...notes, ...next].join("\n");
}

function checkpointNote({ quantizationName: name }: Request, { quantization }: ModelArchitecture): string[] {
  const isStored = quantization !== undefined && (quantization.isAssumed === true || quantization.name === name);
  if (name === undefined || isStored || !needsQuantizedCheckpoint.has(name)) return [];
  return [`vLLM takes ${name} weights only from a checkpoint that was published in ${name}`];
}

/** `npm run --silent fit -- --model <id or config.json> --gpu <name> …`: whether a model fits a GPU. */
function run(args: string[]): number {
  const values = parse(args);
  if (values.help === true) {
    console.log(usage);
    return exitCodes.fits;
  }
  const { architecture, note } = modelOf(values);
  const gpu = gpuOf(values);
  const request: Request = { ...requestOf(values), isPlan: true };
  const bad = badInputs(architecture, gpu, request);
  if (bad.length > 0) {
    throw new BadInputError(
      bad.map(({ key, allowed, next }) => `${flags[key]}: allowed is ${allowed}. Next: ${next}.`).join("\n"),
    );
  }
  const report = assessFit({ model: architecture, gpu, options: withQuantization(request, architecture) });
  const notes = [...(note === undefined ? [] : [note]), ...checkpointNote(request, architecture)];
  console.log(values.json === true ? toJson(report, notes) : toText(report, notes));
  return report.fits ? exitCodes.fits : exitCodes.doesNotFit;
}

try {
  process.exitCode = run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BadInputError)) throw error;
  console.error(`${error.message}\n${help}`);
  process.exitCode = exitCodes.badInput;
}
