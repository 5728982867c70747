import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { ServeArguments } from "./commandLine";
import type { Engine, GenerationResult } from "./engine";
import { ApiError, endEvents, sendEvent, sendJson, startEvents } from "./httpMessages";

/** OpenAI's default for /v1/completions; the stand-in uses it for chats as well. */
const defaultMaxTokens = 16;

type Kind = "chat" | "text";

interface Parsed {
  readonly kind: Kind;
  readonly id: string;
  readonly model: string;
  readonly created: number;
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

/** The ids under which the server answers: the model's own, then its adapters'. */
export function modelIds(args: ServeArguments): string[] {
  return [...args.servedModelNames, ...args.loraNames];
}

/**
 * Answers /v1/chat/completions or /v1/completions. A request that the engine aborts or refuses while it drains looks
 * like a success: status 200, `finish_reason: "abort"`, and a stream goes on to `[DONE]` (vllm-project/vllm issue
 * 57082), so clients have to look at the reason. One whose engine dies gets status 500, or in a stream an error event.
 *
 * @throws ApiError for a request that vLLM refuses
 */
export async function complete(
  kind: Kind,
  body: Record<string, unknown>,
  context: { readonly args: ServeArguments; readonly engine: Engine; readonly response: ServerResponse },
): Promise<void> {
  const { args, engine, response } = context;
  const parsed = parse(kind, body, args);
  const { promptTokens, maxTokens, stream } = parsed;
  if (engine.dead) throw engineDead();
  if (stream) startStream(parsed, response);
  const onToken = stream ? (index: number) => sendEvent(response, chunk(parsed, word(index), null)) : undefined;
  const generation = engine.generate({ promptTokens, maxTokens, onToken });
  response.once("close", () => generation.abort());
  const result = await generation.result;
  if (response.destroyed) return;
  if (stream) {
    endStream(parsed, result, response);
  } else if (result.finishReason === "error") {
    throw engineDead();
  } else {
    sendJson(response, 200, answer(parsed, result));
  }
}

/** Answers /v1/embeddings with short vectors that depend on the text alone. */
export async function embed(
  body: Record<string, unknown>,
  context: { readonly args: ServeArguments; readonly engine: Engine; readonly response: ServerResponse },
): Promise<void> {
  const { args, engine, response } = context;
  const model = modelOf(body, args);
  const inputs = (Array.isArray(body["input"]) ? body["input"] : [body["input"]]).map(textOf);
  const promptTokens = inputs.reduce((sum, input) => sum + countTokens(input), 0);
  const { finishReason } = await engine.generate({ promptTokens, maxTokens: 1 }).result;
  // How vLLM words an embedding that a drain cut off has not been looked up; it is no vector in any case.
  if (finishReason !== "length") throw engineDead();
  sendJson(response, 200, {
    id: `embd-${randomUUID()}`,
    object: "list",
    created: Math.floor(Date.now() / 1000),
    model,
    data: inputs.map((input, index) => ({ index, object: "embedding", embedding: vector(input) })),
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens, completion_tokens: 0 },
  });
}

function parse(kind: Kind, body: Record<string, unknown>, args: ServeArguments): Parsed {
  const model = modelOf(body, args);
  const prompt = kind === "chat" ? messagesText(body["messages"]) : textOf(body["prompt"]);
  const promptTokens = countTokens(prompt);
  const maxTokens = body["max_completion_tokens"] ?? body["max_tokens"] ?? defaultMaxTokens;
  if (typeof maxTokens !== "number" || !Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new ApiError(
      400,
      "BadRequestError",
      `max_tokens must be at least 1, got ${JSON.stringify(maxTokens)}.`,
      "max_tokens",
    );
  }
  if (promptTokens + maxTokens > args.maxModelLen) {
    const problem = `maximum context length is ${args.maxModelLen} tokens, requested were ${promptTokens + maxTokens}`;
    throw new ApiError(400, "BadRequestError", `This model's ${problem}.`, "input_tokens");
  }
  const options = body["stream_options"] as { include_usage?: unknown } | null | undefined;
  return {
    kind,
    id: `${kind === "chat" ? "chatcmpl" : "cmpl"}-${randomUUID()}`,
    model,
    created: Math.floor(Date.now() / 1000),
    promptTokens,
    maxTokens,
    stream: body["stream"] === true,
    includeUsage: options?.include_usage === true,
  };
}

function modelOf(body: Record<string, unknown>, args: ServeArguments): string {
  const model = body["model"] ?? args.servedModelNames[0];
  if (typeof model !== "string" || !modelIds(args).includes(model)) {
    throw new ApiError(404, "NotFoundError", `The model ${JSON.stringify(model)} does not exist.`, "model");
  }
  return model;
}

function messagesText(messages: unknown): string {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new ApiError(400, "BadRequestError", "messages: a list with at least one message is needed", "messages");
  }
  return messages.map((message) => textOf((message as { content?: unknown }).content)).join(" ");
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) {
    throw new ApiError(400, "BadRequestError", "a text is needed: prompt, input or a message's content");
  }
  return JSON.stringify(value);
}

/** A word a token: near enough for lengths and usage. */
function countTokens(text: string): number {
  return Math.max(1, text.split(/\s+/).filter((part) => part !== "").length);
}

function word(index: number): string {
  return index === 0 ? "token" : ` token${index}`;
}

function startStream(parsed: Parsed, response: ServerResponse): void {
  startEvents(response);
  if (parsed.kind === "chat")
    sendEvent(response, envelope(parsed, { delta: { role: "assistant", content: "" } }, null));
}

function endStream(parsed: Parsed, result: GenerationResult, response: ServerResponse): void {
  if (result.finishReason === "error") {
    const { message, type, param, status } = engineDead();
    sendEvent(response, { error: { message, type, param, code: status } });
  } else {
    sendEvent(response, chunk(parsed, "", result.finishReason));
    if (parsed.includeUsage)
      sendEvent(response, { ...envelope(parsed, {}, null), choices: [], usage: usage(parsed, result) });
  }
  endEvents(response);
}

function chunk(parsed: Parsed, text: string, finishReason: string | null): unknown {
  return envelope(parsed, parsed.kind === "chat" ? { delta: { content: text } } : { text }, finishReason);
}

function envelope(
  parsed: Parsed,
  choice: Record<string, unknown>,
  finishReason: string | null,
): Record<string, unknown> {
  const { id, created, model, kind } = parsed;
  const object = kind === "chat" ? "chat.completion.chunk" : "text_completion";
  return {
    id,
    object,
    created,
    model,
    choices: [{ index: 0, ...choice, logprobs: null, finish_reason: finishReason }],
  };
}

function answer(parsed: Parsed, result: GenerationResult): unknown {
  const text = Array.from({ length: result.generatedTokens }, (_, index) => word(index)).join("");
  const choice = parsed.kind === "chat" ? { message: { role: "assistant", content: text } } : { text };
  return {
    ...envelope(parsed, choice, result.finishReason),
    object: parsed.kind === "chat" ? "chat.completion" : "text_completion",
    usage: usage(parsed, result),
  };
}

function usage({ promptTokens }: Parsed, { generatedTokens }: GenerationResult): unknown {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: generatedTokens,
    total_tokens: promptTokens + generatedTokens,
  };
}

function vector(text: string): number[] {
  const sums = new Array<number>(8).fill(0);
  for (const [index, character] of [...text].entries()) {
    sums[index % sums.length] = (sums[index % sums.length] ?? 0) + (character.codePointAt(0) ?? 0);
  }
  const length = Math.hypot(...sums) || 1;
  return sums.map((sum) => sum / length);
}

function engineDead(): ApiError {
  return new ApiError(
    500,
    "InternalServerError",
    "EngineCore encountered an issue. See stack trace for the root cause.",
  );
}
