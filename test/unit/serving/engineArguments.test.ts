import assert from "node:assert/strict";
import { flagName, managedFlags } from "../../../components/config/engineFlags";
import { engineArguments, managedFlagsIn } from "../../../components/serving/engineArguments";
import { unknownFlag } from "../../../components/config/vllmRelease";
import type { ModelConfig } from "../../../components/config/schema/model";
import { parseCommandLine } from "../../../sim/vllm/commandLine";
import { modelConfig } from "./fixtures";

describe("engineArguments", () => {
  const cases: [string, Partial<ModelConfig>, string[]][] = [
    ["one GPU", {}, ["Qwen/Qwen3-8B", "--tensor-parallel-size", "1", "--shutdown-timeout", "120"]],
    ["no GPU", { gpusPerReplica: 0, gpuVendor: "none" }, ["Qwen/Qwen3-8B", "--shutdown-timeout", "120"]],
    [
      "everything",
      {
        revision: "v1.0",
        gpusPerReplica: 8,
        tensorParallelSize: 4,
        pipelineParallelSize: 2,
        maxModelLen: 32768,
        extraArgs: ["--enable-prefix-caching", "--seed", "1"],
      },
      [
        "Qwen/Qwen3-8B",
        ...["--revision", "v1.0", "--tensor-parallel-size", "4", "--pipeline-parallel-size", "2"],
        ...["--max-model-len", "32768", "--shutdown-timeout", "120"],
        ...["--enable-prefix-caching", "--seed", "1"],
      ],
    ],
  ];
  cases.push(
    [
      "sizing",
      {
        dtype: "bfloat16",
        quantization: "awq",
        kvCacheDtype: "fp8",
        gpuMemoryUtilization: 0.85,
        maxNumSeqs: 64,
        maxNumBatchedTokens: 8192,
      },
      [
        ...["Qwen/Qwen3-8B", "--tensor-parallel-size", "1", "--dtype", "bfloat16", "--quantization", "awq"],
        ...["--kv-cache-dtype", "fp8", "--gpu-memory-utilization", "0.85", "--max-num-seqs", "64"],
        ...["--max-num-batched-tokens", "8192", "--shutdown-timeout", "120"],
      ],
    ],
    [
      "an embedding model",
      { runner: "pooling", convert: "embed" },
      [
        ...["Qwen/Qwen3-8B", "--runner", "pooling", "--convert", "embed", "--tensor-parallel-size", "1"],
        ...["--shutdown-timeout", "120"],
      ],
    ],
    [
      "LoRA adapters",
      {
        loras: [
          { name: "support", path: "/models/adapters/support" },
          { name: "sql", id: "org/sql-lora" },
        ],
      },
      [
        ...["Qwen/Qwen3-8B", "--tensor-parallel-size", "1", "--enable-lora", "--lora-modules"],
        ...["support=/models/adapters/support", "sql=org/sql-lora", "--shutdown-timeout", "120"],
      ],
    ],
    [
      "speculative decoding",
      { speculative: { method: "ngram", numSpeculativeTokens: 4, promptLookupMax: 3 } },
      [
        ...["Qwen/Qwen3-8B", "--tensor-parallel-size", "1", "--speculative-config"],
        '{"method":"ngram","num_speculative_tokens":4,"prompt_lookup_max":3}',
        ...["--shutdown-timeout", "120"],
      ],
    ],
    [
      "an image that cannot drain",
      { image: "vllm/vllm-openai-rocm:v0.17.1" },
      ["Qwen/Qwen3-8B", "--tensor-parallel-size", "1"],
    ],
  );
  for (const [title, changes, expected] of cases) {
    it(`gives arguments that the released server knows for ${title}`, () => {
      const flags = engineArguments(modelConfig(changes), 120).map(flagName);
      const unknown = flags.filter((flag) => flag !== undefined && unknownFlag(flag, undefined) !== undefined);
      assert.deepEqual(unknown, []);
    });

    it(`gives the arguments for ${title}`, () => {
      assert.deepEqual(engineArguments(modelConfig(changes), 120), expected);
    });
  }

  it("gives the pods of a replica on several nodes their ranks", () => {
    const model = modelConfig({
      gpusPerReplica: 8,
      nodesPerReplica: 2,
      tensorParallelSize: 8,
      pipelineParallelSize: 2,
    });
    const ranks = [
      ...["--nnodes", "2", "--node-rank", "$(LWS_WORKER_INDEX)", "--master-addr", "$(LWS_LEADER_ADDRESS)"],
    ];
    const leader = engineArguments(model, 120, "leader");
    assert.deepEqual(leader.slice(leader.indexOf("--nnodes"), leader.indexOf("--shutdown-timeout")), ranks);
    const worker = engineArguments(model, 120, "worker");
    assert.deepEqual(
      worker.filter((argument) => !leader.includes(argument)),
      ["--headless"],
    );
    assert.deepEqual(
      worker.map(flagName).filter((flag) => flag !== undefined && unknownFlag(flag, undefined) !== undefined),
      [],
    );
  });

  for (const [title, changes] of cases.filter(([, { image }]) => image === undefined)) {
    it(`is understood by the server's command line for ${title}`, () => {
      const { model, shutdownTimeoutSeconds, loraNames } = parseCommandLine([
        "serve",
        ...engineArguments(modelConfig(changes), 90),
      ]);
      assert.deepEqual([model, shutdownTimeoutSeconds], ["Qwen/Qwen3-8B", 90]);
      assert.deepEqual(loraNames, changes.loras?.map(({ name }) => name) ?? []);
    });
  }

  it("refuses a managed flag among extraArgs and says what to use", () => {
    assert.throws(
      () => engineArguments(modelConfig({ extraArgs: ["--port=9000"] }), 120),
      /extraArgs of model Qwen\/Qwen3-8B holds --port, .*: set service\.port/,
    );
  });

  it("manages every flag that it writes", () => {
    const all = Object.assign({}, ...cases.map(([, changes]) => changes), {
      image: undefined,
      extraArgs: [],
    }) as object;
    const written = engineArguments(modelConfig(all), 1).filter((argument) => argument.startsWith("--"));
    assert.ok(written.length >= 16, written.join(" "));
    assert.deepEqual(
      written.filter((flag) => !managedFlags.has(flag)),
      [],
    );
  });
});

describe("flagName", () => {
  const cases: [string, string | undefined][] = [
    ["--port", "--port"],
    ["--port=80", "--port"],
    ["--tensor_parallel_size", "--tensor-parallel-size"],
    ["-tp", "--tensor-parallel-size"],
    ["-tp=2", "--tensor-parallel-size"],
    ["-pp", "--pipeline-parallel-size"],
    ["--compilation-config.level", "--compilation-config"],
    ["--kv_transfer_config.a_b=1", "--kv-transfer-config"],
    ["-O3", "-O3"],
    ["8000", undefined],
    ["-1", undefined],
    ['{"a": 1}', undefined],
    ["", undefined],
  ];
  for (const [argument, expected] of cases) {
    it(`reads ${JSON.stringify(argument)} as ${expected}`, () => {
      assert.equal(flagName(argument), expected);
    });
  }
});

describe("managedFlagsIn", () => {
  it("finds each managed flag once, in any spelling", () => {
    assert.deepEqual(managedFlagsIn(["--no-enable-lora"]), ["--no-enable-lora"]);
    const found = managedFlagsIn(["--hf_token=x", "--seed", "1", "-tp", "2", "--tensor-parallel-size=2", "--hf-token"]);
    assert.deepEqual(found, ["--hf-token", "--tensor-parallel-size"]);
  });
});
