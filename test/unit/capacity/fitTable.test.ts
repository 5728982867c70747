import * as assert from "node:assert/strict";
import { fitTable } from "../../../components/capacity/fitTable";
import { fitOfModel, imageVersion, type FitModel, type FitNode } from "../../../components/capacity/modelFit";

const qwen: FitModel = {
  name: "qwen3-8b",
  model: "Qwen/Qwen3-8B",
  replicas: 2,
  gpusPerReplica: 1,
  gpuVendor: "amd",
  tensorParallelSize: 1,
  pipelineParallelSize: 1,
  maxModelLen: 32768,
};
const nodes: FitNode[] = Array.from({ length: 4 }, () => ({ gpus: { amd: 8 }, product: "AMD_Instinct_MI300X_OAM" }));

describe("fitTable", () => {
  it("shows GPUs, weights, tokens, concurrency, share and cost of each model, and of all", () => {
    const lines = fitTable({ models: [qwen], gpu: { pricePerHour: 2.5 } }, nodes).split("\n");
    assert.equal(lines.length, 4);
    assert.match(lines[1]!, /model +GPUs +weights\/GPU +KV tokens +full contexts +of cluster +cost\/hour/);
    assert.match(lines[2]!, /qwen3-8b +2 × 1 MI300X +15\.3 GiB +1\.1M to 1\.2M +\d+\.\d × 32768 +6% +5\.00$/);
    assert.match(lines[3]!, /total +2 of 32 +6% +5\.00$/);
  });
  it("leaves the cost out without a price", () => {
    assert.doesNotMatch(fitTable({ models: [qwen], gpu: {} }, nodes), /cost/);
  });
  it("says which models and GPUs it does not know, with what to do", () => {
    const models = [{ ...qwen, name: "own", model: "acme/own-model" }];
    const text = fitTable({ models, gpu: {} }, nodes);
    assert.match(text, /own +2 × 1 +\? +\? +\? +6%/);
    assert.match(text, /own: acme\/own-model is not in the catalogue: set architecture/);
    assert.match(fitTable({ models: [qwen], gpu: {} }, [{ gpus: { amd: 8 } }]), /no node tells a GPU product/);
  });
  it("counts the GPUs of all nodes of a replica", () => {
    const kimi = { ...qwen, model: "moonshotai/Kimi-K2-Instruct", replicas: 1, gpusPerReplica: 8, nodesPerReplica: 2 };
    const models = [{ ...kimi, tensorParallelSize: 8, pipelineParallelSize: 2 }];
    assert.match(fitTable({ models, gpu: {} }, nodes), /qwen3-8b +1 × 16 MI300X +6\d\.\d GiB .* 50%/);
  });
  it("counts a cluster without GPUs", () => {
    const cpu: FitModel = { ...qwen, gpusPerReplica: 0, gpuVendor: "none" };
    assert.match(fitTable({ models: [cpu], gpu: {} }, []), /qwen3-8b +2 × 0 +\? +\? +\? +\?/);
  });
});

describe("fitOfModel", () => {
  const config = {
    model_type: "llama",
    hidden_size: 4096,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14336,
    vocab_size: 128256,
    max_position_embeddings: 131072,
  };
  const numbers = {
    parameters: 8.03e9,
    numHiddenLayers: 32,
    hiddenSize: 4096,
    vocabSize: 128256,
    numAttentionHeads: 32,
    numKeyValueHeads: 8,
    maxPositionEmbeddings: 131072,
    tieWordEmbeddings: false,
    expertParameters: 0,
  };
  const own = { ...qwen, model: "acme/own-model" };
  it("reads the config.json that architecture names", () => {
    const read: string[] = [];
    const readJson = (file: string): unknown => (read.push(file), config);
    const { report } = fitOfModel({ ...own, architecture: "models/own.json" }, nodes, readJson);
    assert.deepEqual(read, ["models/own.json"]);
    assert.equal(report?.kvBytesPerTokenPerGpu, 131072);
  });
  it("takes numbers, to the same result", () => {
    const { report } = fitOfModel({ ...own, architecture: numbers }, nodes);
    assert.equal(report?.kvBytesPerTokenPerGpu, 131072);
    assert.ok(Math.abs(report.weightsGiBPerGpu - 15) < 0.1, String(report.weightsGiBPerGpu));
  });
  it("judges by the GPU on which it fits, among those with room for a replica", () => {
    const mixed: FitNode[] = [
      { gpus: { nvidia: 8 }, product: "NVIDIA-L4" },
      { gpus: { nvidia: 8 }, product: "NVIDIA-H200" },
      { gpus: { nvidia: 1 }, product: "NVIDIA-B200" },
    ];
    const large: FitModel = { ...qwen, model: "Qwen/Qwen3-32B", gpuVendor: "nvidia", gpusPerReplica: 2 };
    const fit = fitOfModel({ ...large, tensorParallelSize: 2 }, mixed);
    assert.deepEqual([fit.gpu?.name, fit.report?.fits], ["H200", true]);
    const pinned = fitOfModel({ ...large, tensorParallelSize: 2, gpuProduct: "NVIDIA-L4" }, mixed);
    assert.deepEqual([pinned.gpu?.name, pinned.report?.fits], ["L4", false]);
  });
  it("leaves the longest context to overrides of the model's config", () => {
    const long = { ...qwen, maxModelLen: 131072 };
    assert.equal(fitOfModel(long, nodes).bad.length, 1);
    const extraArgs = ["--hf-overrides.rope_scaling.factor=4"];
    assert.equal(fitOfModel({ ...long, extraArgs }, nodes).report?.options.maxModelLen, 131072);
  });
  it("takes the release from the image's tag", () => {
    assert.equal(imageVersion("vllm/vllm-openai:v0.11.2"), "0.11.2");
    assert.equal(imageVersion("registry:5000/vllm/vllm-openai-rocm:v0.33.0@sha256:00"), "0.33.0");
    assert.equal(imageVersion("vllm/vllm-openai@sha256:00"), undefined);
    const old = fitOfModel({ ...qwen, image: "vllm/vllm-openai-rocm:v0.11.2" }, nodes);
    assert.equal(old.report?.options.gpuMemoryUtilization, 0.9);
  });
});
