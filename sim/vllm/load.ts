import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, type Wanted } from "./client";

/**
 * How clients treat connections. `fresh`: one a request. `bounded`: kept, but none gets a new request once it is older
 * than `maxAgeSeconds`. `unbounded`: kept as long as the server keeps it.
 */
export type ConnectionUse = "fresh" | "bounded" | "unbounded";

export interface LoadOptions {
  readonly port: number;
  readonly model: string;
  /** Clients, each with one request at a time; the uses of connections take turns among them. */
  readonly clients: number;
  readonly connections: readonly ConnectionUse[];
  /** Oldest connection that a `bounded` client uses for a new request, unscaled. */
  readonly maxAgeSeconds: number;
  readonly timeScale: number;
}

export interface LoadCounts {
  readonly streaming: number;
  readonly plain: number;
  readonly failed: number;
  /** Failed requests by reason. */
  readonly reasons: ReadonlyMap<string, number>;
}

/** Of a hundred requests, those that are long. */
const longPercent = 1;
const shortTokens = { least: 2, most: 10 };
const longTokens = { least: 50, most: 200 };
/** Seconds after which a client goes on after a failure, unscaled. */
const pauseAfterFailure = 1;

/** Clients that ask without a break until they are stopped; every second request streams. */
export class Load {
  private streaming = 0;
  private plain = 0;
  private readonly reasons = new Map<string, number>();
  private stopping = false;
  private readonly clients: Promise<void>[];

  constructor(private readonly options: LoadOptions) {
    const { clients, connections } = options;
    this.clients = Array.from({ length: clients }, (_, index) =>
      this.client(index, connections[index % connections.length] ?? "fresh"),
    );
  }

  /** Requests that have ended. */
  get total(): number {
    return this.streaming + this.plain;
  }

  /** Lets the requests under way end, and counts. */
  async stop(): Promise<LoadCounts> {
    this.stopping = true;
    await Promise.all(this.clients);
    const failed = [...this.reasons.values()].reduce((sum, count) => sum + count, 0);
    return { streaming: this.streaming, plain: this.plain, failed, reasons: this.reasons };
  }

  private async client(index: number, use: ConnectionUse): Promise<void> {
    const { port, model, timeScale, maxAgeSeconds } = this.options;
    const random = randomNumbers(index + 1);
    const connection = new Connection(use, (maxAgeSeconds * 1000) / timeScale);
    for (let number = index; !this.stopping; number++) {
      const wanted = wantedBy(random, number % 2 === 0);
      const problem = await ask(port, model, wanted, connection.agent());
      if (wanted.stream) this.streaming++;
      else this.plain++;
      if (problem !== undefined) {
        this.reasons.set(problem, (this.reasons.get(problem) ?? 0) + 1);
        await sleep((pauseAfterFailure * 1000) / timeScale);
      }
    }
    connection.close();
  }
}

/** The connection of one client. */
class Connection {
  private current: http.Agent | undefined;
  private opened = 0;

  constructor(
    private readonly use: ConnectionUse,
    private readonly maxAge: number,
  ) {}

  agent(): http.Agent | false {
    if (this.use === "fresh") return false;
    if (this.use === "bounded" && performance.now() - this.opened > this.maxAge) this.close();
    if (this.current === undefined) {
      this.current = new http.Agent({ keepAlive: true, maxSockets: 1 });
      this.opened = performance.now();
    }
    return this.current;
  }

  close(): void {
    this.current?.destroy();
    this.current = undefined;
  }
}

function wantedBy(random: () => number, stream: boolean): Wanted {
  const { least, most } = random() * 100 < longPercent ? longTokens : shortTokens;
  return { tokens: least + Math.floor(random() * (most - least + 1)), stream };
}

/** Numbers from 0 to 1 that repeat from run to run (a linear congruential generator). */
function randomNumbers(seed: number): () => number {
  let state = (seed * 2_654_435_761) % 4_294_967_296;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
