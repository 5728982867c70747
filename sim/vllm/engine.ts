import type { FinishReason, Metrics } from "./metrics";
import type { Settings } from "./settings";

/** A request to the engine. */
export interface GenerationRequest {
  readonly promptTokens: number;
  readonly maxTokens: number;
  /** Called for each token as it is made; left out, the answer is only counted. */
  readonly onToken?: (index: number) => void;
}

/** How a request ended. */
export interface GenerationResult {
  readonly generatedTokens: number;
  readonly finishReason: FinishReason;
}

/** A request under way. */
export interface Generation {
  readonly result: Promise<GenerationResult>;
  /** Ends it at once with `abort`, as vLLM does when its client hangs up; without effect when it has ended. */
  abort(): void;
}

interface Entry {
  readonly request: GenerationRequest;
  readonly arrived: number;
  readonly resolve: (result: GenerationResult) => void;
  started?: number;
  generated: number;
  timer?: NodeJS.Timeout;
}

/** KV tokens of the pretended GPU: 8,192 blocks of 16. */
const kvTokens = 131_072;

/**
 * Makes tokens at a fixed pace. Requests beyond `maxNumSeqs` wait in order of arrival. Every answer has as many tokens
 * as it may have.
 */
export class Engine {
  private state: "running" | "draining" | "dead" = "running";
  private readonly waiting: Entry[] = [];
  private readonly running = new Set<Entry>();
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly settings: Pick<Settings, "firstTokenSeconds" | "tokenSeconds" | "timeScale">,
    private readonly maxNumSeqs: number,
    private readonly metrics: Metrics,
  ) {}

  get dead(): boolean {
    return this.state === "dead";
  }

  /**
   * Starts a request. Once the engine drains it takes no more: the request ends with `abort` before its first token,
   * which is what vLLM's engine core sends back (`_reject_add_in_shutdown` in vllm/v1/engine/core.py).
   */
  generate(request: GenerationRequest): Generation {
    let resolve!: (result: GenerationResult) => void;
    const result = new Promise<GenerationResult>((settle) => (resolve = settle));
    const entry: Entry = { request, arrived: performance.now(), resolve, generated: 0 };
    if (this.state !== "running") {
      this.settle(entry, this.dead ? "error" : "abort");
    } else {
      this.waiting.push(entry);
      this.startWaiting();
    }
    return { result, abort: () => this.finish(entry, "abort") };
  }

  /** Refuses what comes from now on, and resolves to whether all requests under way ended within `seconds`. */
  async drain(seconds: number): Promise<boolean> {
    if (this.state === "running") this.state = "draining";
    if (this.idle) return true;
    return new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), (seconds * 1000) / this.settings.timeScale);
      this.onIdle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** Ends all requests with `abort` and refuses what comes from now on. */
  abortAll(): void {
    if (this.state === "running") this.state = "draining";
    for (const entry of [...this.waiting, ...this.running]) this.finish(entry, "abort");
  }

  /** Ends all requests with an error, as a crash does. */
  kill(): void {
    this.state = "dead";
    for (const entry of [...this.waiting, ...this.running]) this.finish(entry, "error");
  }

  metricsText(): string {
    let tokens = 0;
    for (const { request, generated } of this.running) tokens += request.promptTokens + generated;
    return this.metrics.render({
      running: this.running.size,
      waiting: this.waiting.length,
      kvCacheUsage: Math.min(1, tokens / kvTokens),
    });
  }

  private get idle(): boolean {
    return this.running.size + this.waiting.length === 0;
  }

  private startWaiting(): void {
    while (this.running.size < this.maxNumSeqs) {
      const entry = this.waiting.shift();
      if (entry === undefined) return;
      entry.started = performance.now();
      this.running.add(entry);
      this.metrics.observe("request_queue_time_seconds", this.secondsSince(entry.arrived, entry.started));
      this.metrics.add("prompt_tokens", entry.request.promptTokens);
      this.metrics.observe("request_prompt_tokens", entry.request.promptTokens);
      this.schedule(entry);
    }
  }

  /** Arms the timer of the next token; of the last one where nobody wants to see the others. */
  private schedule(entry: Entry): void {
    const { firstTokenSeconds, tokenSeconds, timeScale } = this.settings;
    const { onToken, maxTokens } = entry.request;
    const next = onToken === undefined ? maxTokens : entry.generated + 1;
    const due = (firstTokenSeconds + Math.max(0, next - 1) * tokenSeconds) * (1000 / timeScale);
    const delay = Math.max(0, due - (performance.now() - (entry.started ?? entry.arrived)));
    entry.timer = setTimeout(() => {
      entry.generated = next;
      onToken?.(next - 1);
      if (next >= maxTokens) this.finish(entry, "length");
      else this.schedule(entry);
    }, delay);
  }

  private finish(entry: Entry, reason: FinishReason): void {
    const position = this.waiting.indexOf(entry);
    if (position >= 0) this.waiting.splice(position, 1);
    else if (!this.running.delete(entry)) return;
    clearTimeout(entry.timer);
    this.settle(entry, reason);
    if (this.state !== "dead") this.startWaiting();
    if (this.idle) this.onIdle?.();
  }

  private settle(entry: Entry, reason: FinishReason): void {
    this.metrics.finish(reason);
    if (reason === "length") this.observeTimes(entry);
    entry.resolve({ generatedTokens: entry.generated, finishReason: reason });
  }

  private observeTimes({ arrived, started = arrived, generated }: Entry): void {
    const now = performance.now();
    const { firstTokenSeconds, tokenSeconds } = this.settings;
    const queued = this.secondsSince(arrived, started);
    const total = this.secondsSince(arrived, now);
    const prefill = Math.min(firstTokenSeconds, total - queued);
    const decode = Math.max(0, total - queued - prefill);
    this.metrics.add("generation_tokens", generated);
    this.metrics.observe("request_generation_tokens", generated);
    this.metrics.observe("time_to_first_token_seconds", queued + prefill);
    this.metrics.observe("e2e_request_latency_seconds", total);
    this.metrics.observe("request_prefill_time_seconds", prefill);
    this.metrics.observe("request_decode_time_seconds", decode);
    if (generated > 1) this.metrics.observe("request_time_per_output_token_seconds", decode / (generated - 1));
    for (let token = 1; token < generated; token++) this.metrics.observe("inter_token_latency_seconds", tokenSeconds);
  }

  /** Seconds as a real server would count them: the clock runs `timeScale` times as fast. */
  private secondsSince(start: number, end: number): number {
    return ((end - start) / 1000) * this.settings.timeScale;
  }
}
