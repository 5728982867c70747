import assert from "node:assert/strict";
import { KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { findModel, isReachable, readyPod } from "../../../../cli/ask/cluster";
import { kubeconfigFor, startApiServer, type FakeApiServer } from "../../cluster/apiServer";
import { freePort } from "../../sim/vllm/standIn";

const service = (name: string, namespace: string, more: object = {}) => ({
  metadata: { name, namespace },
  spec: { type: "LoadBalancer", selector: { "app.kubernetes.io/instance": name }, ports: [{ port: 8000 }] },
  status: { loadBalancer: { ingress: [{ ip: "10.0.0.240" }] } },
  ...more,
});
const pod = (name: string, ready: boolean, more: object = {}): V1Pod => ({
  metadata: { name, namespace: "chat", ...more },
  status: {
    conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    containerStatuses: ready
      ? []
      : [
          {
            name: "vllm",
            image: "",
            imageID: "",
            ready: false,
            restartCount: 0,
            state: { waiting: { reason: "ImagePullBackOff", message: "no such image" } },
          },
        ],
  },
});

describe("findModel", () => {
  let server: FakeApiServer;
  let config: KubeConfig;
  before(async () => {
    const headless = { spec: { type: "ClusterIP", selector: {}, ports: [{ port: 8000 }] }, status: {} };
    const items = [service("qwen", "chat"), service("qwen", "lab"), service("inside", "chat", headless)];
    server = await startApiServer({
      "/api/v1/services": { kind: "ServiceList", apiVersion: "v1", metadata: {}, items },
      "/api/v1/namespaces/chat/pods": { kind: "PodList", apiVersion: "v1", metadata: {}, items: [pod("p", true)] },
    });
    config = new KubeConfig();
    config.loadFromString(kubeconfigFor(server.url));
  });
  after(() => server.close());

  it("finds a model by its name with the namespace, and its address", async () => {
    const found = await findModel(config, "chat/qwen");
    assert.deepEqual([found.namespace, found.name, found.url], ["chat", "qwen", "http://10.0.0.240:8000"]);
    assert.equal(readyPod(found).metadata?.name, "p");
  });

  it("gives no address of a Service inside the cluster", async () => {
    assert.equal((await findModel(config, "inside")).url, undefined);
  });

  it("lists the known ones for an unknown name", async () => {
    await assert.rejects(
      findModel(config, "qwenn"),
      /no model qwenn on the cluster\. It has: chat\/inside, chat\/qwen, lab\/qwen/,
    );
  });

  it("asks for the namespace where a name is not enough", async () => {
    await assert.rejects(findModel(config, "qwen"), /Several models are called qwen: chat\/qwen, lab\/qwen/);
  });
});

describe("readyPod", () => {
  const model = (pods: V1Pod[]) => ({ namespace: "chat", name: "qwen", url: undefined, pods });

  it("passes by pods that are going", () => {
    const going = pod("going", true, { deletionTimestamp: new Date() });
    assert.equal(readyPod(model([going, pod("here", true)])).metadata?.name, "here");
  });

  it("tells in the kubelet's words why none is ready", () => {
    assert.throws(() => readyPod(model([pod("a", false)])), /model qwen is not ready: ImagePullBackOff: no such image/);
    assert.throws(() => readyPod(model([])), /not ready: it has no pod/);
  });
});

describe("isReachable", () => {
  it("is false where nothing listens", async () => {
    assert.equal(await isReachable(`http://127.0.0.1:${await freePort()}`), false);
  });

  it("is true where something does", async () => {
    const server = await startApiServer({});
    assert.equal(await isReachable(server.url), true);
    await server.close();
  });
});
