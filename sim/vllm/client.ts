import http from "node:http";

/** A completion that a client wants. */
export interface Wanted {
  readonly tokens: number;
  readonly stream: boolean;
}

const body = (model: string, { tokens, stream }: Wanted) =>
  JSON.stringify({ model, messages: [{ role: "user", content: "go" }], max_tokens: tokens, stream });

/**
 * Asks for a chat completion, and resolves to why it failed; undefined when the answer came whole: status 200, as many
 * tokens as wanted, a reason to finish that is the model's, and a stream's `[DONE]`. Nothing is tried again.
 *
 * @param agent keeps the connection; false opens one for this request
 */
export function ask(
  port: number,
  model: string,
  wanted: Wanted,
  agent: http.Agent | false,
): Promise<string | undefined> {
  const data = body(model, wanted);
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, path: "/v1/chat/completions", method: "POST", agent };
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(data) };
    const request = http.request({ ...options, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve(problemOf(response.statusCode ?? 0, text, wanted)));
      response.on("error", () => resolve("cut off in mid-answer"));
    });
    request.on("error", (error: NodeJS.ErrnoException) => resolve(`connection: ${error.code ?? error.message}`));
    request.end(data);
  });
}

function problemOf(status: number, text: string, { tokens, stream }: Wanted): string | undefined {
  if (status !== 200) return `status ${status}`;
  if (stream && !text.endsWith("data: [DONE]\n\n")) return "stream without [DONE]";
  const reasons = [...text.matchAll(/"finish_reason":"(\w+)"/g)].map(([, reason]) => reason);
  const [reason] = reasons;
  if (reason !== "stop" && reason !== "length") return `finish_reason ${reason ?? "missing"}`;
  const received = text.split("token").length - 1;
  // The word is also part of three keys of the usage that a plain answer ends with.
  return received === tokens + (stream ? 0 : 3) ? undefined : "incomplete text";
}
