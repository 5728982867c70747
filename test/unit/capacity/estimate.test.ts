import * as assert from "node:assert/strict";
import type { EngineOptions } from "../../../components/capacity/engine";
import { estimate, type Estimate } from "../../../components/capacity/estimate";
import { findGpu } from "../../../components/capacity/gpuCatalog";
import { catalog, findModel } from "../../../components/capacity/modelCatalog";
import { quantizations } from "../../../components/capacity/quantization";

function of(model: string, gpu: string, options: EngineOptions = {}): Estimate {
  return estimate(findModel(model)!.architecture, findGpu(gpu)!, options);
}

const near = (actual: number, expected: number, share: number): void =>
  assert.ok(Math.abs(actual / expected - 1) <= share, `${actual} is not ${expected}`);

describe("estimate", () => {
  const weights: readonly (readonly [string, string, EngineOptions, number])[] = [
    ["Qwen/Qwen3-8B", "MI300X", {}, 15.27],
    ["Qwen/Qwen3-8B", "MI300X", { tensorParallelSize: 2 }, 7.64],
    ["Qwen/Qwen3-8B", "MI300X", { quantization: quantizations.fp8 }, 8.8],
    ["Qwen/Qwen3-8B", "MI300X", { dtype: "float32" }, 30.53],
    ["openai/gpt-oss-120b", "H100", {}, 65.97],
    ["Qwen/Qwen3-Next-80B-A3B-Instruct", "H200", { tensorParallelSize: 2 }, 74.28],
    ["meta-llama/Llama-3.3-70B-Instruct-FP8-dynamic", "H100", { tensorParallelSize: 2 }, 33.88],
  ];
  for (const [model, gpu, options, expected] of weights) {
    it(`weights of ${model} with ${JSON.stringify(options)}`, () =>
      near(of(model, gpu, options).weightsGiBPerGpu, expected, 0.01));
  }

  const tokens: readonly (readonly [string, EngineOptions, number])[] = [
    ["meta-llama/Llama-3.1-8B-Instruct", {}, 2 * 32 * 8 * 128 * 2],
    ["meta-llama/Llama-3.1-8B-Instruct", { kvCacheDtype: "fp8" }, 2 * 32 * 8 * 128],
    ["meta-llama/Llama-3.1-8B-Instruct", { tensorParallelSize: 4 }, 2 * 32 * 2 * 128 * 2],
    ["meta-llama/Llama-3.1-8B-Instruct", { tensorParallelSize: 16 }, 2 * 32 * 1 * 128 * 2],
    ["meta-llama/Llama-3.1-8B-Instruct", { pipelineParallelSize: 3 }, 2 * 11 * 8 * 128 * 2],
    ["deepseek-ai/DeepSeek-R1", { tensorParallelSize: 8 }, 61 * 576 * 2],
    ["google/gemma-3-27b-it", { vllmVersion: "0.11.0" }, 7 * 10 * 2 * 16 * 128 * 2],
    ["openai/gpt-oss-120b", { vllmVersion: "0.11.2" }, 2 * 18 * 2 * 8 * 64 * 2],
  ];
  for (const [model, options, expected] of tokens) {
    it(`KV bytes per token of ${model} with ${JSON.stringify(options)}`, () =>
      assert.equal(of(model, "MI300X", options).kvBytesPerTokenPerGpu, expected));
  }

  it("layers with a window make a token of a long request cheap, in the newer log's accounting", () => {
    const { kvBytesPerTokenPerGpu } = of("openai/gpt-oss-120b", "MI300X", { maxModelLen: 131072 });
    const full = 18 * 2 * 8 * 64 * 2;
    assert.ok(kvBytesPerTokenPerGpu > full && kvBytesPerTokenPerGpu < 1.1 * full, String(kvBytesPerTokenPerGpu));
  });

  it("takes vLLM's defaults by GPU and version", () => {
    const large = of("Qwen/Qwen3-8B", "H100").options;
    assert.deepEqual([large.maxNumSeqs, large.maxNumBatchedTokens, large.gpuMemoryUtilization], [1024, 8192, 0.92]);
    const ampere = of("Qwen/Qwen3-8B", "A100-80GB", { vllmVersion: "v0.11.2" }).options;
    assert.deepEqual([ampere.maxNumSeqs, ampere.maxNumBatchedTokens, ampere.gpuMemoryUtilization], [256, 2048, 0.9]);
  });

  it("finds room for the models of the simulated stack on MI300X", () => {
    assert.ok(of("Qwen/Qwen3-8B", "MI300X", { maxModelLen: 32768 }).fitsForSure);
    const next = { tensorParallelSize: 2, maxModelLen: 65536 };
    assert.ok(of("Qwen/Qwen3-Next-80B-A3B-Instruct", "MI300X", next).fitsForSure);
    const r1 = { tensorParallelSize: 8, maxModelLen: 65536 };
    assert.ok(of("deepseek-ai/DeepSeek-R1-0528", "MI300X", r1).fitsForSure);
  });
});

describe("the estimate of every model of the catalogue", () => {
  const models = catalog.map(({ ids }) => ids[0]!);
  for (const model of models) {
    it(`${model}: moves the right way`, () => {
      const one = of(model, "MI355X", { tensorParallelSize: 8 });
      const maxModelLen = Math.ceil(one.options.maxModelLen / 8);
      const short = of(model, "MI355X", { tensorParallelSize: 8, maxModelLen });
      assert.ok(short.maxConcurrency >= one.maxConcurrency, "a shorter context has no less concurrency");
      const half = of(model, "MI355X", { tensorParallelSize: 4 });
      assert.ok(one.weightsGiBPerGpu <= half.weightsGiBPerGpu, "more GPUs have no more weights each");
      assert.ok(one.kvBytesPerTokenPerGpu <= half.kvBytesPerTokenPerGpu, "nor more cache for a token");
      const cache = of(model, "MI355X", { tensorParallelSize: 8, kvCacheDtype: "fp8" });
      assert.ok(cache.kvTokens[0] >= one.kvTokens[0], "an fp8 cache holds no fewer tokens");
      const [low, high] = one.overheadGiBPerGpu;
      assert.ok(0 < low && low < high);
      assert.ok(one.kvTokens[0] <= one.kvTokens[1]);
      for (const size of [one.weightsGiBPerGpu, one.kvBytesPerTokenPerGpu, one.maxConcurrency]) {
        assert.ok(Number.isFinite(size) && size >= 0);
      }
    });
  }
  it("fp8 weights are smaller than 16-bit ones", () => {
    for (const model of models) {
      const { quantization } = findModel(model)!.architecture;
      if (quantization !== undefined) continue;
      const fp8 = of(model, "MI355X", { quantization: quantizations.fp8 }).weightsGiBPerGpu;
      assert.ok(fp8 < of(model, "MI355X").weightsGiBPerGpu, model);
    }
  });
  it("more GPUs never leave less room where weights are large and heads can be split", () => {
    for (const model of ["Qwen/Qwen3-32B", "meta-llama/Llama-3.3-70B-Instruct", "Qwen/Qwen2.5-72B-Instruct"]) {
      const room = [1, 2, 4, 8].map((tensorParallelSize) => of(model, "MI300X", { tensorParallelSize }).kvTokens[0]);
      assert.deepEqual(
        room,
        [...room].sort((a, b) => a - b),
        model,
      );
    }
  });
});
