import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ModelConfig } from "../../../components/config/schema/model";
import type { StorageConfig } from "../../../components/config/schema/platform";
import type { NodeRoom } from "../../../components/serving/rollout";
import { Serving } from "../../../components/serving/serving";
import { Tenancy } from "../../../components/tenancy/tenancy";
import { recordProgram } from "../mocks";
import { modelConfig } from "./fixtures";

const local: StorageConfig = { type: "local", path: "/mnt/data/ai-models", size: "50Gi" };
const shared: StorageConfig = { type: "storageClass", className: "ceph", size: "1Ti", accessMode: "ReadWriteMany" };

const namespaces = (["llm", "strict", "empty"] as const).map((name) => ({
  name,
  gpuQuota: 8,
  podSecurity: name === "strict" ? ("restricted" as const) : ("baseline" as const),
}));
const node: NodeRoom = { gpus: { amd: 8 }, cpus: 192, memory: 2 ** 40 };

function serve(
  models: readonly ModelConfig[],
  storage = local,
  tokens: Record<string, string> = {},
  nodes: readonly NodeRoom[] = [],
) {
  return recordProgram(() => {
    const operator = new k8s.core.v1.ConfigMap("operator");
    const tenants = new Map(
      namespaces.map((namespace) => [namespace.name, new Tenancy(namespace.name, { namespace, gpuVendor: "amd" })]),
    );
    const hfToken = (name: string) => pulumi.secret(tokens[name] ?? assert.fail(`no token ${name}`));
    return new Serving("serving", { models, tenants, storage, namespaces, nodes, hfToken }, { dependsOn: operator });
  });
}

describe("Serving", () => {
  it("makes storage in namespaces with models only, on one class", async () => {
    const program = await serve([
      modelConfig(),
      modelConfig({ name: "second" }),
      modelConfig({ name: "third", namespace: "strict" }),
    ]);
    assert.equal(program.all("kubernetes:storage.k8s.io/v1:StorageClass").length, 1);
    const claims = program.all("kubernetes:core/v1:PersistentVolumeClaim");
    assert.deepEqual(claims.map(({ name }) => name).sort(), ["llm", "strict"]);
    assert.deepEqual(
      program.result.models.map((model) => model.gpus),
      [1, 1, 1],
    );
  });

  it("makes no class without models or local storage", async () => {
    for (const program of [await serve([]), await serve([modelConfig()], shared)]) {
      assert.deepEqual(program.all("kubernetes:storage.k8s.io/v1:StorageClass"), []);
    }
  });

  it("waits for what it depends on, and for its namespace", async () => {
    const program = await serve([modelConfig()]);
    assert.deepEqual(program.names(program.one("inference-stack:serving:Serving").dependencies), ["operator"]);
    const dependencies = program.one("kubernetes:apps/v1:Deployment").dependencies.map((urn) =>
      program.resources
        .find((resource) => resource.urn === urn)
        ?.type.split(":")
        .at(-1),
    );
    assert.deepEqual(dependencies.sort(), [
      "ConfigMap",
      "LimitRange",
      "Namespace",
      "PersistentVolumeClaim",
      "ResourceQuota",
    ]);
  });

  it("makes the middleware once for each namespace with a model that closes connections", async () => {
    const image = "example.org/vllm:v1";
    const program = await serve([
      modelConfig(),
      modelConfig({ name: "second" }),
      modelConfig({ name: "own", namespace: "strict", image }),
    ]);
    const maps = program.all("kubernetes:core/v1:ConfigMap").filter(({ name }) => name !== "operator");
    assert.deepEqual(
      maps.map(({ name, inputs }) => [name, inputs.immutable]),
      [["llm", true]],
    );
    const { metadata, data } = maps[0]?.inputs as { metadata: { name: string }; data: Record<string, string> };
    assert.match(metadata.name, /^vllm-connection-drain-[0-9a-f]{10}$/);
    assert.match(data["connection_drain.py"] ?? "", /^class ConnectionDrain:/m);
    const mounted = program.all("kubernetes:apps/v1:Deployment").map(({ inputs }) => {
      const { spec } = inputs as { spec: { template: { spec: { volumes: { configMap?: { name: string } }[] } } } };
      return spec.template.spec.volumes.find(({ configMap }) => configMap !== undefined)?.configMap?.name;
    });
    assert.deepEqual(mounted.sort(), [metadata.name, metadata.name, undefined]);
  });

  it("gives models of the same name in two namespaces each its own resources", async () => {
    const program = await serve([modelConfig(), modelConfig({ namespace: "strict" })]);
    const deployments = program.all("kubernetes:apps/v1:Deployment");
    assert.equal(new Set(deployments.map(({ urn }) => urn)).size, 2);
  });

  it("hands each model the token that it names", async () => {
    const program = await serve(
      [modelConfig({ hfToken: { fromSecrets: "team" } }), modelConfig({ name: "open" })],
      local,
      {
        team: "hf_team",
      },
    );
    const secret = program.one("kubernetes:core/v1:Secret");
    assert.deepEqual(secret.inputs.data, { token: Buffer.from("hf_team").toString("base64") });
  });

  it("runs no server as root in a restricted namespace", async () => {
    const program = await serve([modelConfig(), modelConfig({ name: "safe", namespace: "strict" })]);
    const users = program.all("kubernetes:apps/v1:Deployment").map(({ inputs }) => {
      const { metadata, spec } = inputs as {
        metadata: { name: string };
        spec: { template: { spec: { securityContext: { runAsUser: number } } } };
      };
      return `${metadata.name} ${spec.template.spec.securityContext.runAsUser}`;
    });
    assert.deepEqual(users.sort(), ["qwen 0", "safe 2000"]);
  });

  it("lets a model surge where the cluster has room, and waits as long as the storage's bandwidth asks for", async () => {
    const rollouts = async (nodes: readonly NodeRoom[], bandwidth?: number) => {
      const program = await serve([modelConfig()], { ...local, bandwidth }, {}, nodes);
      const { spec } = program.one("kubernetes:apps/v1:Deployment").inputs as {
        spec: { strategy: { rollingUpdate: { maxSurge: number } }; progressDeadlineSeconds: number };
      };
      return [spec.strategy.rollingUpdate.maxSurge, spec.progressDeadlineSeconds] as const;
    };
    const [withoutNodes, deadline] = await rollouts([]);
    assert.equal(withoutNodes, 0);
    const [withNodes, slowDeadline] = await rollouts([node], 10);
    assert.equal(withNodes, 1);
    assert.ok(slowDeadline > deadline);
  });

  it("refuses a model in a namespace that is none of the stack's", async () => {
    await assert.rejects(serve([modelConfig({ namespace: "other" })]), /Namespace other .*llm, strict, empty/);
  });
});
