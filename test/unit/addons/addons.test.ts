import assert from "node:assert/strict";
import { Addons, type AddonsArgs } from "../../../components/addons/addons";
import { addonsSchema, gpuSchema } from "../../../components/config/schema/platform";
import { recordProgram, valueOf } from "../mocks";

const RELEASE = "kubernetes:helm.sh/v3:Release";

const run = (args: Partial<AddonsArgs> = {}) =>
  recordProgram(
    () =>
      new Addons("addons", {
        addons: addonsSchema.parse({}),
        chartSource: "./sim/charts",
        gpu: gpuSchema.parse({}),
        addresses: ["10.0.0.240-10.0.0.250"],
        interfaces: ["bond0"],
        ...args,
      }),
  );

describe("Addons", () => {
  it("takes every chart from the chart source", async () => {
    const program = await run({ gpu: gpuSchema.parse({ vendor: "both" }) });
    const chartsOf = program.all(RELEASE).map(({ inputs }) => inputs.chart);
    assert.deepEqual(chartsOf.sort(), [
      "./sim/charts/cert-manager",
      "./sim/charts/gpu-operator",
      "./sim/charts/gpu-operator-charts",
      "./sim/charts/metallb",
    ]);
  });

  it("puts the AMD operator after cert-manager, and MetalLB after neither", async () => {
    const program = await run();
    const certManager = program.one(RELEASE, "cert-manager").urn;
    assert.ok(program.one(RELEASE, "gpu-operator-amd").dependencies.includes(certManager));
    const metalLb = program.one(RELEASE, "metallb");
    assert.deepEqual(program.names(metalLb.dependencies), ["metallb"]);
  });

  it("puts the pod network before every other add-on, and offers it to models", async () => {
    const program = await run({
      chartSource: "official",
      podNetwork: { cni: "flannel", podCidr: "10.42.0.0/16" },
      addons: addonsSchema.parse({ leaderWorkerSet: "install" }),
    });
    const flannel = program.one(RELEASE, "flannel").urn;
    const components = program.resources.filter(({ type, parent }) => {
      return type.startsWith("inference-stack:addons:") && parent === program.one("inference-stack:addons:Addons").urn;
    });
    const others = components.filter(({ name }) => name !== "cni");
    assert.deepEqual(others.map(({ name }) => name).sort(), ["cert-manager", "gpu-operator", "lws", "metallb"]);
    for (const { name, dependencies } of others) assert.ok(dependencies.includes(flannel), name);
    const offered = await Promise.all(program.result.resources.map(({ urn }) => valueOf(urn)));
    assert.ok(offered.includes(flannel));
  });

  it("installs LeaderWorkerSet where asked, before the models that use it", async () => {
    const program = await run({ addons: addonsSchema.parse({ leaderWorkerSet: "install" }) });
    const release = program.one(RELEASE, "lws");
    assert.equal(release.inputs.chart, "./sim/charts/lws");
    assert.equal(release.inputs.namespace, "lws-system");
    const offered = await Promise.all(program.result.resources.map(({ urn }) => valueOf(urn)));
    assert.ok(offered.includes(release.urn));
    assert.equal(program.parentName(release), "lws");
    assert.deepEqual(program.one("inference-stack:addons:LeaderWorkerSet").outputs, { namespace: "lws-system" });
    const existing = await run({ addons: addonsSchema.parse({ leaderWorkerSet: "existing" }) });
    assert.ok(existing.all(RELEASE).every(({ name }) => name !== "lws"));
  });

  it("hands addresses and interfaces to MetalLB", async () => {
    const program = await run();
    const spec = (kind: string) => program.one(`kubernetes:metallb.io/v1beta1:${kind}`).inputs.spec;
    assert.deepEqual(spec("IPAddressPool"), { addresses: ["10.0.0.240-10.0.0.250"], avoidBuggyIPs: true });
    assert.deepEqual(spec("L2Advertisement"), { ipAddressPools: ["default"], interfaces: ["bond0"] });
  });

  it("leaves alone what exists on the cluster", async () => {
    for (const [existing, absent] of [
      ["certManager", "cert-manager"],
      ["gpuOperator", "gpu-operator-amd"],
      ["metalLb", "metallb"],
    ] as const) {
      const program = await run({ addons: addonsSchema.parse({ [existing]: "existing" }) });
      const names = program.all(RELEASE).map(({ name }) => name);
      assert.equal(names.length, 2);
      assert.ok(!names.includes(absent));
    }
  });

  it("makes nothing but itself when everything exists", async () => {
    const all = { certManager: "existing", gpuOperator: "existing", metalLb: "existing" } as const;
    const program = await run({ addons: all });
    assert.deepEqual(
      program.resources.map(({ type }) => type),
      ["inference-stack:addons:Addons"],
    );
    assert.deepEqual(program.result.resources, []);
  });

  it("offers everything that models must wait for", async () => {
    const program = await run();
    const offered = await Promise.all(program.result.resources.map(({ urn }) => valueOf(urn)));
    const awaited = program.resources.filter(({ type, custom }) => custom && type !== "kubernetes:core/v1:Namespace");
    assert.deepEqual(offered.sort(), awaited.map(({ urn }) => urn).sort());
    assert.equal(offered.length, 6);
  });
});
