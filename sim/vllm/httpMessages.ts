import type { IncomingMessage, ServerResponse } from "node:http";

/** A refusal in the shape of the OpenAI API, as vLLM words it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

/** Answers with JSON, leaving out the Connection header as uvicorn does: HTTP/1.1 keeps the connection by itself. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, "application/json", JSON.stringify(body));
}

export function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  persist(response);
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

export function sendError(response: ServerResponse, error: ApiError): void {
  const { message, type, param, status } = error;
  sendJson(response, status, { error: { message, type, param, code: status } });
}

/** Starts a stream of server-sent events. */
export function startEvents(response: ServerResponse): void {
  persist(response);
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
}

export function sendEvent(response: ServerResponse, data: unknown): void {
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}

export function endEvents(response: ServerResponse): void {
  response.end("data: [DONE]\n\n");
}

/** The body of a request as a JSON object. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new ApiError(400, "BadRequestError", `JSON decode error: ${(error as Error).message}`);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ApiError(400, "BadRequestError", "Input should be a valid dictionary");
  }
  return body as Record<string, unknown>;
}

function persist(response: ServerResponse): void {
  if (response.shouldKeepAlive) response.removeHeader("connection");
}
