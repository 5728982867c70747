/** Seconds until a server must have begun to answer. Long prompts on busy GPUs take their time. */
const patience = 120;

interface Chunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
  readonly error?: { readonly message?: string } | string;
}

/**
 * Asks a vLLM server one question and hands on the words as they come.
 *
 * @param url of the server, `http://address:port`
 * @throws Error with the server's own words when it refuses, or when it stops half-way
 */
export async function answer(url: string, question: string, write: (text: string) => void): Promise<void> {
  const model = await servedModel(url);
  const messages = [{ role: "user", content: question }];
  const response = await request(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages, stream: true }),
  });
  if (response.body === null) throw new Error(`${url} answered without a body.`);
  const events = new EventStream();
  let ended = false;
  for await (const bytes of response.body) {
    for (const event of events.push(bytes)) {
      if (event === "[DONE]") ended = true;
      else write(contentOf(JSON.parse(event) as Chunk));
    }
  }
  write("\n");
  if (!ended) throw new Error(`${url} stopped in the middle of its answer. Next: ask again, and look at its logs.`);
}

/** The name under which the server serves its model. */
export async function servedModel(url: string): Promise<string> {
  const response = await request(`${url}/v1/models`, {});
  const { data } = (await response.json()) as { data?: readonly { id: string }[] };
  const [first] = data ?? [];
  if (first === undefined) throw new Error(`${url}/v1/models names no model.`);
  return first.id;
}

async function request(url: string, init: RequestInit): Promise<Response> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), patience * 1000);
  try {
    const response = await fetch(url, { ...init, signal: limit.signal });
    if (!response.ok) throw new Error(`${url} refused with status ${response.status}: ${await refusal(response)}`);
    return response;
  } catch (error) {
    if (limit.signal.aborted) throw new Error(`${url} did not begin to answer within ${patience} s.`);
    const cause = error instanceof Error ? error.cause : undefined;
    throw cause instanceof Error ? new Error(`${url} cannot be reached: ${cause.message}`) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** What a server says against a request: an OpenAI error, or some text. */
async function refusal(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as { error?: { message?: string } | string; message?: string; detail?: string };
    const error = typeof body.error === "string" ? body.error : body.error?.message;
    return error ?? body.message ?? body.detail ?? text;
  } catch {
    return text === "" ? response.statusText : text.slice(0, 500);
  }
}

function contentOf({ choices, error }: Chunk): string {
  if (error !== undefined) throw new Error(typeof error === "string" ? error : (error.message ?? "the server failed"));
  return choices?.[0]?.delta?.content ?? "";
}

/** The `data:` of server-sent events, which may be cut anywhere by the network. */
export class EventStream {
  private readonly decoder = new TextDecoder();
  private rest = "";

  push(bytes: Uint8Array): string[] {
    const lines = (this.rest + this.decoder.decode(bytes, { stream: true })).split(/\r?\n/);
    this.rest = lines.pop() ?? "";
    return lines.filter((line) => line.startsWith("data:")).map((line) => line.slice("data:".length).trim());
  }
}
