import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import { CertManager } from "../../../components/addons/certManager";
import { recordProgram, valueOf } from "../mocks";

describe("CertManager", () => {
  const run = () =>
    recordProgram(() => {
      const provider = new k8s.Provider("cluster", {});
      return new CertManager("cert-manager", { chartSource: "official" }, { provider });
    });

  it("installs the pinned chart with CRDs that go with it and the webhook check that the release waits for", async () => {
    const program = await run();
    const release = program.one("kubernetes:helm.sh/v3:Release");
    assert.deepEqual(release.inputs, {
      chart: "cert-manager",
      version: "v1.21.1",
      repositoryOpts: { repo: "https://charts.jetstack.io" },
      name: "cert-manager",
      namespace: "cert-manager",
      values: { crds: { enabled: true, keep: false }, startupapicheck: { enabled: true } },
      timeout: 600,
      maxHistory: 5,
      compat: "true",
    });
    assert.equal(release.deleteBeforeReplace, true);
  });

  it("owns its namespace, which the release is put in", async () => {
    const program = await run();
    const namespace = program.one("kubernetes:core/v1:Namespace");
    assert.deepEqual(namespace.inputs.metadata, { name: "cert-manager", labels: {} });
    const release = program.one("kubernetes:helm.sh/v3:Release");
    assert.deepEqual(program.names(release.dependencies), ["cert-manager"]);
    assert.deepEqual(release.dependencies, [namespace.urn]);
  });

  it("is the parent of all it makes, with the provider it was given", async () => {
    const program = await run();
    const component = program.one("inference-stack:addons:CertManager");
    const children = program.resources.filter(({ type }) => /^kubernetes:(core|helm)/.test(type));
    assert.equal(children.length, 2);
    for (const child of children) {
      assert.equal(child.parent, component.urn);
      assert.deepEqual(program.names([child.provider]), ["cluster"]);
    }
    assert.deepEqual(component.outputs, { namespace: "cert-manager" });
  });

  it("offers the release to those that depend on it", async () => {
    const program = await run();
    const urns = await Promise.all(program.result.resources.map(({ urn }) => valueOf(urn)));
    assert.deepEqual(urns, [program.one("kubernetes:helm.sh/v3:Release").urn]);
  });
});
