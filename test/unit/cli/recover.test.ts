import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { recoverInterrupted, type RecoveryEngine } from "../../../cli/recover";

const urn = (type: string, name: string): string => `urn:pulumi:prod::inference-stack::${type}::${name}`;
const creating = (type: string, name: string, inputs: object = {}) => ({
  type: "creating",
  resource: { urn: urn(type, name), type, inputs },
});
const step = creating("command:remote:Command", "gpu-1-join");
const namespace = (name: string) =>
  creating("kubernetes:core/v1:Namespace", name, { apiVersion: "v1", kind: "Namespace", metadata: { name } });

function kubeconfig(server: string): string {
  return JSON.stringify({
    clusters: [{ name: "a", cluster: { server, "insecure-skip-tls-verify": true } }],
    contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
    users: [{ name: "a", user: {} }],
    "current-context": "a",
  });
}

describe("recoverInterrupted", () => {
  let directory: string;
  let file: string;
  let runs: (readonly string[])[];

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), "inference-stack-recover-"));
    file = path.join(directory, "kubeconfig");
    runs = [];
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  /** An engine whose state has these pending operations, and which writes down what it is told to run. */
  function engine(pending: readonly object[], stateKubeconfig?: string): RecoveryEngine {
    const plaintext = JSON.stringify(stateKubeconfig);
    const provider = { type: "pulumi:providers:kubernetes", inputs: { kubeconfig: { plaintext } } };
    const resources = stateKubeconfig === undefined ? [] : [provider];
    const deployment = { pending_operations: pending, resources };
    return {
      stack: "prod",
      directory,
      capture: (args) => {
        if (args[0] !== "stack") runs.push(args);
        return Promise.resolve({ exitCode: 0, stdout: JSON.stringify({ deployment }), stderr: "" });
      },
    };
  }

  it("forgets steps on hosts, which find out by themselves what is done, without any kubeconfig", async () => {
    await recoverInterrupted(engine([step, creating("random:index/randomUuid:RandomUuid", "id")]), file);
    assert.equal(runs.length, 1);
    assert.equal(runs[0]?.[0], "refresh");
    assert.ok(runs[0].includes("--clear-pending-creates"));
    assert.ok(runs[0].every((argument) => !argument.startsWith("--import-pending-creates")));
  });

  it("does nothing where nothing is pending", async () => {
    await recoverInterrupted(engine([{ ...step, type: "updating" }]), file);
    assert.deepEqual(runs, []);
  });

  it("says what is pending and that a kubeconfig is needed, where there is none", async () => {
    const error = await recoverInterrupted(engine([step, namespace("chat"), namespace("lab")]), file).then(
      () => assert.fail("it went on"),
      (reason: unknown) => (reason as Error).message,
    );
    for (const name of ["chat", "lab"]) assert.ok(error.includes(urn("kubernetes:core/v1:Namespace", name)), error);
    assert.ok(!error.includes("gpu-1-join"), "a step on a host needs no cluster");
    assert.match(error, /created 2 object\(s\) on the cluster:[^]*its kubeconfig is needed to ask/);
    assert.ok(error.includes(`cause: there is no kubeconfig at ${file}, and none in the stack's state`), error);
    assert.ok(error.includes(`next: start the cluster, or write its kubeconfig to ${file}`), error);
    assert.deepEqual(runs, [], "nothing was settled");
  });

  it("says the same where the cluster does not answer", async () => {
    // Port 1 takes no connection.
    writeFileSync(file, kubeconfig("http://127.0.0.1:1"));
    await assert.rejects(
      recoverInterrupted(engine([namespace("chat")]), file, 0),
      /Namespace::chat\n.*needed to ask\.\ncause: .*ECONNREFUSED.*\nnext: start the cluster/,
    );
  });

  describe("with a cluster", () => {
    let server: http.Server;
    let address: string;
    /** Requests that are answered as by an API server whose etcd has no majority. */
    let outage = 0;

    before(async () => {
      const resources = [{ name: "namespaces", kind: "Namespace", namespaced: false, verbs: ["get"] }];
      const answers: Record<string, object> = {
        "/api/v1": { kind: "APIResourceList", groupVersion: "v1", resources },
        "/apis/example.com/v1": { kind: "APIResourceList", groupVersion: "example.com/v1", resources: [] },
        "/api/v1/namespaces/chat": { apiVersion: "v1", kind: "Namespace", metadata: { name: "chat" } },
      };
      server = http.createServer((request, response) => {
        const isOut = outage-- > 0;
        const found = isOut ? undefined : answers[request.url ?? ""];
        response.writeHead(isOut ? 503 : found === undefined ? 404 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(found ?? { kind: "Status", code: 404 }));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(() => {
      server.close();
    });

    it("takes over what exists and forgets the rest", async () => {
      writeFileSync(file, kubeconfig(address));
      await recoverInterrupted(engine([namespace("chat"), namespace("lab"), step]), file);
      assert.deepEqual(runs[0]?.slice(-3), [
        `--import-pending-creates=${urn("kubernetes:core/v1:Namespace", "chat")}`,
        "--import-pending-creates=chat",
        "--clear-pending-creates",
      ]);
    });

    it("asks again while the API server has no etcd, and gives up in time", async () => {
      outage = 1;
      writeFileSync(file, kubeconfig(address));
      await recoverInterrupted(engine([namespace("chat")]), file);
      assert.equal(runs[0]?.at(-1), "--import-pending-creates=chat");
      outage = 100;
      await assert.rejects(recoverInterrupted(engine([namespace("chat")]), file, 0), /only the cluster can say/);
      outage = 0;
    });

    it("finds it by the kubeconfig in the state where there is no file", async () => {
      await recoverInterrupted(engine([namespace("chat")], kubeconfig(address)), file);
      assert.equal(runs[0]?.at(-1), "--import-pending-creates=chat");
    });

    it("forgets an object of a kind that the cluster does not know yet", async () => {
      const inputs = { apiVersion: "example.com/v1", kind: "Pool", metadata: { name: "a", namespace: "b" } };
      writeFileSync(file, kubeconfig(address));
      await recoverInterrupted(engine([creating("kubernetes:example.com/v1:Pool", "pool", inputs)]), file);
      assert.equal(runs[0]?.at(-1), "--clear-pending-creates");
    });
  });
});
