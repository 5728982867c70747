import { statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { drainMiddleware } from "../../components/serving/connectionDrain";
import type { ServeArguments } from "./commandLine";
import { ApiError } from "./httpMessages";
import type { Settings } from "./settings";

/**
 * What `components/serving/scripts/connection_drain.py` does in a pod, at the same points: `wrap` where the middleware
 * wraps the ASGI `send`, `refuse` before the application is asked. Off without its `--middleware`.
 */
export class ConnectionDrain {
  private readonly started = Date.now();
  private readonly marker: string | undefined;
  private readonly pauseMilliseconds: number;

  constructor({ middleware }: ServeArguments, { drainMarker, drainPauseSeconds, timeScale }: Settings) {
    this.marker = middleware.includes(drainMiddleware) ? drainMarker : undefined;
    this.pauseMilliseconds = (drainPauseSeconds * 1000) / timeScale;
  }

  /** Makes an answer close its connection, where it is a stream or the server is about to stop. */
  wrap(response: ServerResponse): void {
    if (this.marker === undefined) return;
    const writeHead = response.writeHead.bind(response);
    const closing = (status: number, headers: Record<string, string | number>) => {
      const isStream = `${headers["content-type"]}`.startsWith("text/event-stream");
      const close = isStream || this.drainingMilliseconds() !== undefined ? { connection: "close" } : {};
      return writeHead(status, { ...headers, ...close });
    };
    response.writeHead = closing as typeof response.writeHead;
  }

  /** Refuses a request for work once the pause is over. Reads it to its end: what is closed unread is reset. */
  async refuse(request: IncomingMessage): Promise<void> {
    const since = this.drainingMilliseconds();
    if (request.method !== "POST" || since === undefined || since < this.pauseMilliseconds) return;
    request.resume();
    if (!request.readableEnded) await new Promise((resolve) => request.once("end", resolve).once("close", resolve));
    throw new ApiError(503, "ServiceUnavailableError", "This replica is shutting down. Ask again.");
  }

  /** Milliseconds since the hook touched the marker; undefined while the server is not about to stop. */
  private drainingMilliseconds(): number | undefined {
    const touched = this.marker === undefined ? undefined : statSync(this.marker, { throwIfNoEntry: false })?.mtimeMs;
    return touched === undefined || touched < this.started ? undefined : Date.now() - touched;
  }
}
