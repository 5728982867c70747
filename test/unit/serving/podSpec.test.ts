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
  imagePullSecrets?: unknown[];
  affinity?: { nodeAffinity: unknown };
  priorityClassName?: string;
  topologySpreadConstraints: unknown;
  initContainers?: PodContainer[];
  containers: PodContainer[];
}

interface PodContainer {
  image: string;
  command: string[];
  args: string[];
  env: { name: string; value?: string; valueFrom?: unknown }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  lifecycle: unknown;
  securityContext: Record<string, unknown>;
  volumeMounts: { name: string; mountPath: string }[];
}

const confined = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
};

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
    assert.deepEqual(container.resources, {
      requests: { cpu: "8", memory: "64Gi", "ephemeral-storage": "8Gi" },
      limits: { memory: "64Gi" },
    });
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

  it("tells the middleware of the pause, which stays as long", () => {
    const drain = { preStopSeconds: 10, drainSeconds: 300, slackSeconds: 20 };
    const { spec, container } = pod({}, { drain, middleware: "drain-code" });
    const value = (name: string) => container.env.find((variable) => variable.name === name)?.value;
    assert.equal(container.args[container.args.indexOf("--middleware") + 1], "connection_drain.ConnectionDrain");
    assert.deepEqual(container.lifecycle, {
      preStop: { exec: { command: ["sh", "-c", `touch ${value("DRAIN_MARKER")}; sleep 10`] } },
    });
    assert.equal(value("DRAIN_PAUSE_SECONDS"), "10");
    const mount = container.volumeMounts.find(({ name }) => name === "middleware");
    assert.equal(mount?.mountPath, value("PYTHONPATH"));
    assert.deepEqual(spec.volumes.at(-1), { name: "middleware", configMap: { name: "drain-code" } });
    assert.ok(!pod().container.args.includes("--middleware"));
  });

  it("mounts weights from an image, and serves without network and token", () => {
    const weights = { type: "image" as const, reference: "registry.example.com/qwen:v1", pullSecret: "registry" };
    const { spec, container } = pod({ weights }, { hfToken: { name: "hub", key: "token" } });
    assert.deepEqual(spec.imagePullSecrets, [{ name: "registry" }]);
    assert.deepEqual(spec.volumes.at(-1), {
      name: "weights",
      image: { reference: weights.reference, pullPolicy: "IfNotPresent" },
    });
    assert.deepEqual(container.volumeMounts.at(-1), { name: "weights", mountPath: "/weights", readOnly: true });
    assert.equal(container.args[0], "/weights");
    const names = container.env.map(({ name }) => name);
    assert.ok(names.includes("HF_HUB_OFFLINE") && !names.includes("HF_TOKEN"));
  });

  it("goes to nodes whose GPUs have the memory, by each vendor's label", () => {
    const expression = (changes: Partial<ModelConfig>) => pod(changes).spec.affinity?.nodeAffinity;
    const required = (found: object) => ({
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [found] }] },
    });
    assert.deepEqual(
      expression({ gpuMemory: "192Gi" }),
      required({ key: "amd.com/gpu.vram", operator: "In", values: ["192G", "256G", "288G"] }),
    );
    assert.deepEqual(
      expression({ gpuVendor: "nvidia", gpuMemory: "80G" }),
      // 80 GB are 76,293.9 MiB: the least whole number that suffices is one more.
      required({ key: "nvidia.com/gpu.memory", operator: "Gt", values: ["76293"] }),
    );
    assert.equal(expression({}), undefined);
  });

  it("goes to nodes with the product, beside the taints and with the priority that config names", () => {
    const { spec } = pod({
      gpuProduct: "AMD_Instinct_MI300X_OAM",
      tolerations: [{ key: "dedicated", operator: "Equal", value: "llm", effect: "NoSchedule" }],
      priorityClassName: "production",
    });
    assert.deepEqual(spec.nodeSelector, {
      "feature.node.kubernetes.io/amd-gpu": "true",
      "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM",
    });
    assert.deepEqual(spec.tolerations?.at(-1), {
      key: "dedicated",
      operator: "Equal",
      value: "llm",
      effect: "NoSchedule",
    });
    assert.equal(spec.priorityClassName, "production");
    assert.equal(
      pod({ gpuVendor: "nvidia", gpuProduct: "H200" }).spec.nodeSelector?.["nvidia.com/gpu.product"],
      "H200",
    );
  });

  it("spreads a model's replicas over nodes where it can", () => {
    const { spec } = pod();
    assert.deepEqual(spec.topologySpreadConstraints, [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: {
          matchLabels: { "app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": "qwen" },
        },
        matchLabelKeys: ["pod-template-hash"],
      },
    ]);
  });

  it("limits CPUs only where they are the replica's own", () => {
    const resources = { cpu: 16, memory: "64Gi", sharedMemory: "16Gi", ephemeralStorage: "20Gi" };
    const shared = pod({ resources }).container.resources;
    assert.deepEqual([shared.limits.cpu, shared.requests["ephemeral-storage"]], [undefined, "20Gi"]);
    const { requests, limits } = pod({ resources: { ...resources, exclusiveCpus: true } }).container.resources;
    // Guaranteed, which the static CPU manager asks for.
    assert.deepEqual([limits.cpu, limits.memory], [requests.cpu, requests.memory]);
  });

  it("writes to its volumes only, unless the image is one's own", () => {
    const writable = (changes: Partial<ModelConfig>, user: PodOptions["user"] = "root") => {
      const { container } = pod(changes, { user });
      const home = container.env.find(({ name }) => name === "HOME")?.value;
      return [container.securityContext.readOnlyRootFilesystem, home];
    };
    assert.ok(pod().container.volumeMounts.some(({ mountPath }) => mountPath === "/tmp"));
    assert.deepEqual(writable({}), [true, "/tmp"]);
    assert.deepEqual(writable({ readOnlyRoot: false }), [false, undefined]);
    assert.deepEqual(writable({ image: "example.org/vllm:v1" }), [false, undefined]);
    assert.deepEqual(writable({ image: "example.org/vllm:v1", readOnlyRoot: true }), [true, "/tmp"]);
  });

  it("downloads weights first where asked, with the token, and serves without network", () => {
    const hfToken = { name: "hub", key: "token" };
    const { spec, container } = pod({ predownload: true, revision: "0123abc" }, { hfToken });
    const [weights] = spec.initContainers ?? [];
    assert.ok(weights !== undefined && spec.initContainers?.length === 1);
    assert.deepEqual(weights.command.slice(0, 2), ["python3", "-c"]);
    assert.deepEqual(weights.command.slice(3), ["Qwen/Qwen3-8B@0123abc"]);
    assert.equal(weights.image, container.image);
    assert.deepEqual(weights.securityContext, confined);
    const names = (env: { name: string }[]) => env.map(({ name }) => name);
    assert.ok(names(weights.env).includes("HF_TOKEN") && !names(weights.env).includes("HF_HUB_OFFLINE"));
    assert.ok(!names(container.env).includes("HF_TOKEN") && names(container.env).includes("HF_HUB_OFFLINE"));
    // No GPUs of its own, and no more of anything else than the server that follows.
    const { "amd.com/gpu": gpus, ...others } = container.resources.requests;
    assert.equal(gpus, "1");
    assert.deepEqual(weights.resources.requests, others);
    assert.equal(pod({ revision: "0123abc" }).spec.initContainers, undefined);
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
    assert.deepEqual(container.securityContext, confined);
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
    assert.deepEqual(container.securityContext, confined);
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
