import assert from "node:assert/strict";
import type { StorageConfig } from "../../../components/config/schema/platform";
import { LocalStorageClass, ModelStorage } from "../../../components/serving/modelStorage";
import { Tenancy } from "../../../components/tenancy/tenancy";
import { recordProgram, valueOf } from "../mocks";

const classType = "kubernetes:storage.k8s.io/v1:StorageClass";
const volumeType = "kubernetes:core/v1:PersistentVolume";
const claimType = "kubernetes:core/v1:PersistentVolumeClaim";
const local: StorageConfig = { type: "local", path: "/mnt/data/ai-models", size: "50Gi" };

const localProgram = (namespaces: readonly string[]) =>
  recordProgram(() => {
    const { className } = new LocalStorageClass("local-storage");
    return namespaces.map((name) => {
      const config = { name, gpuQuota: 8, podSecurity: "baseline" } as const;
      const { namespace } = new Tenancy(name, { namespace: config, gpuVendor: "amd" });
      return new ModelStorage(name, { namespace, storage: local, localClassName: className });
    });
  });

describe("ModelStorage on local directories", () => {
  it("makes one class for the stack", async () => {
    const storageClass = (await localProgram(["a", "b"])).one(classType);
    assert.equal(storageClass.inputs.provisioner, "kubernetes.io/no-provisioner");
    assert.equal(storageClass.inputs.volumeBindingMode, "WaitForFirstConsumer");
    assert.equal((storageClass.inputs.metadata as { name: string }).name, "local-storage");
  });

  it("makes the volume of the reference, kept when the stack goes", async () => {
    const volume = (await localProgram(["a"])).one(volumeType);
    assert.equal((volume.inputs.metadata as { name: string }).name, "ai-models-a");
    assert.deepEqual(volume.inputs.spec, {
      capacity: { storage: "50Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "local-storage",
      hostPath: { path: "/mnt/data/ai-models", type: "DirectoryOrCreate" },
    });
  });

  it("binds each claim to its own namespace's volume", async () => {
    const program = await localProgram(["a", "b"]);
    for (const name of ["a", "b"]) {
      const claim = program.one(claimType, name);
      const { metadata, spec } = claim.inputs as { metadata: Record<string, unknown>; spec: Record<string, unknown> };
      assert.deepEqual([metadata.name, metadata.namespace], ["ai-models", name]);
      assert.equal(spec.volumeName, `ai-models-${name}`);
      const { urn } = program.one(volumeType, name);
      assert.ok(claim.dependencies.includes(urn));
    }
  });

  it("asks the provider to accept a claim Pending or Bound", async () => {
    const { metadata } = (await localProgram(["a"])).one(claimType).inputs as {
      metadata: { annotations: Record<string, string> };
    };
    assert.deepEqual(metadata.annotations, { "pulumi.com/waitFor": "jsonpath={.status.phase}" });
  });

  it("declares a new size on the volume and leaves the bound claim alone", async () => {
    const program = await localProgram(["a"]);
    assert.deepEqual(program.one(claimType).ignoreChanges, ["spec.resources"]);
    assert.deepEqual(program.one(volumeType).ignoreChanges, []);
  });

  it("comes after the namespace and its quota, and goes before them", async () => {
    const program = await localProgram(["a"]);
    const dependencies = program
      .one(claimType)
      .dependencies.map((urn) => program.resources.find((resource) => resource.urn === urn)?.type);
    assert.ok(dependencies.includes("kubernetes:core/v1:Namespace"));
    assert.ok(dependencies.includes("kubernetes:core/v1:ResourceQuota"));
  });

  it("has its children, fixed names and output in order", async () => {
    const program = await localProgram(["a"]);
    for (const type of [volumeType, claimType]) {
      assert.equal(program.one(type).parent, program.one("inference-stack:serving:ModelStorage").urn);
      assert.equal(program.one(type).deleteBeforeReplace, true);
    }
    const [storage] = program.result;
    assert.equal(storage && (await valueOf(storage.claimName)), "ai-models");
    assert.deepEqual(program.one("inference-stack:serving:ModelStorage").outputs, { claimName: "ai-models" });
  });

  it("refuses to start without its class", async () => {
    await assert.rejects(
      recordProgram(() => new ModelStorage("a", { namespace: "a", storage: local })),
      /storage\.type is local, which needs localClassName/,
    );
  });
});

describe("ModelStorage on a storage class", () => {
  it("makes the claim only, and lets it grow", async () => {
    const storage: StorageConfig = {
      type: "storageClass",
      className: "ceph",
      size: "1Ti",
      accessMode: "ReadWriteMany",
    };
    const program = await recordProgram(() => new ModelStorage("a", { namespace: "a", storage }));
    assert.equal(program.resources.length, 2);
    const claim = program.one(claimType);
    assert.deepEqual(claim.inputs.spec, {
      storageClassName: "ceph",
      accessModes: ["ReadWriteMany"],
      resources: { requests: { storage: "1Ti" } },
    });
    assert.deepEqual(claim.ignoreChanges, []);
  });
});
