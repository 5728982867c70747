import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { ask } from "../../../../sim/vllm/client";
import { freePort } from "./standIn";

const chunk = (content: string, reason: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: reason }] })}\n\n`;
const plain = (content: string, reason: string) =>
  JSON.stringify({
    choices: [{ message: { content }, finish_reason: reason }],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  });
const done = "data: [DONE]\n\n";

describe("the load's verdict on an answer", () => {
  let server: http.Server;
  let port: number;
  let reply: (response: http.ServerResponse) => void;

  before(async () => {
    server = http.createServer((request, response) => {
      request.resume();
      request.on("end", () => reply(response));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());

  const verdicts: [string, boolean, (response: http.ServerResponse) => void, string | undefined][] = [
    ["whole", false, (response) => response.end(plain("token token1", "length")), undefined],
    ["whole, ended by the model", false, (response) => response.end(plain("token token1", "stop")), undefined],
    ["a token short", false, (response) => response.end(plain("token", "length")), "incomplete text"],
    ["aborted, with status 200", false, (response) => response.end(plain("token", "abort")), "finish_reason abort"],
    ["an error", false, (response) => response.writeHead(500).end("{}"), "status 500"],
    ["empty", false, (response) => response.end(), "finish_reason missing"],
    ["a reset", false, (response) => response.socket?.resetAndDestroy(), "connection: ECONNRESET"],
    [
      "cut off",
      false,
      (response) => {
        response.writeHead(200, { "content-length": 500 });
        response.write("{", () => response.destroy());
      },
      "cut off in mid-answer",
    ],
    [
      "a stream",
      true,
      (response) => response.end(chunk("token") + chunk(" token1") + chunk("", "length") + done),
      undefined,
    ],
    ["a stream without its end", true, (response) => response.end(chunk("token")), "stream without [DONE]"],
    ["a stream, aborted", true, (response) => response.end(chunk("", "abort") + done), "finish_reason abort"],
    [
      "a stream with a gap",
      true,
      (response) => response.end(chunk("token") + chunk("", "length") + done),
      "incomplete text",
    ],
    [
      "a stream with an error event",
      true,
      (response) => response.end(`${chunk("token")}data: {"error":{"code":500}}\n\n${done}`),
      "finish_reason missing",
    ],
  ];
  for (const [name, stream, answer, verdict] of verdicts) {
    it(name, async () => {
      reply = answer;
      assert.equal(await ask(port, "m", { tokens: 2, stream }, false), verdict);
    });
  }

  it("nobody there", async () => {
    assert.equal(await ask(await freePort(), "m", { tokens: 2, stream: false }, false), "connection: ECONNREFUSED");
  });
});
