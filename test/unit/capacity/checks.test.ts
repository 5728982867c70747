import * as assert from "node:assert/strict";
import { checkArchitectureFiles, checkNodes } from "../../../components/config/check";
import type { Path } from "../../../components/config/paths";
import { formatProblem } from "../../../components/config/problem";
import { accepted, goodConfig, linesOf, withValue, type Values } from "../config/support";

const model = (changes: Values): Values & { models: Values[] } => {
  const config = goodConfig();
  config.models[0] = { ...config.models[0], ...changes };
  return config;
};

const on = (product: string, vendor: "amd" | "nvidia", changes: Values): Values =>
  [
    [["cluster", "nodeGroups", 0, "product"], product] as const,
    [["cluster", "nodeGroups", 0, "vendor"], vendor] as const,
    [["gpu", "vendor"], vendor] as const,
  ].reduce<Values>((config, [path, value]) => withValue(config, path as Path, value), model(changes));

const large = { memory: "512Gi", sharedMemory: "64Gi" };

const refused: readonly (readonly [mistake: string, config: Values, key: string, allowed: RegExp, next: RegExp])[] = [
  [
    "tensor parallel size that does not divide the heads",
    model({ gpusPerReplica: 3 }),
    "tensorParallelSize",
    /a divisor of the model's 32 attention heads/,
    /pipelineParallelSize/,
  ],
  [
    "more stages than layers",
    withValue(
      withValue(
        model({ gpusPerReplica: 64, pipelineParallelSize: 64, resources: large }),
        ["namespaces", 0, "gpuQuota"],
        64,
      ),
      ["cluster", "nodeGroups", 0, "gpus"],
      64,
    ),
    "pipelineParallelSize",
    /at most 36, the model's layers/,
    /lower it/,
  ],
  [
    "a context beyond the model's",
    model({ maxModelLen: 50_000 }),
    "maxModelLen",
    /at most 40960/,
    /a model with a longer context/,
  ],
  [
    "a quantization that the GPU lacks",
    on("MI250X", "amd", { quantization: "fp8" }),
    "quantization",
    /runs on MI250X \(cdna2\)/,
    /GPUs that have it/,
  ],
  [
    "a checkpoint that the GPU cannot run",
    on("Tesla-T4", "nvidia", { model: "openai/gpt-oss-20b" }),
    "model",
    /mxfp4 is not among them/,
    /GPUs that have it/,
  ],
  [
    "a quantization that the checkpoint has not",
    model({ quantization: "awq" }),
    "quantization",
    /fp8 or bitsandbytes/,
    /published in awq/,
  ],
  [
    "a model that does not fit",
    model({ model: "deepseek-ai/DeepSeek-R1", gpusPerReplica: 2, resources: large }),
    "model",
    /fits MI300X: each MI300X gives 176\.6 GiB .*; weights take \d+ GiB|weights alone/,
    /change one: 4 GPUs a replica|8 GPUs a replica/,
  ],
  [
    "a context for which there is no cache",
    on("NVIDIA-L4", "nvidia", { maxModelLen: 40_960 }),
    "model",
    /one request of 40960 tokens takes 5\.63 GiB/,
    /an fp8 KV cache, or .*a context of at most \d+ tokens, or 2 GPUs a replica/,
  ],
  [
    "memory below what is counted in it",
    model({ resources: { memory: "20Gi", sharedMemory: "16Gi" } }),
    "resources.memory",
    /at least 25Gi: sharedMemory 16Gi, 2 processes of 2Gi and a file of weights/,
    /raise it, or lower sharedMemory/,
  ],
];

describe("the config's check of fit refuses", () => {
  for (const [mistake, config, key, allowed, next] of refused) {
    it(mistake, () => {
      const lines = linesOf(config);
      assert.equal(lines.length, 1, lines.join("\n"));
      const [, rest = ""] = lines[0]!.split(`inference-stack:models[0].${key}: `);
      const [said = "", then = ""] = rest.split(" Next: ");
      assert.match(said, allowed);
      assert.match(then, next);
    });
  }
});

describe("the config's check of fit leaves alone", () => {
  const fine: readonly (readonly [string, Values])[] = [
    ["a model that is not in the catalogue", model({ model: "acme/own-model", gpusPerReplica: 3, maxModelLen: 9e9 })],
    ["a GPU that is not in the catalogue", on("MI999X", "amd", { model: "deepseek-ai/DeepSeek-R1" })],
    ["a model on CPU", model({ gpusPerReplica: 0 })],
    ["a cluster that exists, until its nodes are known", { ...onExisting(), models: model({}).models }],
  ];
  for (const [what, config] of fine) it(what, () => accepted(config));

  function onExisting(): Values {
    return { ...goodConfig(), cluster: { source: "kubeconfig", path: "kubeconfig" } };
  }
});

describe("nodes that are known later", () => {
  it("refuse a model that does not fit their GPUs", () => {
    const config = accepted({
      ...goodConfig(),
      cluster: { source: "kubeconfig", path: "kubeconfig" },
      gpu: { vendor: "nvidia" },
      models: model({ model: "Qwen/Qwen3-32B" }).models,
    });
    const node = { name: "one", gpus: { nvidia: 8 }, product: "NVIDIA-L40S", memory: 2 ** 40, cpus: 64 };
    const lines = checkNodes(config, [node]).map(formatProblem);
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0]!, /models\[0\]\.model.*weights alone.*2 GPUs a replica/);
    assert.deepEqual(checkNodes(config, [{ ...node, product: "NVIDIA-H200" }]), []);
  });
});

describe("architecture: a file", () => {
  const config = (): ReturnType<typeof accepted> => accepted(model({ model: "acme/own", architecture: "own.json" }));
  const lines = (read: (file: string) => unknown): string[] =>
    checkArchitectureFiles(config(), read).map(formatProblem);

  it("is refused when it cannot be read", () => {
    const [line = ""] = lines(() => {
      throw new Error("ENOENT: no such file");
    });
    assert.match(line, /models\[0\]\.architecture: "own\.json".*cannot be read \(ENOENT.*correct the path/);
  });
  it("is refused when its family is unknown, with what is missing", () => {
    assert.match(lines(() => ({ model_type: "rwkv9" })).join(), /model_type "rwkv9" is none that is known here/);
  });
  it("has its model checked", () => {
    const huge = {
      model_type: "llama",
      hidden_size: 16384,
      num_hidden_layers: 126,
      num_attention_heads: 128,
      num_key_value_heads: 8,
      intermediate_size: 53248,
      vocab_size: 128256,
      max_position_embeddings: 131072,
    };
    assert.match(lines(() => huge).join(), /models\[0\]\.model: "acme\/own".*weights alone/);
    assert.deepEqual(
      lines(() => ({ ...huge, num_hidden_layers: 2 })),
      [],
    );
  });
});
