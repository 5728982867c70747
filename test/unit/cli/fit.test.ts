import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const root = path.join(__dirname, "..", "..", "..");

function fit(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const command = [path.join("cli", "fit.ts"), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import=tsx", ...command], {
    cwd: root,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("npm run fit", () => {
  it("exits with 0 when the model fits, with exactly the promised keys", () => {
    const { status, stdout, stderr } = fit("--model", "Qwen/Qwen3-8B", "--gpu", "MI300X", "--json");
    assert.deepEqual([status, stderr], [0, ""]);
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual(Object.keys(answer), [
      "fits",
      "weightsGiBPerGpu",
      "kvBytesPerTokenPerGpu",
      "overheadGiBPerGpu",
      "kvTokens",
      "maxConcurrency",
      "reasons",
      "suggestions",
    ]);
    assert.equal(answer.fits, true);
    assert.equal(answer.kvBytesPerTokenPerGpu, 147456);
    assert.ok(Array.isArray(answer.overheadGiBPerGpu) && answer.overheadGiBPerGpu.length === 2);
    assert.ok(Array.isArray(answer.kvTokens) && answer.kvTokens.length === 2);
  });

  it("exits with 1 when it does not, with what would make it", () => {
    const { status, stdout } = fit("--model", "Qwen/Qwen3-32B", "--gpu", "RTX 4090");
    assert.equal(status, 1);
    assert.match(stdout, /It does not fit\.[^]*weights alone[^]*--tp 4/);
  });

  it("takes every option", () => {
    const options = ["--tp", "2", "--pp", "1", "--dtype", "bfloat16", "--quantization", "fp8"];
    const sizes = ["--max-model-len", "8192", "--gpu-memory-utilization", "0.8", "--max-num-seqs", "64"];
    const rest = ["--kv-cache-dtype", "fp8", "--max-num-batched-tokens", "4096", "--vllm-version", "0.30.1", "--json"];
    const { status, stdout } = fit("--model", "Qwen/Qwen3-8B", "--gpu", "h100", ...options, ...sizes, ...rest);
    assert.equal(status, 0);
    assert.equal((JSON.parse(stdout) as { kvBytesPerTokenPerGpu: number }).kvBytesPerTokenPerGpu, 147456 / 4);
    assert.match(stdout, /79\.18 GiB × 0\.8\)/);
  });

  it("reads a config.json", () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "fit-"));
    try {
      const file = path.join(directory, "config.json");
      const config = { model_type: "qwen3", hidden_size: 1024, num_hidden_layers: 28, num_attention_heads: 16 };
      const rest = { num_key_value_heads: 8, head_dim: 128, intermediate_size: 3072, vocab_size: 151936 };
      fs.writeFileSync(file, JSON.stringify({ ...config, ...rest, max_position_embeddings: 40960 }));
      assert.match(fit("--model", file, "--gpu", "L4").stdout, /It fits/);
      fs.writeFileSync(file, JSON.stringify(config));
      const broken = fit("--model", file, "--gpu", "L4");
      assert.equal(broken.status, 2);
      assert.match(broken.stderr, /cannot be judged: it lacks vocab_size, max_position_embeddings, intermediate_size/);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });

  const ok = ["--model", "Qwen/Qwen3-8B", "--gpu", "MI300X"];
  const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no model", ["--gpu", "MI300X"], /--model is missing/],
    ["no GPU", ["--model", "Qwen/Qwen3-8B"], /--gpu is missing/],
    ["an unknown model", ["--model", "Qwen/Qwen3-8C", "--gpu", "MI300X"], /Did you mean Qwen\/Qwen3-8B\?/],
    ["an unknown GPU", ["--model", "Qwen/Qwen3-8B", "--gpu", "MI300Y"], /Did you mean MI300X\?/],
    ["an unknown option", [...ok, "--max-model-length", "5"], /Did you mean --max-model-len\?/],
    ["no number", [...ok, "--tp", "two"], /--tp: two is no whole number above 0/],
    ["a share above 1", [...ok, "--gpu-memory-utilization", "92"], /at most 1/],
    ["an unknown dtype", [...ok, "--kv-cache-dtype", "fp9"], /Did you mean fp8\?/],
    ["heads that cannot be split", [...ok, "--tp", "3"], /--tp: allowed is a divisor of the model's 32/],
  ];
  for (const [mistake, args, message] of refused) {
    it(`exits with 2 for ${mistake}, without a stack trace`, () => {
      const { status, stdout, stderr } = fit(...args);
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n +at /);
    });
  }
});
