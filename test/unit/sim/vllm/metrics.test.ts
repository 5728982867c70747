import assert from "node:assert/strict";
import { Metrics } from "../../../../sim/vllm/metrics";

interface Sample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

/** Reads Prometheus' text format, and fails on a line that is not in it. */
function parse(text: string): { types: Map<string, string>; samples: Sample[] } {
  assert.ok(text.endsWith("\n"));
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.trimEnd().split("\n")) {
    const type = /^# TYPE (\S+) (gauge|counter|histogram)$/.exec(line);
    if (type !== null) types.set(type[1] ?? "", type[2] ?? "");
    if (line.startsWith("#")) continue;
    const match = /^([a-z][\w:]*)\{(.*)\} (-?[\d.e+-]+|\+Inf)$/.exec(line);
    assert.ok(match, `not a sample: ${line}`);
    const labels = [...(match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [key, value]);
    samples.push({
      name: match[1] ?? "",
      labels: Object.fromEntries(labels) as Record<string, string>,
      value: Number(match[3]),
    });
  }
  return { types, samples };
}

const gauges = { running: 2, waiting: 1, kvCacheUsage: 0.25 };
const valueOf = (samples: Sample[], name: string, labels: Record<string, string> = {}) =>
  samples.find(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value;

describe("the stand-in's metrics", () => {
  it("have vLLM's names, types and labels", () => {
    const { types, samples } = parse(new Metrics('a"b').render(gauges));
    for (const [name, type] of [
      ["num_requests_running", "gauge"],
      ["num_requests_waiting", "gauge"],
      ["num_requests_waiting_by_reason", "gauge"],
      ["kv_cache_usage_perc", "gauge"],
      ["engine_sleep_state", "gauge"],
      ["cache_config_info", "gauge"],
      ["lora_requests_info", "gauge"],
      ["prompt_tokens_total", "counter"],
      ["generation_tokens_total", "counter"],
      ["request_success_total", "counter"],
      ["num_preemptions_total", "counter"],
      ["prefix_cache_hits_total", "counter"],
      ["prefix_cache_queries_total", "counter"],
      ["admission_rejections_total", "counter"],
      ["time_to_first_token_seconds", "histogram"],
      ["inter_token_latency_seconds", "histogram"],
      ["request_time_per_output_token_seconds", "histogram"],
      ["e2e_request_latency_seconds", "histogram"],
      ["request_queue_time_seconds", "histogram"],
      ["request_prefill_time_seconds", "histogram"],
      ["request_decode_time_seconds", "histogram"],
      ["request_prompt_tokens", "histogram"],
      ["request_generation_tokens", "histogram"],
    ] as const) {
      assert.equal(types.get(`vllm:${name}`), type, name);
    }
    assert.ok(samples.every(({ labels }) => labels["model_name"] === 'a\\"b' && labels["engine"] === "0"));
    assert.ok(!samples.some(({ name }) => /gpu_cache_usage_perc|request_queue_depth/.test(name)));
  });

  it("tell gauges and count what ended", () => {
    const metrics = new Metrics("m");
    metrics.add("generation_tokens", 5);
    metrics.finish("length");
    metrics.finish("abort");
    metrics.finish("abort");
    const { samples } = parse(metrics.render(gauges));
    assert.equal(valueOf(samples, "vllm:num_requests_running"), 2);
    assert.equal(valueOf(samples, "vllm:num_requests_waiting"), 1);
    assert.equal(valueOf(samples, "vllm:num_requests_waiting_by_reason", { reason: "capacity" }), 1);
    assert.equal(valueOf(samples, "vllm:kv_cache_usage_perc"), 0.25);
    assert.equal(valueOf(samples, "vllm:generation_tokens_total"), 5);
    assert.equal(valueOf(samples, "vllm:request_success_total", { finished_reason: "abort" }), 2);
    assert.equal(valueOf(samples, "vllm:request_success_total", { finished_reason: "stop" }), 0);
  });

  it("have cumulative histograms", () => {
    const metrics = new Metrics("m");
    for (const value of [0.0005, 0.03, 0.03, 5000]) metrics.observe("time_to_first_token_seconds", value);
    const { samples } = parse(metrics.render(gauges));
    const bucket = (le: string) => valueOf(samples, "vllm:time_to_first_token_seconds_bucket", { le });
    assert.deepEqual(
      [bucket("0.001"), bucket("0.02"), bucket("0.04"), bucket("2560"), bucket("+Inf")],
      [1, 1, 3, 3, 4],
    );
    assert.equal(valueOf(samples, "vllm:time_to_first_token_seconds_count"), 4);
    assert.ok(Math.abs((valueOf(samples, "vllm:time_to_first_token_seconds_sum") ?? 0) - 5000.0605) < 1e-9);
  });
});
