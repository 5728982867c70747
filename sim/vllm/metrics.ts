type Labels = Readonly<Record<string, string>>;

/** Bounds of the histograms, as vLLM sets them: seconds, except for the last. */
const buckets = {
  firstToken: [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
  ],
  perToken: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  request: [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680],
  tokens: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000],
} as const;

const histogramBuckets = {
  time_to_first_token_seconds: buckets.firstToken,
  inter_token_latency_seconds: buckets.perToken,
  request_time_per_output_token_seconds: buckets.perToken,
  e2e_request_latency_seconds: buckets.request,
  request_queue_time_seconds: buckets.request,
  request_prefill_time_seconds: buckets.request,
  request_decode_time_seconds: buckets.request,
  request_prompt_tokens: buckets.tokens,
  request_generation_tokens: buckets.tokens,
} as const;

export type HistogramName = keyof typeof histogramBuckets;

const counterNames = [
  "prompt_tokens",
  "generation_tokens",
  "num_preemptions",
  "prefix_cache_queries",
  "prefix_cache_hits",
  "admission_rejections",
] as const;

export type CounterName = (typeof counterNames)[number];

const finishReasons = ["stop", "length", "abort", "error"] as const;

export type FinishReason = (typeof finishReasons)[number];

/** What the engine is doing when the metrics are asked for. */
export interface EngineGauges {
  readonly running: number;
  readonly waiting: number;
  /** Share of the KV cache in use, 0 to 1. */
  readonly kvCacheUsage: number;
}

class Histogram {
  private readonly counts: number[];
  private sum = 0;
  private total = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.total++;
    const index = this.bounds.findIndex((bound) => value <= bound);
    if (index >= 0) this.counts[index] = (this.counts[index] ?? 0) + 1;
  }

  lines(name: string, labels: Labels): string[] {
    let cumulative = 0;
    const lines = this.bounds.map((bound, index) => {
      cumulative += this.counts[index] ?? 0;
      return sample(`${name}_bucket`, { ...labels, le: `${bound}` }, cumulative);
    });
    return [
      ...lines,
      sample(`${name}_bucket`, { ...labels, le: "+Inf" }, this.total),
      sample(`${name}_count`, labels, this.total),
      sample(`${name}_sum`, labels, this.sum),
    ];
  }
}

/**
 * The metrics of one engine in Prometheus' text format, under the names and labels that vLLM 0.33.0 exports. A part of
 * them stays 0: the stand-in preempts nothing, has no prefix cache and no admission limits.
 */
export class Metrics {
  private readonly labels: Labels;
  private readonly histograms: ReadonlyMap<HistogramName, Histogram>;
  private readonly counters = new Map<CounterName, number>(counterNames.map((name) => [name, 0]));
  private readonly finished = new Map<FinishReason, number>(finishReasons.map((reason) => [reason, 0]));

  constructor(modelName: string) {
    this.labels = { model_name: modelName, engine: "0" };
    this.histograms = new Map(
      (Object.keys(histogramBuckets) as HistogramName[]).map((name) => [name, new Histogram(histogramBuckets[name])]),
    );
  }

  observe(name: HistogramName, value: number): void {
    this.histograms.get(name)?.observe(value);
  }

  add(name: CounterName, amount: number): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + amount);
  }

  finish(reason: FinishReason): void {
    this.finished.set(reason, (this.finished.get(reason) ?? 0) + 1);
  }

  render(gauges: EngineGauges): string {
    const lines = [...this.gaugeLines(gauges), ...this.counterLines()];
    for (const [name, histogram] of this.histograms) {
      lines.push(...family(name, "histogram", histogram.lines(`vllm:${name}`, this.labels)));
    }
    return `${lines.join("\n")}\n`;
  }

  private gaugeLines({ running, waiting, kvCacheUsage }: EngineGauges): string[] {
    const gauge = (name: string, ...samples: [Labels, number][]) =>
      family(
        name,
        "gauge",
        samples.map(([labels, value]) => sample(`vllm:${name}`, { ...this.labels, ...labels }, value)),
      );
    return [
      ...gauge("num_requests_running", [{}, running]),
      ...gauge("num_requests_waiting", [{}, waiting]),
      ...gauge("num_requests_waiting_by_reason", [{ reason: "capacity" }, waiting], [{ reason: "deferred" }, 0]),
      ...gauge("kv_cache_usage_perc", [{}, kvCacheUsage]),
      ...gauge(
        "engine_sleep_state",
        [{ sleep_state: "awake" }, 1],
        [{ sleep_state: "weights_offloaded" }, 0],
        [{ sleep_state: "discard_all" }, 0],
      ),
      ...gauge("cache_config_info", [{ block_size: "16", cache_dtype: "auto", num_gpu_blocks: "8192" }, 1]),
      ...gauge("lora_requests_info", [{ max_lora: "0", running_lora_adapters: "", waiting_lora_adapters: "" }, 1]),
    ];
  }

  private counterLines(): string[] {
    const lines = [...this.counters].flatMap(([name, value]) =>
      family(name, "counter", [sample(`vllm:${name}_total`, this.labels, value)]),
    );
    const finished = [...this.finished].map(([reason, value]) =>
      sample("vllm:request_success_total", { ...this.labels, finished_reason: reason }, value),
    );
    return [...lines, ...family("request_success", "counter", finished)];
  }
}

function family(name: string, type: "gauge" | "counter" | "histogram", samples: readonly string[]): string[] {
  const full = type === "counter" ? `vllm:${name}_total` : `vllm:${name}`;
  return [`# HELP ${full} See vLLM's list of production metrics.`, `# TYPE ${full} ${type}`, ...samples];
}

function sample(name: string, labels: Labels, value: number): string {
  const text = Object.entries(labels)
    .map(([key, label]) => `${key}="${label.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`)
    .join(",");
  return `${name}{${text}} ${Number.isInteger(value) ? value.toFixed(1) : value}`;
}
