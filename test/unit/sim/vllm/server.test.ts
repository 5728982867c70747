import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { events, freePort, post, spawnStandIn, startStandIn, stopStandIn, untilRunning, type StandIn } from "./standIn";

type Body = Record<string, unknown>;
const jsonOf = async (response: Response) => (await response.json()) as Body;
const choiceOf = (body: Body) => (body["choices"] as Body[])[0] ?? {};

describe("the vLLM stand-in", () => {
  let url: string;
  let server: StandIn;

  before(async () => {
    const flags = ["--max-model-len", "100", "--api-key", "secret", "--lora-modules", "sql=/adapters/sql"];
    const started = await startStandIn(flags, { STAND_IN_FIRST_TOKEN_SECONDS: "0.01", STAND_IN_TOKEN_SECONDS: "0.01" });
    ({ url } = started);
    server = started;
  });
  after(() => stopStandIn(server));

  const authorized = (path: string, body: unknown) => post(url + path, body, { authorization: "Bearer secret" });

  it("answers /health and /version to everybody", async () => {
    const health = await fetch(`${url}/health`);
    assert.equal(health.status, 200);
    assert.equal(await health.text(), "");
    assert.deepEqual(await jsonOf(await fetch(`${url}/version`)), { version: "0.33.0" });
  });

  it("asks for the API key under /v1 alone", async () => {
    assert.equal((await fetch(`${url}/v1/models`)).status, 401);
    assert.equal((await fetch(`${url}/v1/models`, { headers: { authorization: "Bearer other" } })).status, 401);
    assert.equal((await fetch(`${url}/metrics`)).status, 200);
  });

  it("lists the model and its adapters", async () => {
    const response = await fetch(`${url}/v1/models`, { headers: { authorization: "Bearer secret" } });
    const { object, data } = (await response.json()) as { object: string; data: Body[] };
    assert.equal(object, "list");
    assert.deepEqual(
      data.map(({ id, root, parent, max_model_len }) => [id, root, parent, max_model_len]),
      [
        ["org/model", "org/model", null, 100],
        ["sql", "sql", "org/model", null],
      ],
    );
  });

  it("completes a chat at once", async () => {
    const messages = [{ role: "user", content: "one two three" }];
    const response = await authorized("/v1/chat/completions", { model: "org/model", messages, max_tokens: 4 });
    const body = await jsonOf(response);
    assert.equal(response.status, 200);
    assert.equal(body["object"], "chat.completion");
    assert.equal(choiceOf(body)["finish_reason"], "length");
    assert.deepEqual(choiceOf(body)["message"], { role: "assistant", content: "token token1 token2 token3" });
    assert.deepEqual(body["usage"], { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 });
  });

  it("streams a chat", async () => {
    const messages = [{ role: "user", content: "one two" }];
    const options = { max_tokens: 3, stream: true, stream_options: { include_usage: true } };
    const response = await authorized("/v1/chat/completions", { model: "sql", messages, ...options });
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    const chunks = await events(response);
    const deltas = chunks.map((chunk) => choiceOf(chunk)["delta"] as Body | undefined);
    assert.deepEqual(
      deltas.map((delta) => delta?.["content"]),
      ["", "token", " token1", " token2", "", undefined],
    );
    assert.deepEqual(
      chunks.map((chunk) => choiceOf(chunk)["finish_reason"] ?? null),
      [null, null, null, null, "length", null],
    );
    assert.deepEqual(chunks.at(-1)?.["usage"], { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 });
  });

  it("completes and streams a text", async () => {
    const request = { model: "org/model", prompt: "once upon", max_tokens: 2 };
    const body = await jsonOf(await authorized("/v1/completions", request));
    assert.equal(body["object"], "text_completion");
    assert.equal(choiceOf(body)["text"], "token token1");
    const chunks = await events(await authorized("/v1/completions", { ...request, stream: true }));
    assert.equal(chunks.map((chunk) => choiceOf(chunk)["text"] as string).join(""), "token token1");
  });

  it("embeds texts: the same for the same text, another for another", async () => {
    const response = await authorized("/v1/embeddings", { model: "org/model", input: ["a b", "a b", "c"] });
    const { data, usage } = (await response.json()) as { data: { embedding: number[] }[]; usage: Body };
    const [first, second, third] = data.map(({ embedding }) => embedding);
    assert.deepEqual(first, second);
    assert.notDeepEqual(first, third);
    assert.equal(usage["prompt_tokens"], 5);
  });

  const refusals: [string, string, unknown, number][] = [
    ["an unknown model", "/v1/completions", { model: "other", prompt: "x" }, 404],
    ["a context that is too long", "/v1/completions", { model: "org/model", prompt: "x", max_tokens: 100 }, 400],
    ["no tokens", "/v1/completions", { model: "org/model", prompt: "x", max_tokens: 0 }, 400],
    ["no messages", "/v1/chat/completions", { model: "org/model", messages: [] }, 400],
    ["no prompt", "/v1/completions", { model: "org/model" }, 400],
    ["a body that is not JSON", "/v1/completions", "{", 400],
    ["a body that is a list", "/v1/completions", [], 400],
    ["an unknown path", "/v1/nothing", {}, 404],
    ["another method", "/v1/models", {}, 405],
  ];
  for (const [name, path, body, status] of refusals) {
    it(`refuses ${name}`, async () => assert.equal((await authorized(path, body)).status, status));
  }

  it("ends a request whose client goes away", async () => {
    const aborted = async () =>
      Number(/finished_reason="abort"\} (\S+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
    const earlier = await aborted();
    const controller = new AbortController();
    const request = fetch(`${url}/v1/completions`, {
      method: "POST",
      headers: { authorization: "Bearer secret" },
      body: JSON.stringify({ model: "org/model", prompt: "x", max_tokens: 90, stream: true }),
      signal: controller.signal,
    });
    await request;
    controller.abort();
    for (let tries = 0; (await aborted()) === earlier && tries < 30; tries++) await sleep(20);
    assert.equal(await aborted(), earlier + 1);
  });
});

describe("the vLLM stand-in's process", () => {
  it("refuses an unknown flag with exit code 2", async () => {
    const { exitCode, errors } = await spawnStandIn(["serve", "org/model", "--frobnicate"]).ended;
    assert.equal(exitCode, 2);
    assert.match(errors, /^usage: vllm serve/);
    assert.match(errors, /vllm serve: error: unrecognized arguments: --frobnicate/);
  });

  it("keeps its port closed while it loads", async () => {
    const port = await freePort();
    const args = ["serve", "org/model", "--host", "127.0.0.1", "--port", `${port}`];
    const start = performance.now();
    const server = spawnStandIn(args, { STAND_IN_LOAD_SECONDS: "30", STAND_IN_TIME_SCALE: "20" });
    try {
      const health = () =>
        fetch(`http://127.0.0.1:${port}/health`).then(
          ({ status }) => status,
          () => "closed",
        );
      assert.equal(await health(), "closed");
      while ((await health()) === "closed") {
        assert.ok(performance.now() - start < 15_000, "the port did not open");
        await sleep(50);
      }
      assert.ok(performance.now() - start >= 1500, "the port opened before 30 s at 20 times the speed");
      assert.equal(await health(), 200);
    } finally {
      await stopStandIn(server);
    }
  });

  it("says 503 when its engine is dead, and ends when the watchdog sees it", async () => {
    const server = await startStandIn([], { STAND_IN_TOKEN_SECONDS: "10", STAND_IN_TIME_SCALE: "5" });
    try {
      const request = post(`${server.url}/v1/completions`, { prompt: "x", max_tokens: 50 });
      await untilRunning(server.url, 1);
      server.process.kill("SIGUSR2");
      assert.equal((await request).status, 500);
      assert.equal((await fetch(`${server.url}/health`)).status, 503);
      assert.equal((await post(`${server.url}/v1/completions`, { prompt: "x" })).status, 500);
      assert.equal((await server.ended).exitCode, 1);
    } finally {
      await stopStandIn(server);
    }
  });
});
