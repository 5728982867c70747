import assert from "node:assert/strict";
import { Cni, installationSpec, type CniArgs } from "../../../../components/addons/cni";
import { recordProgram, valueOf } from "../../mocks";

const RELEASE = "kubernetes:helm.sh/v3:Release";
const INSTALLATION = "kubernetes:operator.tigera.io/v1:Installation";

const run = (cni: CniArgs["cni"]) =>
  recordProgram(() => new Cni("cni", { chartSource: "official", podCidr: "10.42.0.0/16", cni }));

const offered = async (cni: Cni) => Promise.all(cni.resources.map(({ urn }) => valueOf(urn)));

describe("Cni calico", () => {
  it("installs CRDs, then the operator, then an Installation whose pool is the pods' network", async () => {
    const program = await run("calico");
    const crds = program.one(RELEASE, "calico-crds");
    const operator = program.one(RELEASE, "calico");
    const installation = program.one(INSTALLATION);
    assert.deepEqual(
      [crds, operator].map(({ inputs }) => [inputs.chart, inputs.version, inputs.repositoryOpts, inputs.namespace]),
      [
        ["crd.projectcalico.org.v1", "v3.32.1", { repo: "https://docs.tigera.io/calico/charts" }, "calico-crds"],
        ["tigera-operator", "v3.32.1", { repo: "https://docs.tigera.io/calico/charts" }, "tigera-operator"],
      ],
    );
    assert.ok(operator.dependencies.includes(crds.urn));
    assert.ok(installation.dependencies.includes(operator.urn));
    assert.deepEqual(installation.inputs.spec, installationSpec("10.42.0.0/16"));
    assert.deepEqual(
      installationSpec("10.42.0.0/16").calicoNetwork.ipPools.map(({ cidr }) => cidr),
      ["10.42.0.0/16"],
    );
  });

  it("leaves what the operator runs to the Installation alone", async () => {
    assert.deepEqual((await run("calico")).one(RELEASE, "calico").inputs.values, {
      installation: { enabled: false },
      apiServer: { enabled: false },
      goldmane: { enabled: false },
      whisker: { enabled: false },
    });
  });

  it("is ready when the network is on all nodes", async () => {
    const program = await run("calico");
    const installation = program.one(INSTALLATION);
    assert.deepEqual(installation.inputs.metadata, {
      name: "default",
      annotations: { "pulumi.com/waitFor": "condition=Ready" },
    });
    assert.equal(installation.customTimeouts.create, "15m");
    assert.deepEqual(await offered(program.result), [program.one(RELEASE, "calico").urn, installation.urn]);
  });
});

describe("Cni flannel", () => {
  it("installs the chart with the pods' network, in a namespace that may set up the host's network", async () => {
    const program = await run("flannel");
    const release = program.one(RELEASE);
    assert.deepEqual(release.inputs.values, { podCidr: "10.42.0.0/16" });
    assert.deepEqual(
      [release.inputs.chart, release.inputs.version, release.inputs.repositoryOpts],
      ["flannel", "v0.28.9", { repo: "https://flannel-io.github.io/flannel" }],
    );
    const { metadata } = program.one("kubernetes:core/v1:Namespace").inputs as { metadata: { labels: object } };
    assert.deepEqual(metadata.labels, {
      "pod-security.kubernetes.io/enforce": "privileged",
      "pod-security.kubernetes.io/audit": "privileged",
      "pod-security.kubernetes.io/warn": "privileged",
    });
    assert.deepEqual(await offered(program.result), [release.urn]);
  });
});

describe("Cni none", () => {
  it("makes nothing but itself", async () => {
    const program = await run("none");
    assert.deepEqual(
      program.resources.map(({ type }) => type),
      ["inference-stack:addons:Cni"],
    );
    assert.deepEqual(program.result.resources, []);
  });
});
