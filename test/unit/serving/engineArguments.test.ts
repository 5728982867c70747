import assert from "node:assert/strict";
import { flagName, managedFlags } from "../../../components/config/engineFlags";
import { engineArguments, managedFlagsIn } from "../../../components/serving/engineArguments";
import type { ModelConfig } from "../../../components/config/schema/model";
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
  for (const [title, changes, expected] of cases) {
    it(`gives the arguments for ${title}`, () => {
      assert.deepEqual(engineArguments(modelConfig(changes), 120), expected);
    });
  }

  it("refuses a managed flag among extraArgs and says what to use", () => {
    assert.throws(
      () => engineArguments(modelConfig({ extraArgs: ["--port=9000"] }), 120),
      /extraArgs of model Qwen\/Qwen3-8B holds --port, .*: set service\.port/,
    );
  });

  it("manages every flag that it writes", () => {
    const all = modelConfig({ revision: "v1", pipelineParallelSize: 2, maxModelLen: 1 });
    const written = engineArguments(all, 1).filter((argument) => argument.startsWith("--"));
    assert.equal(written.length, 5);
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
    const found = managedFlagsIn(["--hf_token=x", "--seed", "1", "-tp", "2", "--tensor-parallel-size=2", "--hf-token"]);
    assert.deepEqual(found, ["--hf-token", "--tensor-parallel-size"]);
  });
});
