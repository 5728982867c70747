import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ModelConfig } from "../../../components/config/schema/model";
import type { StorageConfig } from "../../../components/config/schema/platform";
import { Serving } from "../../../components/serving/serving";
import { Tenancy } from "../../../components/tenancy/tenancy";
import { recordProgram } from "../mocks";
import { modelConfig } from "./fixtures";

const local: StorageConfig = { type: "local", path: "/mnt/data/ai-models", size: "50Gi" };
const shared: StorageConfig = { type: "storageClass", className: "ceph", size: "1Ti", accessMode: "ReadWriteMany" };

function serve(models: readonly ModelConfig[], storage = local, tokens: Record<string, string> = {}) {
  return recordProgram(() => {
    const operator = new k8s.core.v1.ConfigMap("operator");
    const tenants = new Map(
      (["llm", "strict", "empty"] as const).map((name) => {
        const podSecurity = name === "strict" ? "restricted" : "baseline";
        return [name, new Tenancy(name, { namespace: { name, gpuQuota: 8, podSecurity }, gpuVendor: "amd" })];
      }),
    );
    const hfToken = (name: string) => pulumi.secret(tokens[name] ?? assert.fail(`no token ${name}`));
    return new Serving("serving", { models, tenants, storage, hfToken }, { dependsOn: operator });
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
    assert.deepEqual(dependencies.sort(), ["LimitRange", "Namespace", "PersistentVolumeClaim", "ResourceQuota"]);
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

  it("refuses a model in a namespace that is none of the stack's", async () => {
    await assert.rejects(serve([modelConfig({ namespace: "other" })]), /Namespace other .*llm, strict, empty/);
  });
});
