import assert from "node:assert/strict";
import { inOrder } from "../inOrder";
import { assertSucceeded, changes, Sandbox, type StackValues } from "./sandbox";

interface Model {
  name: string;
  replicas?: number;
}

const models = (values: StackValues): Model[] => values["models"] as Model[];

describe("sim: the life of the dev stack through the real engine and API server", function () {
  this.timeout("10m");
  inOrder(this);
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.start();
  });
  after(async () => {
    await sandbox?.stop();
  });

  it("refuses a broken config in the engine, with all its problems and without a stack trace", async () => {
    const good = structuredClone(sandbox.config);
    await sandbox.configure((values) => {
      Object.assign(models(values)[0] ?? {}, { replicas: -1 });
      values["modles"] = [];
    });
    const { exitCode, stdout, stderr } = await sandbox.preview();
    await sandbox.configure((values) => {
      delete values["modles"];
      Object.assign(values, good);
    });
    assert.notEqual(exitCode, 0);
    assert.match(stdout + stderr, /inference-stack:models\[0\]\.replicas: -1/);
    assert.match(stdout + stderr, /inference-stack:modles/);
    assert.doesNotMatch(stdout + stderr, /at .*\.ts:\d+/);
    assert.deepEqual(await sandbox.state(), []);
  });

  it("previews an empty cluster without making anything", async () => {
    assertSucceeded(await sandbox.preview());
    assert.equal(
      (await sandbox.core.listNamespace()).items.filter((one) => one.metadata?.name === "metallb-system").length,
      0,
    );
  });

  it("comes up, with every replica scheduled on nodes that have the GPUs", async () => {
    const up = await sandbox.up();
    assertSucceeded(up);
    assert.doesNotMatch(up.stdout, /warning:/);
    const deployments = await sandbox.apps.listDeploymentForAllNamespaces({
      labelSelector: "app.kubernetes.io/name=vllm",
    });
    assert.equal(deployments.items.length, 3);
    for (const { metadata, spec, status } of deployments.items) {
      assert.equal(status?.readyReplicas, spec?.replicas, `replicas ready of ${metadata?.name}`);
    }
    const services = await sandbox.core.listServiceForAllNamespaces({ labelSelector: "app.kubernetes.io/name=vllm" });
    const addresses = services.items.flatMap(({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip));
    assert.equal(new Set(addresses).size, services.items.filter(({ spec }) => spec?.type === "LoadBalancer").length);
  });

  it("makes custom resources after the operators that own them", async () => {
    const state = await sandbox.state();
    const position = (type: string): number => state.findIndex((resource) => resource.type === type);
    assert.ok(position("kubernetes:metallb.io/v1beta1:IPAddressPool") > position("kubernetes:helm.sh/v3:Release"));
    assert.ok(position("kubernetes:amd.com/v1alpha1:DeviceConfig") > 0);
  });

  it("finds nothing to do the second time", async () => {
    const again = await sandbox.up("--expect-no-changes");
    assertSucceeded(again);
    assert.deepEqual(Object.keys(changes(again)), ["unchanged"], again.stdout);
  });

  it("touches only the Deployment whose replica count changes", async () => {
    const before = await generations(sandbox);
    await sandbox.configure((values) => {
      const model = models(values)[0];
      assert.ok(model);
      model.replicas = (model.replicas ?? 1) + 1;
    });
    const result = await sandbox.up();
    assertSucceeded(result);
    assert.equal(changes(result)["update"], 1, result.stdout);
    assert.equal(changes(result)["create"], undefined, result.stdout);
    const after = await generations(sandbox);
    const touched = Object.keys(after).filter((name) => after[name] !== before[name]);
    assert.equal(touched.length, 1, touched.join(", "));
  });

  it("removes a model that left the config, and only that", async () => {
    const before = await generations(sandbox);
    let removed = "";
    await sandbox.configure((values) => {
      removed = models(values).pop()?.name ?? "";
    });
    assertSucceeded(await sandbox.up());
    const after = await generations(sandbox);
    assert.deepEqual(
      Object.keys(before)
        .filter((name) => after[name] === undefined)
        .map((name) => name.split("/").pop()),
      [removed],
    );
  });

  it("repairs drift that was made with the API", async () => {
    const [deployment] = (
      await sandbox.apps.listDeploymentForAllNamespaces({ labelSelector: "app.kubernetes.io/name=vllm" })
    ).items;
    const { name = "", namespace = "" } = deployment?.metadata ?? {};
    const replicas = deployment?.spec?.replicas ?? 0;
    await sandbox.kubectl("-n", namespace, "scale", "deployment", name, `--replicas=${replicas + 3}`);
    const [service] = (await sandbox.core.listServiceForAllNamespaces({ labelSelector: "app.kubernetes.io/name=vllm" }))
      .items;
    await sandbox.kubectl("-n", service?.metadata?.namespace ?? "", "delete", "service", service?.metadata?.name ?? "");
    assertSucceeded(await sandbox.refresh());
    const repaired = await sandbox.up();
    assertSucceeded(repaired);
    assert.equal(changes(repaired)["create"], 1, repaired.stdout);
    assert.equal(changes(repaired)["update"], 1, repaired.stdout);
    const healed = await sandbox.apps.readNamespacedDeployment({ name, namespace });
    assert.equal(healed.spec?.replicas, replicas);
  });

  it("refuses a quota breach at preview, before anything changes", async () => {
    const before = await generations(sandbox);
    await sandbox.configure((values) => {
      for (const namespace of values["namespaces"] as { gpuQuota: number }[]) {
        namespace.gpuQuota = 1000;
      }
      const model = models(values)[0];
      assert.ok(model);
      model.replicas = 60;
    });
    const result = await sandbox.preview();
    assert.notEqual(result.exitCode, 0, result.stdout);
    assert.match(result.stdout + result.stderr, /mandatory[\s\S]*gpu-quota|gpu-quota[\s\S]*mandatory/i);
    assert.deepEqual(await generations(sandbox), before);
  });

  it("keeps no secret in plain text in its state", async () => {
    const exported = await sandbox.engine.capture(["stack", "export"]);
    assertSucceeded(exported);
    assert.doesNotMatch(exported.stdout, /client-key-data|BEGIN (RSA|EC|OPENSSH) PRIVATE KEY/);
  });

  it("destroys in order and leaves nothing", async () => {
    assertSucceeded(await sandbox.destroy());
    assert.deepEqual(await sandbox.state(), []);
    const namespaces = (await sandbox.core.listNamespace()).items.map(({ metadata }) => metadata?.name).sort();
    assert.deepEqual(namespaces, ["default", "kube-node-lease", "kube-public", "kube-system"]);
    assert.deepEqual((await sandbox.core.listPersistentVolume()).items, []);
  });
});

/** Generation of every vLLM Deployment, by namespace/name: it grows when the spec changes. */
async function generations(sandbox: Sandbox): Promise<Record<string, number>> {
  const { items } = await sandbox.apps.listDeploymentForAllNamespaces({ labelSelector: "app.kubernetes.io/name=vllm" });
  return Object.fromEntries(
    items.map(({ metadata }) => [`${metadata?.namespace}/${metadata?.name}`, metadata?.generation ?? 0]),
  );
}
