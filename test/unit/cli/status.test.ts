import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { readStatus, type ClusterStatus } from "../../../cli/clusterStatus";
import { fitSection } from "../../../cli/fitSection";
import { renderStatus } from "../../../cli/renderStatus";
import { root } from "../../../cli/paths";

const labels = { "app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": "kimi" };
const template = (gpus: number) => ({
  metadata: { labels },
  spec: {
    containers: [
      {
        name: "vllm",
        args: ["/weights", "--served-model-name", "moonshotai/Kimi-K2-Instruct"],
        resources: { limits: { "amd.com/gpu": `${gpus}` } },
      },
    ],
  },
});
const group = {
  metadata: { name: "kimi", namespace: "llm" },
  spec: {
    replicas: 2,
    leaderWorkerTemplate: { size: 3, leaderTemplate: template(8), workerTemplate: template(8) },
  },
  status: { readyReplicas: 1 },
};
const pending = {
  metadata: { name: "kimi-1-2", namespace: "llm", labels },
  spec: { containers: [] },
  status: {
    phase: "Pending",
    conditions: [{ type: "PodScheduled", status: "False", message: "Insufficient amd.com/gpu" }],
  },
};

/** What an API server answers, by path; all else is not found. */
const objects: Record<string, unknown> = {
  "/api/v1/nodes": { items: [] },
  "/api/v1/pods": { items: [pending] },
  "/api/v1/services": { items: [] },
  "/apis/apps/v1/deployments": { items: [] },
};

describe("readStatus", () => {
  let server: http.Server;
  let directory: string;
  let answers: Record<string, unknown>;

  before(async () => {
    server = http.createServer((request, response) => {
      const found = answers[(request.url ?? "").split("?", 1)[0] ?? ""];
      response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(found ?? { kind: "Status", code: 404 }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    directory = mkdtempSync(path.join(tmpdir(), "inference-stack-status-"));
    const { port } = server.address() as AddressInfo;
    writeFileSync(
      path.join(directory, "kubeconfig"),
      JSON.stringify({
        clusters: [{ name: "a", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
        contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
        users: [{ name: "a", user: {} }],
        "current-context": "a",
      }),
    );
  });
  after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  it("shows models on several nodes by LeaderWorkerSet, with the reasons of all their pods", async () => {
    answers = { ...objects, "/apis/leaderworkerset.x-k8s.io/v1/leaderworkersets": { items: [group] } };
    const status = await readStatus(path.join(directory, "kubeconfig"));
    assert.deepEqual(status.models, [
      {
        namespace: "llm",
        name: "kimi",
        model: "moonshotai/Kimi-K2-Instruct",
        gpusPerReplica: 24,
        replicas: 2,
        readyReplicas: 1,
        url: undefined,
        reasons: ["Insufficient amd.com/gpu"],
      },
    ]);
  });

  it("does without where the cluster does not know the kind", async () => {
    answers = objects;
    assert.deepEqual((await readStatus(path.join(directory, "kubeconfig"))).models, []);
  });
});

describe("the memory of the models in the status", () => {
  const nodes: ClusterStatus["nodes"] = [
    { name: "a", ready: true, product: "AMD_Instinct_MI300X_OAM", vendor: "amd", gpus: 8, gpusUsed: 1, gpusFree: 7 },
  ];

  it("is the table of the preview, on the nodes as they are", () => {
    const fit = fitSection("single", { nodes, models: [] }, path.join(root, "examples/single-gpu.yaml"));
    assert.match(fit, /qwen3-8b +1 × 1 MI300X +\d/);
    assert.match(fit, /total +1 of 8/);
    assert.ok(renderStatus({ nodes, models: [], fit }).includes(fit));
  });

  it("says why it is missing, and hides nothing else", () => {
    const fit = fitSection("gone", { nodes, models: [] }, path.join(root, "examples/gone.yaml"));
    assert.match(fit, /config of stack gone cannot be read now: .*gone\.yaml/);
  });
});
