import assert from "node:assert/strict";
import { Engine } from "../../../../sim/vllm/engine";
import { Metrics } from "../../../../sim/vllm/metrics";

const pace = { firstTokenSeconds: 0.02, tokenSeconds: 0.02, timeScale: 1 };
const engineOf = (maxNumSeqs = 8) => new Engine(pace, maxNumSeqs, new Metrics("m"));
const gauge = (engine: Engine, name: string) =>
  Number(new RegExp(`^vllm:${name}\\{[^}]*\\} (\\S+)$`, "m").exec(engine.metricsText())?.[1]);

describe("the stand-in's engine", () => {
  it("makes tokens one after the other, at its pace", async () => {
    const tokens: number[] = [];
    const start = performance.now();
    const { result } = engineOf().generate({ promptTokens: 3, maxTokens: 4, onToken: (index) => tokens.push(index) });
    assert.deepEqual(await result, { generatedTokens: 4, finishReason: "length" });
    assert.deepEqual(tokens, [0, 1, 2, 3]);
    assert.ok(performance.now() - start >= 75, "0.02 s and three times 0.02 s");
  });

  it("lets requests wait beyond its batch, and shows it", async () => {
    const engine = engineOf(1);
    const first = engine.generate({ promptTokens: 1, maxTokens: 2 });
    const second = engine.generate({ promptTokens: 1, maxTokens: 2 });
    assert.deepEqual([gauge(engine, "num_requests_running"), gauge(engine, "num_requests_waiting")], [1, 1]);
    assert.ok(gauge(engine, "kv_cache_usage_perc") > 0);
    await first.result;
    assert.deepEqual([gauge(engine, "num_requests_running"), gauge(engine, "num_requests_waiting")], [1, 0]);
    assert.equal((await second.result).finishReason, "length");
  });

  it("drains: what runs or waits ends, what comes is refused", async () => {
    const engine = engineOf(1);
    const requests = [1, 2].map(() => engine.generate({ promptTokens: 1, maxTokens: 2 }));
    const drained = engine.drain(5);
    const late = await engine.generate({ promptTokens: 1, maxTokens: 2 }).result;
    assert.deepEqual(late, { generatedTokens: 0, finishReason: "abort" });
    assert.equal(await drained, true);
    for (const { result } of requests) assert.equal((await result).finishReason, "length");
  });

  it("gives up a drain when the time is over", async () => {
    const engine = engineOf();
    const { result } = engine.generate({ promptTokens: 1, maxTokens: 1000 });
    assert.equal(await engine.drain(0.05), false);
    engine.kill();
    assert.equal((await result).finishReason, "error");
    assert.equal((await engine.generate({ promptTokens: 1, maxTokens: 1 }).result).finishReason, "error");
  });

  it("drops a request whose client went away, and starts the next", async () => {
    const engine = engineOf(1);
    const first = engine.generate({ promptTokens: 1, maxTokens: 1000 });
    const second = engine.generate({ promptTokens: 1, maxTokens: 1 });
    first.abort();
    first.abort();
    assert.equal((await first.result).finishReason, "abort");
    assert.equal((await second.result).finishReason, "length");
  });
});
