import net, { type AddressInfo, type Socket } from "node:net";

/**
 * What an EndpointSlice says of a backend. `terminating` ones still serve, and get new connections only where nothing
 * is `ready`, as kube-proxy has done since Kubernetes 1.28 (KEP-1669).
 */
export type EndpointState = "ready" | "terminating";

/**
 * Forwards TCP connections as kube-proxy does: a new connection goes to a ready backend picked at random and stays
 * with it until either side closes, whatever becomes of the backend's state. What kube-proxy rejects, for want of a
 * backend, is accepted and reset here.
 */
export class Forwarder {
  private readonly states = new Map<number, EndpointState>();
  private readonly sockets = new Set<Socket>();
  private readonly server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.forward(client));

  /** Starts to listen on a free port of the loopback interface, and resolves to it. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(0, "127.0.0.1", resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Sets the state of the backend on a port of the loopback interface; undefined removes it. */
  set(port: number, state: EndpointState | undefined): void {
    if (state === undefined) this.states.delete(port);
    else this.states.set(port, state);
  }

  /** Cuts all connections and stops to listen. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pick(): number | undefined {
    const inState = (wanted: EndpointState) => [...this.states].filter(([, state]) => state === wanted);
    const ready = inState("ready");
    const candidates = ready.length > 0 ? ready : inState("terminating");
    return candidates[Math.floor(Math.random() * candidates.length)]?.[0];
  }

  private forward(client: Socket): void {
    this.track(client);
    const port = this.pick();
    if (port === undefined) {
      client.on("error", () => client.destroy());
      client.resetAndDestroy();
      return;
    }
    const backend = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.track(backend);
    join(client, backend);
    join(backend, client);
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
  }
}

/** Passes on bytes, the end and a reset. A connection that is refused or reset reaches the other side as a reset. */
function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on("error", () => to.resetAndDestroy());
  from.on("close", () => {
    if (!to.destroyed && !to.writableEnded) to.destroy();
  });
}
