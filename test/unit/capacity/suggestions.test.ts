import * as assert from "node:assert/strict";
import { badInputs, type Request } from "../../../components/capacity/badInput";
import { assessFit, type FitReport } from "../../../components/capacity/fit";
import { findGpu } from "../../../components/capacity/gpuCatalog";
import { findModel } from "../../../components/capacity/modelCatalog";
import { quantizationNamed } from "../../../components/capacity/quantization";

const placement = (model: string, gpu: string, options: Request = {}) => ({
  model: findModel(model)!.architecture,
  gpu: findGpu(gpu)!,
  options,
});
const assess = (model: string, gpu: string, options: Request = {}): FitReport =>
  assessFit(placement(model, gpu, options));

describe("badInputs", () => {
  const table: readonly (readonly [string, string, Request, string, RegExp])[] = [
    ["Qwen/Qwen3-8B", "MI300X", { tensorParallelSize: 3 }, "tensorParallelSize", /divisor of the model's 32/],
    ["Qwen/Qwen3-8B", "MI300X", { pipelineParallelSize: 37 }, "pipelineParallelSize", /at most 36/],
    ["Qwen/Qwen3-8B", "MI300X", { maxModelLen: 40961 }, "maxModelLen", /at most 40960/],
    ["Qwen/Qwen3-8B", "MI250X", { quantizationName: "fp8" }, "quantization", /runs on MI250X \(cdna2\)/],
    ["Qwen/Qwen3-8B", "MI300X", { quantizationName: "awq" }, "quantization", /fp8 or bitsandbytes/],
    ["deepseek-ai/DeepSeek-R1", "MI250X", {}, "model", /fp8 is not among them/],
    ["deepseek-ai/DeepSeek-R1", "MI300X", { quantizationName: "awq" }, "quantization", /^fp8, which/],
    ["Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4", "H100", { quantizationName: "awq" }, "quantization", /^gptq, which/],
    ["openai/gpt-oss-20b", "T4", {}, "model", /mxfp4 is not among them/],
    ["Qwen/Qwen3-0.6B", "T4", { dtype: "bfloat16" }, "dtype", /float16 or float32/],
  ];
  for (const [model, gpu, request, key, allowed] of table) {
    it(`refuses ${model} on ${gpu} with ${JSON.stringify(request)}`, () => {
      const found = badInputs(findModel(model)!.architecture, findGpu(gpu), request);
      assert.deepEqual(
        found.map((problem) => problem.key),
        [key],
      );
      assert.match(found[0]!.allowed, allowed);
    });
  }
  const fine: readonly (readonly [string, string, Request])[] = [
    ["Qwen/Qwen3-8B-FP8", "A100-80GB", {}],
    ["openai/gpt-oss-120b", "A100-80GB", {}],
    ["openai/gpt-oss-120b", "MI300X", {}],
    ["Qwen/Qwen3-8B", "MI300X", { quantizationName: "awq", isPlan: true }],
    ["RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "H100", { quantizationName: "compressed-tensors" }],
    ["Qwen/Qwen3-8B", "MI300X", { tensorParallelSize: 8, pipelineParallelSize: 36, maxModelLen: 40960 }],
  ];
  for (const [model, gpu, request] of fine) {
    it(`accepts ${model} on ${gpu} with ${JSON.stringify(request)}`, () =>
      assert.deepEqual(badInputs(findModel(model)!.architecture, findGpu(gpu), request), []));
  }
});

describe("assessFit", () => {
  const misfits: readonly (readonly [string, string, Request])[] = [
    ["Qwen/Qwen3-32B", "L40S", {}],
    ["Qwen/Qwen3-32B", "H100", { maxModelLen: 32000, vllmVersion: "0.11.0" }],
    ["meta-llama/Llama-3.1-405B-Instruct", "H100", { tensorParallelSize: 8 }],
    ["Qwen/Qwen3-8B", "MI300X:CPX/NPS4", {}],
    ["deepseek-ai/DeepSeek-R1", "H100", { tensorParallelSize: 8 }],
    ["meta-llama/Llama-3.3-70B-Instruct", "A100-80GB", { tensorParallelSize: 2, maxModelLen: 131072 }],
    ["openai/gpt-oss-120b", "L40S", {}],
  ];
  for (const [model, gpu, options] of misfits) {
    it(`each change that it suggests for ${model} on ${gpu} makes it fit`, () => {
      const report = assess(model, gpu, options);
      assert.equal(report.fits, false);
      assert.ok(report.suggestions.length > 0);
      for (const { change } of report.suggestions) {
        const { gpu: other = gpu, quantization, ...rest } = change;
        const changed: Request = {
          ...options,
          ...rest,
          ...(quantization === undefined ? {} : { quantization: quantizationNamed(String(quantization)) }),
        };
        assert.ok(assess(model, String(other), changed).fits, JSON.stringify(change));
      }
    });
  }
  it("gives the numbers when the cache is too small, and the longest context that fits", () => {
    const report = assess("Qwen/Qwen3-32B", "H100", { maxModelLen: 32000, vllmVersion: "0.11.0" });
    assert.match(report.reasons.join("\n"), /one request of 32000 tokens takes 7\.8\d GiB/);
    const shorter = report.suggestions.find(({ change }) => "maxModelLen" in change)!;
    const length = Number(shorter.change.maxModelLen);
    const options = { vllmVersion: "0.11.0" };
    assert.equal(assess("Qwen/Qwen3-32B", "H100", { ...options, maxModelLen: length + 1024 }).fits, false);
  });
  it("says when the weights alone are too large", () =>
    assert.match(assess("Qwen/Qwen3-32B", "T4").reasons.join("\n"), /weights alone/));
  it("suggests nothing when it fits", () => assert.deepEqual(assess("Qwen/Qwen3-8B", "MI300X").suggestions, []));
  it("suggests further nodes where one is too small", () => {
    const { suggestions } = assess("moonshotai/Kimi-K2-Instruct", "H100", { tensorParallelSize: 8 });
    const change = suggestions.map((one) => one.change).find((one) => "nodesPerReplica" in one);
    assert.deepEqual(change, {
      gpusPerReplica: 8,
      nodesPerReplica: 2,
      tensorParallelSize: 8,
      pipelineParallelSize: 2,
    });
  });
  it("never suggests fp8 where the GPU lacks it or the weights are quantized", () => {
    const changes = [assess("Qwen/Qwen3-32B", "MI250X"), assess("deepseek-ai/DeepSeek-R1", "H100")];
    assert.ok(changes.every(({ suggestions }) => suggestions.every(({ change }) => !("quantization" in change))));
  });
});
