import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { answer, EventStream, servedModel } from "../../../../cli/ask/chat";
import { freePort, startStandIn, stopStandIn } from "../../sim/vllm/standIn";

describe("answer", () => {
  let server: Awaited<ReturnType<typeof startStandIn>>;
  before(async function () {
    this.timeout("30s");
    server = await startStandIn(["--served-model-name", "chat"], { STAND_IN_TIME_SCALE: "20" });
  });
  after(() => stopStandIn(server));

  it("asks for the model that the server serves and hands on its words as they come", async () => {
    assert.equal(await servedModel(server.url), "chat");
    const parts: string[] = [];
    await answer(server.url, "Say some words.", (text) => parts.push(text));
    const words = parts.filter((part) => part !== "");
    assert.ok(words.length > 3, `in parts: ${JSON.stringify(parts)}`);
    assert.equal(parts.at(-1), "\n");
  });

  it("repeats what the server says when it refuses", async () => {
    const endless = "word ".repeat(200_000);
    await assert.rejects(
      answer(server.url, endless, () => undefined),
      /\/v1\/chat\/completions refused with status 400: .*maximum context length/s,
    );
  });

  it("says which server cannot be reached", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await assert.rejects(
      answer(url, "x", () => undefined),
      (error: Error) =>
        error.message.startsWith(`${url}/v1/models cannot be reached: `) && /REFUSED/.test(error.message),
    );
  });
});

describe("answer from a server that fails", () => {
  const serve = async (chat: (response: http.ServerResponse) => void, use: (url: string) => Promise<void>) => {
    const server = http.createServer((request, response) => {
      if (request.url === "/v1/models") response.end(JSON.stringify({ data: [{ id: "m" }] }));
      else chat(response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };

  it("tells that the answer stopped half-way", () =>
    serve(
      (response) => response.end('data: {"choices":[{"delta":{"content":"half"}}]}\n\n'),
      async (url) => {
        let text = "";
        await assert.rejects(
          answer(url, "x", (part) => (text += part)),
          /stopped in the middle of its answer/,
        );
        assert.equal(text, "half\n");
      },
    ));

  it("tells an error inside the stream", () =>
    serve(
      (response) => response.end('data: {"error":{"message":"engine is dead"}}\n\n'),
      (url) =>
        assert.rejects(
          answer(url, "x", () => undefined),
          /engine is dead/,
        ),
    ));

  it("shows a plain text that is no OpenAI error", () =>
    serve(
      (response) => response.writeHead(502).end("bad gateway"),
      (url) =>
        assert.rejects(
          answer(url, "x", () => undefined),
          /status 502: bad gateway/,
        ),
    ));
});

describe("EventStream", () => {
  it("puts events together wherever the network cuts them, inside a character too", () => {
    const bytes = new TextEncoder().encode('data: {"a":"é"}\n\n: comment\ndata: [DONE]\r\n');
    for (let cut = 1; cut < bytes.length; cut++) {
      const stream = new EventStream();
      const events = [...stream.push(bytes.slice(0, cut)), ...stream.push(bytes.slice(cut))];
      assert.deepEqual(events, ['{"a":"é"}', "[DONE]"]);
    }
  });
});
