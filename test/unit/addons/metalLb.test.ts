import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { MetalLb, type MetalLbArgs } from "../../../components/addons/metalLb";
import { recordProgram, valueOf } from "../mocks";

const RELEASE = "kubernetes:helm.sh/v3:Release";
const POOL = "kubernetes:metallb.io/v1beta1:IPAddressPool";
const ADVERTISEMENT = "kubernetes:metallb.io/v1beta1:L2Advertisement";

const run = (args: Partial<MetalLbArgs> = {}) =>
  recordProgram(
    () => new MetalLb("metallb", { chartSource: "official", addresses: ["10.0.0.240-10.0.0.250"], ...args }),
  );

describe("MetalLb", () => {
  it("installs the pinned chart for layer 2 without touching the routing daemon of the speaker", async () => {
    const release = (await run()).one(RELEASE);
    assert.deepEqual(release.inputs, {
      chart: "metallb",
      version: "0.16.1",
      repositoryOpts: { repo: "https://metallb.github.io/metallb" },
      name: "metallb",
      namespace: "metallb-system",
      values: { frrk8s: { enabled: false }, speaker: { ignoreExcludeLB: true } },
      timeout: 600,
      maxHistory: 5,
      compat: "true",
    });
  });

  it("lets speakers use the host network in its namespace", async () => {
    const metadata = (await run()).one("kubernetes:core/v1:Namespace").inputs.metadata;
    assert.deepEqual(metadata, {
      name: "metallb-system",
      labels: {
        "pod-security.kubernetes.io/enforce": "privileged",
        "pod-security.kubernetes.io/audit": "privileged",
        "pod-security.kubernetes.io/warn": "privileged",
      },
    });
  });

  it("makes the pool of the given addresses and announces that pool alone", async () => {
    const program = await run({ addresses: pulumi.output(["10.0.0.240/28", "10.1.0.1-10.1.0.9"]) });
    const pool = program.one(POOL).inputs;
    assert.deepEqual(pool.metadata, { name: "default", namespace: "metallb-system" });
    assert.deepEqual(pool.spec, { addresses: ["10.0.0.240/28", "10.1.0.1-10.1.0.9"], avoidBuggyIPs: true });
    const advertisement = program.one(ADVERTISEMENT).inputs;
    assert.deepEqual(advertisement.metadata, { name: "default", namespace: "metallb-system" });
    assert.deepEqual(advertisement.spec, { ipAddressPools: ["default"] });
    assert.equal(await valueOf(program.result.addressPool), "default");
  });

  it("announces on the given interfaces only", async () => {
    const program = await run({ interfaces: ["eth0", "bond0"] });
    assert.deepEqual(program.one(ADVERTISEMENT).inputs.spec, {
      ipAddressPools: ["default"],
      interfaces: ["eth0", "bond0"],
    });
  });

  it("makes custom resources after the release, whose webhook would refuse them, so destroy goes the other way", async () => {
    const program = await run();
    const release = program.one(RELEASE);
    const pool = program.one(POOL);
    assert.ok(pool.dependencies.includes(release.urn));
    const advertisement = program.one(ADVERTISEMENT);
    assert.ok(advertisement.dependencies.includes(release.urn));
    assert.ok(advertisement.dependencies.includes(pool.urn));
  });

  it("is the parent of all it makes and offers release, pool and advertisement", async () => {
    const program = await run();
    const component = program.one("inference-stack:addons:MetalLb");
    const children = program.resources.filter((resource) => resource !== component);
    assert.equal(children.length, 4);
    assert.ok(children.every(({ parent }) => parent === component.urn));
    const offered = await Promise.all(program.result.resources.map(({ urn }) => valueOf(urn)));
    assert.deepEqual(
      offered,
      [RELEASE, POOL, ADVERTISEMENT].map((type) => program.one(type).urn),
    );
  });

  it("fails when the mirror lacks the chart", async () => {
    await assert.rejects(run({ chartSource: "./test/unit/addons" }), /chartSource: .* holds neither metallb\//);
  });
});
