import assert from "node:assert/strict";
import type { ModelConfig } from "../../../components/config/schema/model";
import { imageOf } from "../../../components/serving/images";
import { defaultDrain } from "../../../components/serving/lifecycle";
import { podSpec, type PodOptions } from "../../../components/serving/podSpec";
import { modelConfig } from "./fixtures";

const options: PodOptions = {
  cacheClaim: "ai-models",
  user: "nonRoot",
  deviceGroups: [],
  drain: defaultDrain,
  startupBudget: 720,
};

/** A pod spec as the API server would see it; every input here is plain. */
function pod(changes: Partial<ModelConfig> = {}, changedOptions: Partial<PodOptions> = {}) {
  const spec = JSON.parse(JSON.stringify(podSpec(modelConfig(changes), { ...options, ...changedOptions }))) as Pod;
  const container = spec.containers[0];
  assert.ok(container !== undefined && spec.containers.length === 1);
  return { spec, container };
}

interface Pod {
  nodeSelector?: Record<string, string>;
  tolerations?: unknown[];
  terminationGracePeriodSeconds: number;
  enableServiceLinks: boolean;
  automountServiceAccountToken: boolean;
  securityContext: Record<string, unknown>;
  volumes: { name: string }[];
  containers: {
    image: string;
    args: string[];
    env: { name: string; value?: string; valueFrom?: unknown }[];
    resources: { requests: Record<string, string>; limits: Record<string, string> };
    lifecycle: unknown;
    securityContext: unknown;
    volumeMounts: { name: string; mountPath: string }[];
  }[];
}

describe("podSpec", () => {
  for (const [vendor, resource, label] of [
    ["amd", "amd.com/gpu", "feature.node.kubernetes.io/amd-gpu"],
    ["nvidia", "nvidia.com/gpu", "nvidia.com/gpu.present"],
  ] as const) {
    it(`requests ${vendor} GPUs as much as it limits them, on nodes that have them`, () => {
      const { spec, container } = pod({ gpuVendor: vendor, gpusPerReplica: 8 });
      assert.equal(container.resources.requests[resource], "8");
      assert.equal(container.resources.limits[resource], "8");
      assert.deepEqual(spec.nodeSelector, { [label]: "true" });
      assert.deepEqual(spec.tolerations, [{ key: resource, operator: "Exists", effect: "NoSchedule" }]);
    });
  }

  it("serves on CPU without any trace of a GPU", () => {
    const { spec, container } = pod({ gpuVendor: "none", gpusPerReplica: 0 });
    assert.match(container.image, /^vllm\/vllm-openai-cpu:/);
    assert.deepEqual(container.resources, { requests: { cpu: "8", memory: "64Gi" }, limits: { memory: "64Gi" } });
    assert.doesNotMatch(JSON.stringify(spec), /gpu/);
  });

  it("counts /dev/shm in the memory limit", () => {
    const { spec, container } = pod({ resources: { cpu: 4, memory: "32Gi", sharedMemory: "8Gi" } });
    assert.deepEqual(spec.volumes[1], { name: "shm", emptyDir: { medium: "Memory", sizeLimit: "8Gi" } });
    assert.deepEqual(container.volumeMounts[1], { name: "shm", mountPath: "/dev/shm" });
    assert.equal(container.resources.limits.memory, "32Gi");
    assert.equal(container.resources.requests.cpu, "4");
    for (const sharedMemory of ["33Gi", "1Ti"]) {
      assert.throws(
        () => pod({ resources: { cpu: 4, memory: "32Gi", sharedMemory } }),
        /resources\.sharedMemory of model qwen is \w+: .*\(32Gi\).*raise memory or lower sharedMemory/,
      );
    }
  });

  it("keeps weights and compiled kernels on the cache volume", () => {
    const { spec, container } = pod();
    assert.deepEqual(spec.volumes[0], { name: "models", persistentVolumeClaim: { claimName: "ai-models" } });
    const mount = container.volumeMounts.find((other) => other.name === "models")?.mountPath;
    const value = (name: string) => container.env.find((variable) => variable.name === name)?.value;
    assert.ok(mount !== undefined && value("HF_HOME")?.startsWith(`${mount}/`));
    assert.ok(value("VLLM_CACHE_ROOT")?.startsWith(`${mount}/`) && value("VLLM_CACHE_ROOT")?.endsWith("/qwen"));
  });

  it("takes the Hugging Face token from a Secret, or has none", () => {
    const token = pod({}, { hfToken: { name: "hub", key: "token" } }).container.env.at(-1);
    assert.deepEqual(token, { name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: "hub", key: "token" } } });
    assert.ok(!pod().container.env.some((variable) => variable.name === "HF_TOKEN"));
  });

  it("drains: a native pause, the engine's own drain, and a grace period beyond both", () => {
    const drain = { preStopSeconds: 10, drainSeconds: 300, slackSeconds: 20 };
    const { spec, container } = pod({}, { drain });
    assert.deepEqual(container.lifecycle, { preStop: { sleep: { seconds: 10 } } });
    assert.equal(container.args[container.args.indexOf("--shutdown-timeout") + 1], "300");
    assert.equal(spec.terminationGracePeriodSeconds, 330);
  });

  it("hides the cluster from the server", () => {
    const { spec } = pod();
    assert.deepEqual([spec.enableServiceLinks, spec.automountServiceAccountToken], [false, false]);
  });

  it("runs as user 2000 within the restricted standard", () => {
    const { spec, container } = pod();
    assert.deepEqual(spec.securityContext, {
      seccompProfile: { type: "RuntimeDefault" },
      runAsNonRoot: true,
      runAsUser: 2000,
      runAsGroup: 0,
      fsGroup: 2000,
      fsGroupChangePolicy: "OnRootMismatch",
    });
    assert.deepEqual(container.securityContext, { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } });
    assert.deepEqual(
      container.env.slice(-2).map(({ name }) => name),
      ["USER", "HOME"],
    );
  });

  it("runs as root without capabilities where asked, with the host's device groups", () => {
    const { spec, container } = pod({}, { user: "root", deviceGroups: [44, 109] });
    assert.deepEqual(spec.securityContext, {
      seccompProfile: { type: "RuntimeDefault" },
      runAsUser: 0,
      runAsGroup: 0,
      supplementalGroups: [44, 109],
    });
    assert.deepEqual(container.securityContext, { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } });
  });
});

describe("imageOf", () => {
  const cases = [
    ["amd", "vllm/vllm-openai-rocm:v0.33.0"],
    ["nvidia", "vllm/vllm-openai:v0.33.0"],
    ["none", "vllm/vllm-openai-cpu:v0.33.0"],
  ] as const;
  for (const [gpuVendor, expected] of cases) {
    it(`pins ${expected} for ${gpuVendor}`, () => {
      assert.equal(imageOf({ gpuVendor }), expected);
    });
  }

  it("takes the model's own image", () => {
    assert.equal(imageOf({ gpuVendor: "amd", image: "mirror/vllm@sha256:00" }), "mirror/vllm@sha256:00");
  });
});
