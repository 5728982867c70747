import assert from "node:assert/strict";
import net, { type AddressInfo, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { Forwarder } from "../../../../sim/vllm/forwarder";
import { freePort } from "./standIn";

/** A backend that greets with its name and answers each byte with the same. */
class Backend {
  readonly sockets: Socket[] = [];
  private readonly server: Server;

  constructor(name: string) {
    this.server = net.createServer((socket) => {
      this.sockets.push(socket);
      socket.on("error", () => socket.destroy());
      socket.write(name);
      socket.pipe(socket);
    });
  }

  async listen(): Promise<number> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

async function connect(port: number): Promise<{ socket: Socket; greeting: string }> {
  const socket = net.connect(port, "127.0.0.1");
  const [greeting] = (await once(socket, "data")) as [Buffer];
  return { socket, greeting: greeting.toString() };
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = (await once(socket, "data")) as [Buffer];
  return answer.toString();
}

const failure = (port: number) =>
  new Promise<string>((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("end", () => resolve("ended"));
  });

describe("the forwarder", () => {
  let forwarder: Forwarder;
  let port: number;
  let backends: Backend[];
  let ports: number[];

  beforeEach(async () => {
    forwarder = new Forwarder();
    port = await forwarder.listen();
    backends = [new Backend("a"), new Backend("b")];
    ports = await Promise.all(backends.map((backend) => backend.listen()));
  });
  afterEach(async () => {
    await forwarder.close();
    for (const backend of backends) backend.close();
  });

  const [first, second] = [0, 1];
  const set = (index: number, state: "ready" | "terminating" | undefined) => forwarder.set(ports[index] ?? 0, state);
  const greetings = async (count: number) => {
    const seen = new Set<string>();
    for (let round = 0; round < count; round++) seen.add((await connect(port)).greeting);
    return [...seen].sort();
  };

  it("spreads new connections over ready backends", async () => {
    set(first, "ready");
    set(second, "ready");
    assert.deepEqual(await greetings(40), ["a", "b"]);
  });

  it("gives new connections to ready backends only, and leaves open ones alone", async () => {
    set(first, "ready");
    const { socket, greeting } = await connect(port);
    assert.equal(greeting, "a");
    set(second, "ready");
    set(first, "terminating");
    assert.deepEqual(await greetings(20), ["b"]);
    assert.equal(await echo(socket, "still there"), "still there");
    set(first, undefined);
    assert.equal(await echo(socket, "even now"), "even now");
  });

  it("falls back to terminating backends where nothing is ready", async () => {
    set(first, "terminating");
    assert.deepEqual(await greetings(3), ["a"]);
  });

  it("resets a connection that no backend takes", async () => {
    assert.equal(await failure(port), "ECONNRESET", "without a backend");
    forwarder.set(await freePort(), "ready");
    assert.equal(await failure(port), "ECONNRESET", "with one that does not listen");
  });

  it("passes on the end of a connection, each way by itself", async () => {
    set(first, "ready");
    const { socket } = await connect(port);
    const backend = backends[first]?.sockets[0];
    assert.ok(backend);
    const ended = once(backend, "end");
    socket.end();
    await ended;
    await once(socket, "end");
  });

  it("passes on a reset", async () => {
    set(first, "ready");
    const { socket } = await connect(port);
    const error = once(socket, "error");
    backends[first]?.sockets[0]?.resetAndDestroy();
    const [{ code }] = (await error) as [NodeJS.ErrnoException];
    assert.equal(code, "ECONNRESET");
  });
});
