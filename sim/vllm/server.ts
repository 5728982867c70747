import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseCommandLine, UsageError, vllmVersion, type ServeArguments } from "./commandLine";
import { ConnectionDrain } from "./connectionDrain";
import { complete, embed, modelIds } from "./completions";
import { Engine } from "./engine";
import { ApiError, readJson, send, sendError, sendJson } from "./httpMessages";
import { Metrics } from "./metrics";
import { readSettings, type Settings } from "./settings";

/*
 * A stand-in for `vllm serve`, for tests: the command line, endpoints, metrics and shutdown of vLLM 0.33.0, with an
 * engine that makes words at a set pace. Run it as `tsx sim/vllm/server.ts serve <model> --flag …`.
 *
 * How it shuts down follows what is known of the real server:
 * - SIGTERM goes to the engine first. With `--shutdown-timeout 0`, the default, it ends its requests with
 *   `finish_reason: "abort"`; with N above 0 they have N seconds, and new ones end with "abort" at once. All the while
 *   the HTTP server listens, answers /health with 200 and keeps its connections open.
 * - Then uvicorn stops: it closes the listening socket and idle connections. It never sends `Connection: close`
 *   by itself; with `--middleware` of our pods it does, and closes the connection after that answer (tried with
 *   uvicorn 0.54, both of its HTTP implementations), which `ConnectionDrain` does here.
 * - Not known from a measurement: whether each client hears of its abort before the process ends (vllm-project/vllm
 *   pull request 36964 says that some did not), and how requests look that outlast the time-out. Here the former do,
 *   and the latter get status 500, or an error event in a stream. Failed requests they are either way.
 */

interface Context {
  readonly args: ServeArguments;
  readonly engine: Engine;
}

type Handler = (context: Context, request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["GET /health", ({ engine }, _, response) => send(response, engine.dead ? 503 : 200, "text/plain", "")],
  ["GET /version", (_, __, response) => sendJson(response, 200, { version: vllmVersion })],
  ["GET /metrics", ({ engine }, _, response) => send(response, 200, metricsType, engine.metricsText())],
  ["GET /v1/models", ({ args }, _, response) => sendJson(response, 200, models(args))],
  [
    "POST /v1/chat/completions",
    async (context, request, response) => complete("chat", await readJson(request), { ...context, response }),
  ],
  [
    "POST /v1/completions",
    async (context, request, response) => complete("text", await readJson(request), { ...context, response }),
  ],
  [
    "POST /v1/embeddings",
    async (context, request, response) => embed(await readJson(request), { ...context, response }),
  ],
]);

const metricsType = "text/plain; version=0.0.4; charset=utf-8";

function models(args: ServeArguments): unknown {
  const created = Math.floor(Date.now() / 1000);
  const data = modelIds(args).map((id) => ({
    id,
    object: "model",
    created,
    owned_by: "vllm",
    root: args.loraNames.includes(id) ? id : args.model,
    parent: args.loraNames.includes(id) ? (args.servedModelNames[0] ?? args.model) : null,
    max_model_len: args.loraNames.includes(id) ? null : args.maxModelLen,
  }));
  return { object: "list", data };
}

async function handle(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  // The key protects these paths only; /health and /metrics stay open.
  const guarded = /^\/(v1|v2|inference)(\/|$)/.test(path) && context.args.apiKeys.length > 0;
  if (guarded && !context.args.apiKeys.some((key) => request.headers.authorization === `Bearer ${key}`)) {
    return sendJson(response, 401, { error: "Unauthorized" });
  }
  const handler = handlers.get(`${request.method} ${path}`);
  if (handler !== undefined) return handler(context, request, response);
  const known = [...handlers.keys()].some((key) => key.endsWith(` ${path}`));
  sendJson(response, known ? 405 : 404, { detail: known ? "Method Not Allowed" : "Not Found" });
}

function createServer(context: Context, settings: Settings): http.Server {
  const drain = new ConnectionDrain(context.args, settings);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    drain.wrap(response);
    await drain.refuse(request);
    return handle(context, request, response);
  };
  const server = http.createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!(error instanceof ApiError)) console.error(error);
      if (response.headersSent) response.destroy();
      else
        sendError(
          response,
          error instanceof ApiError ? error : new ApiError(500, "InternalServerError", `${error as Error}`),
        );
    });
  });
  server.keepAliveTimeout = settings.keepAliveSeconds * 1000;
  return server;
}

/** Drains the engine, then closes the HTTP server and ends the process. */
async function shutDown(server: http.Server, { args, engine }: Context): Promise<void> {
  const seconds = args.shutdownTimeoutSeconds;
  console.error(
    `INFO:     [shutdown] SIGTERM: ${seconds > 0 ? `draining for up to ${seconds} s` : "aborting requests"}`,
  );
  if (seconds === 0) engine.abortAll();
  else if (!(await engine.drain(seconds))) engine.kill();
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  // Answers that have just been written need a moment; connections that stay open beyond it are cut.
  setTimeout(() => process.exit(0), 200);
}

/** The end of an engine: /health says 503 until the watchdog ends the server. */
function killEngine(server: http.Server, engine: Engine, settings: Settings): void {
  engine.kill();
  if (settings.keepAliveOnEngineDeath) return;
  setTimeout(
    () => {
      server.closeAllConnections();
      server.close(() => process.exit(1));
    },
    (settings.watchdogSeconds * 1000) / settings.timeScale,
  );
}

function listen(args: ServeArguments, settings: Settings): void {
  const engine = new Engine(settings, args.maxNumSeqs, new Metrics(args.servedModelNames[0] ?? args.model));
  const server = createServer({ args, engine }, settings);
  server.on("error", (error) => {
    console.error(`ERROR:    ${error.message}`);
    process.exit(1);
  });
  server.listen(args.port, args.host, () => {
    // Port 0 is for tests; the line tells which one it became.
    const { address, port } = server.address() as AddressInfo;
    console.error(`INFO:     Uvicorn running on http://${address}:${port} (Press CTRL+C to quit)`);
  });
  process.once("SIGTERM", () => void shutDown(server, { args, engine }));
  process.once("SIGINT", () => void shutDown(server, { args, engine }));
  process.once("SIGUSR2", () => killEngine(server, engine, settings));
}

function main(): void {
  // Whoever started it for a test may die without a word: its end of the pipe closes then.
  if (process.env["STAND_IN_FOLLOWS_STDIN"] === "1") process.stdin.resume().once("end", () => process.exit(1));
  try {
    const args = parseCommandLine(process.argv.slice(2));
    const settings = readSettings(process.env);
    setTimeout(() => listen(args, settings), (settings.loadSeconds * 1000) / settings.timeScale);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`usage: vllm serve [model_tag] [options]\nvllm serve: error: ${error.message}`);
    process.exit(2);
  }
}

main();
