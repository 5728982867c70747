import assert from "node:assert/strict";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "../../../../sim/vllm/client";
import { Forwarder } from "../../../../sim/vllm/forwarder";
import { Replica, type ReplicaOptions } from "../../../../sim/vllm/replica";
import { untilRunning } from "./standIn";

const pod: ReplicaOptions = {
  engineArguments: ["org/model", "--shutdown-timeout", "60"],
  drain: { preStopSeconds: 10, drainSeconds: 60, slackSeconds: 10 },
  loadSeconds: 0,
  firstTokenSeconds: 1,
  tokenSeconds: 1,
  propagationSeconds: 1,
  timeScale: 20,
};

describe("a simulated replica", () => {
  let forwarder: Forwarder;
  let port: number;
  const replicas: Replica[] = [];

  beforeEach(async () => {
    forwarder = new Forwarder();
    port = await forwarder.listen();
  });
  afterEach(async () => {
    await Promise.all(replicas.splice(0).map((replica) => replica.destroy()));
    await forwarder.close();
  });

  const start = async (changes: Partial<ReplicaOptions> = {}) => {
    const replica = await Replica.start(forwarder, { ...pod, ...changes });
    replicas.push(replica);
    return replica;
  };
  const wanted = (tokens: number) => ({ tokens, stream: false });

  it("serves once it is ready, and ends after its pause and its drain", async () => {
    const replica = await start();
    assert.equal(await ask(port, "org/model", wanted(2), false), undefined);
    const inFlight = ask(port, "org/model", wanted(30), false);
    await untilRunning(`http://127.0.0.1:${port}`, 1);
    const { exitCode, killed, seconds } = await replica.delete();
    assert.equal(await inFlight, undefined);
    assert.deepEqual([exitCode, killed], [0, false]);
    assert.ok(seconds >= 24 && seconds < 80, `${seconds} s`);
  });

  it("is killed when the grace period cannot hold pause and drain, and requests are lost", async () => {
    // The server would wait for 60 s; the pod has 10 + 5 + 10.
    const replica = await start({ drain: { preStopSeconds: 10, drainSeconds: 5, slackSeconds: 10 } });
    const inFlight = ask(port, "org/model", wanted(100), false);
    await untilRunning(`http://127.0.0.1:${port}`, 1);
    const { exitCode, killed, seconds } = await replica.delete();
    assert.deepEqual([exitCode, killed], [null, true]);
    assert.ok(seconds >= 24.5 && seconds < 60, `${seconds} s`);
    assert.equal(await inFlight, "connection: ECONNRESET");
  });

  it("refuses requests that reach it on an old connection during its drain", async () => {
    const replica = await start({ drain: { ...pod.drain, preStopSeconds: 30 } });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal(await ask(port, "org/model", wanted(1), agent), undefined);
    const inFlight = ask(port, "org/model", wanted(80), false);
    await untilRunning(`http://127.0.0.1:${port}`, 1);
    const ending = replica.delete();
    await sleep(200);
    assert.equal(await ask(port, "org/model", wanted(1), agent), undefined, "during the pause it still serves");
    await sleep(2000);
    assert.equal(await ask(port, "org/model", wanted(1), agent), "finish_reason abort");
    assert.equal(await inFlight, undefined);
    await ending;
    agent.destroy();
  });

  it("tells why a server did not start", async () => {
    await assert.rejects(start({ engineArguments: ["org/model", "--frobnicate"] }), /exit code 2[^]*--frobnicate/);
  });
});
