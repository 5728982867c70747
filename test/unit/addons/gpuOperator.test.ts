import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import { parse } from "yaml";
import { GpuOperator } from "../../../components/addons/gpuOperator";
import { deviceConfigSpec } from "../../../components/addons/gpuOperator/amd";
import { nvidiaGpuOperatorValues } from "../../../components/addons/gpuOperator/nvidia";
import { gpuSchema, type GpuConfig } from "../../../components/config/schema/platform";
import { recordProgram, valueOf } from "../mocks";

const RELEASE = "kubernetes:helm.sh/v3:Release";
const DEVICE_CONFIG = "kubernetes:amd.com/v1alpha1:DeviceConfig";

/** A config as a stack would write it, with defaults filled in. */
const config = (written: unknown): GpuConfig => gpuSchema.parse(written);
const amd = (written: unknown = {}) => config({ amd: written }).amd;
const nvidia = (written: unknown = {}) => config({ nvidia: written }).nvidia;

const run = (gpu: GpuConfig) =>
  recordProgram(() => {
    const certManager = new k8s.helm.v3.Release("cert-manager", { chart: "cert-manager" });
    return new GpuOperator("gpu-operator", { chartSource: "official", gpu, certManager: [certManager] });
  });

describe("deviceConfigSpec", () => {
  const selector = { "feature.node.kubernetes.io/amd-gpu": "true" };
  const devicePlugin = { enableDevicePlugin: true, enableNodeLabeller: true };
  const metricsExporter = { enable: true, serviceType: "ClusterIP", port: 5000 };

  it("leaves a preinstalled driver alone", () => {
    assert.deepEqual(deviceConfigSpec(amd()), {
      selector,
      driver: { enable: false },
      devicePlugin,
      metricsExporter,
    });
  });

  it("has the operator build the driver of a version, and keeps the kernel's own from loading", () => {
    const gpu = amd({ driver: "operator", driverVersion: "31.40", driverImage: "registry.example.com/amdgpu" });
    assert.deepEqual(deviceConfigSpec(gpu).driver, {
      enable: true,
      blacklist: true,
      version: "31.40",
      image: "registry.example.com/amdgpu",
    });
  });

  it("refuses to have a driver built without version or image", () => {
    assert.throws(() => deviceConfigSpec(amd({ driver: "operator", driverVersion: "31.40" })), /gpu\.amd\.driverImage/);
    assert.throws(() => deviceConfigSpec(amd({ driver: "operator", driverImage: "r/i" })), /gpu\.amd\.driverVersion/);
  });

  it("leaves the metrics exporter out when it is off", () => {
    assert.deepEqual(deviceConfigSpec(amd({ metricsExporter: false })).metricsExporter, { enable: false });
  });
});

describe("nvidiaGpuOperatorValues", () => {
  it("sets driver, toolkit, MIG and discovery, and asks for no ServiceMonitor", () => {
    assert.deepEqual(nvidiaGpuOperatorValues(nvidia(), true), {
      driver: { enabled: true },
      toolkit: { enabled: true },
      mig: { strategy: "none" },
      nfd: { enabled: true },
      operator: { cleanupCRD: true },
      dcgmExporter: { serviceMonitor: { enabled: false } },
    });
  });

  it("pins the driver version only where the operator installs the driver", () => {
    const pinned = nvidiaGpuOperatorValues(nvidia({ driverVersion: "595.91.07" }), true);
    assert.deepEqual(pinned.driver, { enabled: true, version: "595.91.07" });
    const preinstalled = nvidiaGpuOperatorValues(nvidia({ driver: "preinstalled", driverVersion: "595.91.07" }), true);
    assert.deepEqual(preinstalled.driver, { enabled: false });
  });

  it("passes the MIG strategy and a toolkit that is there already", () => {
    const values = nvidiaGpuOperatorValues(nvidia({ mig: "mixed", toolkit: false }), true);
    assert.deepEqual([values.mig.strategy, values.toolkit.enabled], ["mixed", false]);
  });

  it("shares a GPU among pods by a device plugin config that is the default of all nodes", () => {
    const plugin = nvidiaGpuOperatorValues(nvidia({ timeSlicing: 4 }), true).devicePlugin?.config;
    assert.ok(plugin);
    assert.deepEqual([plugin.create, plugin.name], [true, "time-slicing"]);
    assert.deepEqual(parse(plugin.data[plugin.default] ?? ""), {
      version: "v1",
      sharing: {
        timeSlicing: { failRequestsGreaterThanOne: true, resources: [{ name: "nvidia.com/gpu", replicas: 4 }] },
      },
    });
  });
});

describe("GpuOperator for amd", () => {
  it("installs the pinned chart without a DeviceConfig of its own", async () => {
    const release = (await run(config({}))).one(RELEASE, "gpu-operator-amd");
    assert.deepEqual(release.inputs, {
      chart: "gpu-operator-charts",
      version: "v1.5.1",
      repositoryOpts: { repo: "https://rocm.github.io/gpu-operator" },
      name: "amd-gpu-operator",
      namespace: "kube-amd-gpu",
      values: {
        crds: { defaultCR: { install: false, upgrade: false } },
        "node-feature-discovery": { enabled: true },
        remediation: { enabled: false, installCRDs: false },
      },
      timeout: 600,
      maxHistory: 5,
      compat: "true",
    });
  });

  it("makes the DeviceConfig in the operator's namespace", async () => {
    const gpu = config({ amd: { metricsExporter: false } });
    const { inputs } = (await run(gpu)).one(DEVICE_CONFIG);
    assert.deepEqual(inputs.metadata, { name: "default", namespace: "kube-amd-gpu" });
    assert.deepEqual(inputs.spec, deviceConfigSpec(gpu.amd));
  });

  it("comes after cert-manager, and its DeviceConfig after its release", async () => {
    const program = await run(config({}));
    const release = program.one(RELEASE, "gpu-operator-amd");
    assert.ok(release.dependencies.includes(program.one(RELEASE, "cert-manager").urn));
    assert.ok(program.one(DEVICE_CONFIG).dependencies.includes(release.urn));
  });

  it("lets the device plugin use host paths in its namespace", async () => {
    const { metadata } = (await run(config({}))).one("kubernetes:core/v1:Namespace").inputs;
    assert.equal(
      (metadata as { labels: Record<string, string> }).labels["pod-security.kubernetes.io/enforce"],
      "privileged",
    );
  });

  it("nests release and DeviceConfig under the AMD operator, and that under GpuOperator", async () => {
    const program = await run(config({}));
    const operator = program.one("inference-stack:addons:AmdGpuOperator");
    assert.equal(program.parentName(operator), "gpu-operator");
    assert.equal(program.one(RELEASE, "gpu-operator-amd").parent, operator.urn);
    assert.equal(program.one(DEVICE_CONFIG).parent, operator.urn);
    const offered = await Promise.all(program.result.resources.map(({ urn }) => valueOf(urn)));
    assert.deepEqual(offered, [program.one(RELEASE, "gpu-operator-amd").urn, program.one(DEVICE_CONFIG).urn]);
  });
});

describe("GpuOperator for nvidia", () => {
  it("installs that operator alone, with its own discovery and without waiting for cert-manager", async () => {
    const gpu = config({ vendor: "nvidia" });
    const program = await run(gpu);
    const release = program.one(RELEASE, "gpu-operator-nvidia");
    assert.deepEqual(release.inputs, {
      chart: "gpu-operator",
      version: "v26.7.0",
      repositoryOpts: { repo: "https://helm.ngc.nvidia.com/nvidia" },
      name: "gpu-operator",
      namespace: "gpu-operator",
      values: nvidiaGpuOperatorValues(gpu.nvidia, true),
      timeout: 600,
      maxHistory: 5,
      compat: "true",
    });
    assert.deepEqual(program.all(DEVICE_CONFIG), []);
    assert.ok(!release.dependencies.includes(program.one(RELEASE, "cert-manager").urn));
    assert.equal(program.one("inference-stack:addons:NvidiaGpuOperator").urn, release.parent);
  });
});

describe("GpuOperator for both vendors", () => {
  it("runs exactly one Node Feature Discovery, which labels tainted NVIDIA nodes too", async () => {
    const program = await run(config({ vendor: "both" }));
    const amdValues = program.one(RELEASE, "gpu-operator-amd").inputs.values as Record<string, unknown>;
    const nvidiaValues = program.one(RELEASE, "gpu-operator-nvidia").inputs.values as Record<string, unknown>;
    assert.deepEqual(amdValues["node-feature-discovery"], {
      enabled: true,
      worker: {
        tolerations: [
          { key: "amd-dcm", operator: "Equal", value: "up", effect: "NoExecute" },
          { key: "amd-gpu-unhealthy", operator: "Exists", effect: "NoSchedule" },
          { key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" },
        ],
      },
    });
    assert.deepEqual(nvidiaValues.nfd, { enabled: false });
  });

  it("installs NVIDIA's operator after the discovery it relies on", async () => {
    const program = await run(config({ vendor: "both" }));
    const release = program.one(RELEASE, "gpu-operator-nvidia");
    assert.ok(release.dependencies.includes(program.one(RELEASE, "gpu-operator-amd").urn));
    assert.equal(program.result.resources.length, 3);
  });
});

describe("GpuOperator for none", () => {
  it("makes nothing but itself", async () => {
    const program = await run(config({ vendor: "none" }));
    const made = program.resources.filter(({ name }) => name !== "cert-manager").map(({ type }) => type);
    assert.deepEqual(made, ["inference-stack:addons:GpuOperator"]);
    assert.deepEqual(program.result.resources, []);
  });
});
