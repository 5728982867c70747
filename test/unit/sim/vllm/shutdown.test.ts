import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { drainMiddleware } from "../../../../components/serving/connectionDrain";
import { events, post, startStandIn, stopStandIn, untilRunning } from "./standIn";

type Started = Awaited<ReturnType<typeof startStandIn>>;

const pace = { STAND_IN_FIRST_TOKEN_SECONDS: "0.05", STAND_IN_TOKEN_SECONDS: "0.05" };
const ask = ({ url }: Started, tokens: number, stream = false) =>
  post(`${url}/v1/completions`, { prompt: "x", max_tokens: tokens, stream });

/** What the answer says of its end. */
async function ending(request: Promise<Response>): Promise<unknown> {
  const response = await request;
  if (response.status !== 200) return response.status;
  if (!(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
    const body = (await response.json()) as { choices: { finish_reason: string; text: string }[] };
    return body.choices[0]?.finish_reason;
  }
  const last = (await events(response)).at(-1) as { error?: unknown; choices?: { finish_reason: string }[] };
  return last.error === undefined ? last.choices?.[0]?.finish_reason : "error event";
}

async function withServer(flags: string[], test: (server: Started) => Promise<void>): Promise<void> {
  const server = await startStandIn(flags, pace);
  try {
    await test(server);
  } finally {
    await stopStandIn(server);
  }
}

describe("the vLLM stand-in on SIGTERM", () => {
  it("lets requests in flight end within the time-out, refuses new ones, and stays healthy meanwhile", () =>
    withServer(["--shutdown-timeout", "30"], async (server) => {
      const inFlight = [ending(ask(server, 40)), ending(ask(server, 40, true))];
      await untilRunning(server.url, 2);
      server.process.kill("SIGTERM");
      await sleep(100);
      assert.equal((await fetch(`${server.url}/health`)).status, 200);
      assert.equal((await fetch(`${server.url}/v1/models`)).status, 200, "readiness does not notice a drain");
      assert.deepEqual(await Promise.all([ending(ask(server, 5)), ending(ask(server, 5, true))]), ["abort", "abort"]);
      assert.deepEqual(await Promise.all(inFlight), ["length", "length"]);
      assert.equal((await server.ended).exitCode, 0);
    }));

  it("cuts off what outlasts the time-out", () =>
    withServer(["--shutdown-timeout", "1"], async (server) => {
      const inFlight = [ending(ask(server, 1000)), ending(ask(server, 1000, true))];
      await untilRunning(server.url, 2);
      const start = performance.now();
      server.process.kill("SIGTERM");
      assert.deepEqual(await Promise.all(inFlight), [500, "error event"]);
      assert.ok(performance.now() - start >= 950, "they have the second that the flag gives");
      assert.equal((await server.ended).exitCode, 0);
      assert.ok(performance.now() - start < 5000, "and no more");
    }));

  it("aborts requests in flight at once without a time-out", () =>
    withServer([], async (server) => {
      const inFlight = [ending(ask(server, 1000)), ending(ask(server, 1000, true))];
      await untilRunning(server.url, 2);
      const start = performance.now();
      server.process.kill("SIGTERM");
      assert.deepEqual(await Promise.all(inFlight), ["abort", "abort"]);
      assert.equal((await server.ended).exitCode, 0);
      assert.ok(performance.now() - start < 2000);
    }));

  it("ends at once when nothing is in flight", () =>
    withServer(["--shutdown-timeout", "60"], async (server) => {
      const start = performance.now();
      server.process.kill("SIGTERM");
      assert.equal((await server.ended).exitCode, 0);
      assert.ok(performance.now() - start < 5000);
    }));
});

describe("the vLLM stand-in with the middleware of pods", () => {
  it("closes streams' connections, then all of them, then refuses work, as the Python module does", async () => {
    const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-stand-in-"));
    const marker = path.join(directory, "draining");
    const env = { ...pace, DRAIN_MARKER: marker, DRAIN_PAUSE_SECONDS: "1" };
    const server = await startStandIn(["--middleware", "other.Class", "--middleware", drainMiddleware], env);
    const seen = async () => {
      const answers = [await ask(server, 1), await ask(server, 1, true), await fetch(`${server.url}/health`)];
      await Promise.all(answers.map((answer) => answer.text()));
      return answers.map(({ status, headers }) => `${status} ${headers.get("connection")}`);
    };
    try {
      assert.deepEqual(await seen(), ["200 null", "200 close", "200 null"]);
      writeFileSync(marker, "");
      assert.deepEqual(await seen(), ["200 close", "200 close", "200 close"]);
      await sleep(1000);
      assert.deepEqual(await seen(), ["503 close", "503 close", "200 close"]);
    } finally {
      await stopStandIn(server);
      rmSync(directory, { recursive: true });
    }
  });
});
