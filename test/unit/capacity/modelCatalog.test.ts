import * as assert from "node:assert/strict";
import { readHfConfig } from "../../../components/capacity/hfConfig";
import { catalog, findModel, modelIds } from "../../../components/capacity/modelCatalog";

/** An image encoder's patch embedding and projector are not counted: small models feel it. */
const tolerance = (config: Readonly<Record<string, unknown>>): number => ("vision_config" in config ? 0.05 : 0.002);

describe("the model catalogue", () => {
  it("has at least 30 entries, every id once", () => {
    assert.ok(catalog.length >= 30, String(catalog.length));
    assert.equal(new Set(modelIds()).size, modelIds().length);
  });
  for (const { ids, config, parameters, source } of catalog) {
    it(`${ids[0]}: its layers add up to the parameters of its model card`, () => {
      const counted = readHfConfig(config).architecture?.parameters.total ?? 0;
      const error = Math.abs(counted / parameters - 1);
      assert.ok(error <= tolerance(config), `${(error * 100).toFixed(2)}%`);
      assert.ok(source.length > 10);
    });
  }
  it("holds dense, mixed, latent, windowed, linear and multimodal models", () => {
    const all = catalog.map(({ ids }) => findModel(ids[0]!)!.architecture);
    const kinds = new Set(all.flatMap(({ caches }) => caches.map(({ kind }) => kind)));
    assert.deepEqual([...kinds].sort(), ["full", "latent", "sliding", "state"]);
    assert.ok(all.some(({ parameters }) => parameters.encoder > 0));
    assert.ok(all.some(({ parameters }) => parameters.experts > 0));
  });
});

describe("findModel", () => {
  const copies: readonly (readonly [id: string, original: string, bytes: number])[] = [
    ["Qwen/Qwen3-8B-FP8", "Qwen/Qwen3-8B", 1],
    ["Qwen/Qwen3-8B-AWQ", "Qwen/Qwen3-8B", 0.51953125],
    ["RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "meta-llama/Llama-3.3-70B-Instruct", 1],
    ["RedHatAI/Qwen3-32B-quantized.w4a16", "Qwen/Qwen3-32B", 0.515625],
    ["Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4", "Qwen/Qwen2.5-72B-Instruct", 0.51953125],
  ];
  for (const [id, original, bytes] of copies) {
    it(`takes ${id} for ${original}, and says so`, () => {
      const found = findModel(id);
      assert.equal(found?.id, original);
      assert.equal(found.architecture.quantization?.bytes, bytes);
      assert.match(found.note ?? "", /is taken as/);
    });
  }
  for (const id of ["Qwen/Qwen3-9B", "nobody/Qwen3-8B", "Qwen/Qwen3-8B-tuned", "", "Qwen3-8B"]) {
    it(`does not guess what ${JSON.stringify(id)} is`, () => assert.equal(findModel(id), undefined));
  }
});

describe("readHfConfig", () => {
  const llama = {
    model_type: "llama",
    hidden_size: 4096,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14336,
    vocab_size: 128256,
    max_position_embeddings: 131072,
  };
  it("derives the width of a head", () => {
    const { architecture } = readHfConfig(llama);
    assert.deepEqual(architecture?.caches, [{ kind: "full", layers: 32, heads: 8, headDim: 128 }]);
  });
  it("finds the language model in text_config, and the encoder beside it", () => {
    const vision = { depth: 2, hidden_size: 10, intermediate_size: 20 };
    const { architecture } = readHfConfig({ model_type: "mistral3", text_config: llama, vision_config: vision });
    assert.equal(architecture?.hiddenSize, 4096);
    assert.equal(architecture.parameters.encoder, 2 * (4 * 100 + 2 * 200));
  });
  it("counts layers by layer_types", () => {
    const types = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"];
    const { architecture } = readHfConfig({
      ...llama,
      model_type: "gemma3_text",
      num_hidden_layers: 4,
      sliding_window: 512,
      layer_types: types,
    });
    assert.deepEqual(
      architecture?.caches.map(({ kind, layers }) => [kind, layers]),
      [
        ["full", 1],
        ["sliding", 3],
      ],
    );
  });
  it("reads how a checkpoint is quantized", () => {
    const quantized = (quantization_config: unknown): unknown =>
      readHfConfig({ ...llama, quantization_config }).architecture?.quantization;
    assert.deepEqual(quantized({ quant_method: "fp8" }), { name: "fp8", bytes: 1, scope: "linear" });
    const group = { weights: { num_bits: 4, group_size: 32 } };
    const ignore = ["re:.*self_attn.*"];
    assert.deepEqual(quantized({ quant_method: "compressed-tensors", config_groups: { group }, ignore }), {
      name: "compressed-tensors",
      bytes: 0.5625,
      scope: "experts",
    });
  });
  const refused: readonly (readonly [string, unknown, RegExp])[] = [
    ["an unknown family", { ...llama, model_type: "rwkv9" }, /model_type "rwkv9" is none that is known here: llama/],
    ["no family", { hidden_size: 1 }, /model_type ""/],
    ["missing keys", { ...llama, hidden_size: undefined, vocab_size: "big" }, /lacks hidden_size, vocab_size/],
    ["latent attention without its ranks", { ...llama, model_type: "deepseek_v3" }, /kv_lora_rank/],
    ["an unknown quantization", { ...llama, quantization_config: { quant_method: "hqq" } }, /method "hqq"/],
    ["a list", [], /no JSON object/],
    ["null", null, /no JSON object/],
  ];
  for (const [mistake, value, reason] of refused) {
    it(`refuses ${mistake}, with what is missing`, () => assert.match(readHfConfig(value).missing ?? "", reason));
  }
});
