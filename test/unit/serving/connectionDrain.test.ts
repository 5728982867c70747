import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { closesConnections, drainHook, drainMiddleware } from "../../../components/serving/connectionDrain";
import { defaultDrain } from "../../../components/serving/lifecycle";

describe("closesConnections", () => {
  it("holds in the release images, elsewhere where asked, and nowhere against config", () => {
    const image = "example.org/vllm:v1";
    assert.equal(closesConnections({}), true);
    assert.equal(closesConnections({ image }), false);
    assert.equal(closesConnections({ image, drain: { ...defaultDrain, closeConnections: true } }), true);
    assert.equal(closesConnections({ drain: { ...defaultDrain, closeConnections: false } }), false);
  });
});

describe("drainHook", () => {
  it("pauses even where the marker cannot be made", () => {
    assert.deepEqual(drainHook(defaultDrain), { exec: { command: ["sh", "-c", "touch /tmp/draining; sleep 15"] } });
  });
});

/** Asks an application that is wrapped in the middleware, at three times, and prints what a client would see. */
const driver = `
import asyncio, importlib, json, os, pathlib, sys, time
module, name = sys.argv[1].rsplit(".", 1)
middleware = getattr(importlib.import_module(module), name)
marker = pathlib.Path(os.environ["DRAIN_MARKER"])

async def application(scope, receive, send):
    kind = b"text/event-stream; charset=utf-8" if scope["path"] == "/stream" else b"application/json"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind), (b"Connection", b"keep-alive")]})
    await send({"type": "http.response.body", "body": b"answer"})

async def ask(method, path):
    sent, body = [], [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"}]
    async def receive(): return body.pop(0)
    async def send(message): sent.append(message)
    await middleware(application)({"type": "http", "method": method, "path": path}, receive, send)
    connection = [value.decode() for name, value in sent[0]["headers"] if name.lower() == b"connection"]
    return [sent[0]["status"], connection, len(body), sent[1]["body"].decode()]

async def round():
    return [await ask(*what) for what in [("POST", "/plain"), ("POST", "/stream"), ("GET", "/health")]]

async def main():
    before = await round()
    marker.touch()
    old = time.time() - 100
    os.utime(marker, (old, old))
    restarted = await round()
    # A file's time is that of the kernel's last tick, which may lie before the module's start.
    await asyncio.sleep(0.05)
    marker.touch()
    pause = await round()
    await asyncio.sleep(0.6)
    print(json.dumps([before, restarted, pause, await round()]))

asyncio.run(main())
`;

type Answer = readonly [status: number, connection: readonly string[], unread: number, body: string];

describe("the middleware that makes clients leave", () => {
  let directory: string;
  let rounds: readonly (readonly Answer[])[];

  before(function () {
    if (spawnSync("python3", ["--version"]).status !== 0) this.skip();
    directory = mkdtempSync(path.join(tmpdir(), "inference-stack-drain-"));
    const { stdout, stderr, status } = spawnSync("python3", ["-c", driver, drainMiddleware], {
      encoding: "utf8",
      env: {
        ...process.env,
        PYTHONPATH: path.join(__dirname, "../../../components/serving/scripts"),
        PYTHONDONTWRITEBYTECODE: "1",
        DRAIN_MARKER: path.join(directory, "draining"),
        DRAIN_PAUSE_SECONDS: "0.5",
      },
    });
    assert.equal(status, 0, stderr);
    rounds = JSON.parse(stdout) as Answer[][];
  });
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  const seen = (index: number) => rounds[index]?.map(([status, connection]) => [status, ...connection].join(" "));

  it("closes after streams alone while the server stays", () => {
    assert.deepEqual(seen(0), ["200 keep-alive", "200 close", "200 keep-alive"]);
  });

  it("forgets the pause of a container before it, which a probe had restarted", () => {
    assert.deepEqual(seen(1), seen(0));
  });

  it("closes after every answer from the pause on", () => {
    assert.deepEqual(seen(2), ["200 close", "200 close", "200 close"]);
  });

  it("refuses requests for work after the pause, with a status that clients try again on", () => {
    assert.deepEqual(seen(3), ["503 close", "503 close", "200 close"]);
    const [[, , unread, body] = assert.fail("nothing was asked")] = rounds[3] ?? [];
    assert.equal(unread, 0, "a connection that is closed with a body unread is reset");
    assert.equal((JSON.parse(body) as { error: { code: number } }).error.code, 503);
  });
});
