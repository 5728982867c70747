import assert from "node:assert/strict";
import type { ModelConfig } from "../../../components/config/schema/model";
import { parametersFromName, probes, startupBudgetSeconds } from "../../../components/serving/probes";

describe("parametersFromName", () => {
  const cases: [string, number | undefined][] = [
    ["Qwen/Qwen3-8B", 8e9],
    ["meta-llama/Llama-3.3-70B-Instruct", 70e9],
    ["HuggingFaceTB/SmolLM2-135M", 135e6],
    ["Qwen/Qwen2.5-1.5B-Instruct", 1.5e9],
    ["Qwen/Qwen3-235B-A22B-FP8", 235e9],
    ["mistralai/Mixtral-8x7B-Instruct-v0.1", 56e9],
    ["org/big-1T", 1e12],
    ["google/gemma-3-27b-it", 27e9],
    ["deepseek-ai/DeepSeek-V3", undefined],
    ["org70B/nameless", undefined],
  ];
  for (const [model, expected] of cases) {
    it(`reads ${model} as ${expected}`, () => {
      assert.equal(parametersFromName(model), expected);
    });
  }
});

describe("startupBudgetSeconds", () => {
  const cases: [string, number, number][] = [
    // 600 s and 2 bytes a parameter at 200 MB/s, rounded up to a minute
    ["Qwen/Qwen3-8B", 1, 720],
    ["HuggingFaceTB/SmolLM2-135M", 0, 660],
    ["meta-llama/Llama-3.3-70B-Instruct", 2, 1320],
    ["Qwen/Qwen3-235B-A22B", 8, 2960],
    // no size in the name: 96 GB a GPU, 32 GB on CPU
    ["org/unnamed", 8, 4440],
    // in the catalogue: 671 billion parameters of about a byte
    ["deepseek-ai/DeepSeek-V3", 8, 4020],
    ["org/nameless", 0, 780],
  ];
  for (const [model, gpusPerReplica, expected] of cases) {
    it(`gives ${model} on ${gpusPerReplica} GPUs ${expected} s`, () => {
      assert.equal(startupBudgetSeconds({ model, gpusPerReplica }), Math.ceil(expected / 60) * 60);
    });
  }

  it("is what config says, or follows the parameters and the bandwidth that it says", () => {
    const model = { model: "org/nameless", gpusPerReplica: 8 };
    assert.equal(startupBudgetSeconds({ ...model, startupBudgetSeconds: 95 }, 10), 95);
    // 20 GB: 600 s + 100 s at 200 MB/s, 600 s + 20 s at 1000 MB/s.
    const architecture = { parameters: 10e9 } as ModelConfig["architecture"];
    assert.equal(startupBudgetSeconds({ ...model, architecture }), 720);
    assert.equal(startupBudgetSeconds({ ...model, architecture }, 1000), 660);
  });

  it("grows with the model", () => {
    const budgets = ["a/m-1B", "a/m-8B", "a/m-70B", "a/m-405B"].map((model) =>
      startupBudgetSeconds({ model, gpusPerReplica: 8 }),
    );
    assert.deepEqual(
      budgets,
      [...budgets].sort((a, b) => a - b),
    );
    assert.equal(new Set(budgets).size, budgets.length);
  });
});

describe("probes", () => {
  it("lets a start take at least its budget", () => {
    for (const budget of [1, 605, 720, 7200]) {
      const { periodSeconds, failureThreshold } = probes(budget).startupProbe;
      assert.ok((periodSeconds as number) * (failureThreshold as number) >= budget);
    }
  });

  it("never times out within 5 s and asks only paths that vLLM has", () => {
    const { startupProbe, livenessProbe, readinessProbe } = probes(600);
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
      assert.ok((probe.timeoutSeconds as number) >= 5);
    }
    const paths = [startupProbe, livenessProbe, readinessProbe].map(
      (probe) => (probe.httpGet as { path: string }).path,
    );
    assert.deepEqual(paths, ["/health", "/health", "/v1/models"]);
  });
});
