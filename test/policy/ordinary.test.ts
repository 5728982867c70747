import assert from "node:assert/strict";
import { check, unknown, type TestResource } from "./harness";
import { container, custom, deployment, kube, patchOf, podSpec, release, template } from "./resources";

const ours = { name: "llm", namespace: "chat" };
const metallb = { chart: "metallb", repositoryOpts: { repo: "https://metallb.github.io/metallb" } };

/** What ordinary stacks hold: none of it may be refused, or even remarked on. */
const ordinary: Record<string, TestResource[]> = {
  "Deployment within its quota": [deployment({ replicas: 2, template: template(4) })],
  "Deployment whose surge fits": [deployment({ replicas: 1, strategy: {}, template: template(4) })],
  "Deployment without surge": [
    deployment({ replicas: 2, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }, template: template(4) }),
  ],
  "Deployment scaled to zero": [deployment({ replicas: 0, strategy: {}, template: template(8) })],
  "Deployment without GPUs and with any number of replicas": [deployment({ replicas: 500, template: template(0) })],
  "Deployment without GPUs and with unknown replicas": [
    deployment({ replicas: unknown, template: { spec: { containers: [{ name: "web", image: "nginx:1.29.3" }] } } }),
  ],
  "Deployment with an unknown image, argument and environment": [
    deployment({
      replicas: 1,
      template: {
        spec: podSpec(1, {
          containers: [
            {
              ...container(1),
              image: unknown,
              args: ["--served-model-name", unknown],
              env: [{ name: "A", value: unknown }],
            },
          ],
        }),
      },
    }),
  ],
  "Deployment whose outputs are unknown": [{ ...deployment({ template: template(1) }), outputs: {} }],
  "requests equal to limits": [
    kube("v1", "Pod", {
      spec: podSpec(1, {
        containers: [{ name: "a", resources: { limits: { "amd.com/gpu": 1 }, requests: { "amd.com/gpu": "1" } } }],
      }),
    }),
  ],
  "two namespaces within their quotas": [
    deployment({ template: template(8) }),
    deployment({ template: template(4) }, { namespace: "research" }),
  ],
  "quantities in every form": [
    kube("v1", "Pod", {
      spec: podSpec(1, { containers: [1, "1", "1e0", "1.0", "+1"].map((gpus) => container(gpus)) }),
    }),
  ],
  "init container as large as the container": [
    kube("v1", "Pod", { spec: podSpec(8, { initContainers: [container(8)] }) }),
  ],
  "Job that completes before it is as parallel": [
    kube("batch/v1", "Job", { spec: { parallelism: 100, completions: 8, template: template(1) } }),
  ],
  "CronJob that forbids concurrency": [
    kube("batch/v1", "CronJob", {
      spec: { concurrencyPolicy: "Forbid", jobTemplate: { spec: { template: template(8) } } },
    }),
  ],
  "CronJob without GPUs": [kube("batch/v1", "CronJob", { spec: { jobTemplate: { spec: { template: template(0) } } } })],
  "DaemonSet without GPUs": [kube("apps/v1", "DaemonSet", { spec: { template: template(0) } })],
  "autoscaled Deployment": [
    deployment({ replicas: 1, template: template(1) }),
    kube("autoscaling/v2", "HorizontalPodAutoscaler", {
      spec: { scaleTargetRef: { kind: "Deployment", name: "llm" }, maxReplicas: 8 },
    }),
  ],
  "LeaderWorkerSet within the quota": [
    kube("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", {
      spec: { replicas: 1, leaderWorkerTemplate: { size: 2, workerTemplate: template(4) } },
    }),
  ],
  "RayCluster within the quota": [
    kube("ray.io/v1", "RayCluster", {
      spec: {
        headGroupSpec: { template: template(0) },
        workerGroupSpecs: [{ replicas: 2, maxReplicas: 8, template: template(1) }],
      },
    }),
  ],
  "claim of a few devices": [
    kube("resource.k8s.io/v1", "ResourceClaim", {
      spec: { devices: { requests: [{ name: "a", exactly: { deviceClassName: "gpu.amd.com", count: 8 } }] } },
    }),
  ],
  "claim of a network card": [
    kube("resource.k8s.io/v1", "ResourceClaim", {
      spec: {
        devices: { requests: [{ name: "a", exactly: { deviceClassName: "rdma.example.com", allocationMode: "All" } }] },
      },
    }),
  ],
  "Release of a listed chart": [
    release({ ...metallb, values: { speaker: { tolerations: [{ key: "amd.com/gpu" }] } } }),
  ],
  "Release from the mirror, with an unknown namespace": [
    release({ chart: "./sim/charts/metallb", namespace: unknown, values: { loadBalancerClass: unknown } }),
  ],
  "Release from the mirror, made absolute by the engine": [release({ chart: "/home/me/project/sim/charts/metallb" })],
  "Release of a chart with declared GPUs": [
    release({ chart: "llm-suite", repositoryOpts: { repo: "https://charts.example.com" }, values: { gpus: 2 } }),
  ],
  "ResourceQuota and LimitRange": [
    kube("v1", "ResourceQuota", { spec: { hard: { "requests.amd.com/gpu": "8", "requests.nvidia.com/gpu": "0" } } }),
    kube("v1", "LimitRange", { spec: { limits: [{ type: "Container", max: { "amd.com/gpu": "8" } }] } }),
  ],
  "objects with unknown fields": [
    kube("v1", "Service", { spec: { clusterIP: unknown, selector: unknown } }),
    kube("v1", "ConfigMap", { data: unknown }),
    kube("v1", "Secret", { stringData: { token: unknown } }),
    kube("v1", "Namespace", {}, { name: unknown, namespace: null }),
  ],
  "add-on custom resources with unknown fields": [
    kube("metallb.io/v1beta1", "IPAddressPool", { spec: { addresses: [unknown] } }),
    kube("amd.com/v1alpha1", "DeviceConfig", { spec: { devicePlugin: unknown } }),
    kube("cert-manager.io/v1", "Certificate", { spec: { secretName: unknown, dnsNames: unknown } }),
  ],
  "unknown custom resource without GPUs": [custom({ replicas: 3, template: template(0), secretName: unknown })],
  "custom resource definition that speaks of containers": [
    {
      ...kube("apiextensions.k8s.io/v1", "CustomResourceDefinition", {
        spec: { versions: [{ schema: { properties: { containers: { type: "array" } } } }] },
      }),
      protect: true,
    },
  ],
  "labels patched on an object outside the stack": [
    patchOf(deployment({}), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { ...ours, labels: { team: "a" } },
    }),
  ],
  "PersistentVolume for models": [
    kube("v1", "PersistentVolume", { spec: { local: { path: "/mnt/data/ai-models" }, capacity: { storage: "50Gi" } } }),
  ],
  "shared memory and model volume": [
    deployment({
      template: template(1, {
        volumes: [{ emptyDir: { medium: "Memory", sizeLimit: "16Gi" } }, { hostPath: { path: "/mnt/data/ai-models" } }],
      }),
    }),
  ],
  "NVIDIA runtime class without GPUs, by its image's leave": [
    kube("v1", "Pod", {
      spec: {
        runtimeClassName: "nvidia",
        containers: [{ name: "a", env: [{ name: "NVIDIA_VISIBLE_DEVICES", value: "void" }] }],
      },
    }),
  ],
  "resources of other packages": [
    { type: "random:index/randomPassword:RandomPassword", props: { length: 16, result: unknown } },
    { type: "command:local:Command", props: { create: unknown } },
    { type: "pulumi:providers:kubernetes", props: { kubeconfig: unknown } },
    { type: "inference-stack:serving:VllmModel", props: {} },
  ],
  "LimitRange with ordinary defaults": [
    kube("v1", "LimitRange", {
      spec: { limits: [{ type: "Container", defaultRequest: { cpu: "100m", memory: "256Mi" } }] },
    }),
  ],
  "RuntimeClass with an overhead of memory": [
    kube("node.k8s.io/v1", "RuntimeClass", { handler: "kata", overhead: { podFixed: { memory: "160Mi" } } }),
  ],
  "DeviceClass of network cards, and of GPUs": [
    kube(
      "resource.k8s.io/v1",
      "DeviceClass",
      { spec: { selectors: [{ cel: { expression: "true" } }] } },
      { name: "rdma" },
    ),
    kube(
      "resource.k8s.io/v1",
      "DeviceClass",
      { spec: { selectors: [{ cel: { expression: 'device.driver == "gpu.amd.com"' } }] } },
      { name: "gpu.amd.com" },
    ),
  ],
  ValidatingAdmissionPolicy: [
    kube("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", {
      spec: { validations: [{ expression: "true" }] },
    }),
  ],
  "annotations of a template that a tool keeps": [
    {
      ...deployment({ replicas: 1, template: template(1) }),
      ignoreChanges: ['spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"]', "metadata.labels"],
    },
  ],
  "InferenceService that names its GPUs": [
    kube("serving.kserve.io/v1beta1", "InferenceService", {
      spec: { predictor: { maxReplicas: 2, model: { runtime: "vllm", resources: { limits: { "amd.com/gpu": 2 } } } } },
    }),
  ],
  "InferenceService without GPUs, which says so": [
    kube("serving.kserve.io/v1beta1", "InferenceService", {
      spec: { predictor: { model: { runtime: "sklearn", resources: { limits: { "amd.com/gpu": 0 } } } } },
    }),
  ],
  "monitoring of GPUs by custom resources": [
    kube("monitoring.coreos.com/v1", "ServiceMonitor", {
      spec: { endpoints: [{ port: "metrics", path: "/gpu/metrics" }] },
    }),
    kube("monitoring.coreos.com/v1", "PrometheusRule", {
      spec: { groups: [{ name: "gpu", rules: [{ alert: "GpuHot", expr: "gpu_junction_temperature > 100" }] }] },
    }),
  ],
  "routes and pools of the Gateway API": [
    kube("gateway.networking.k8s.io/v1", "HTTPRoute", {
      spec: { rules: [{ backendRefs: [{ name: "llm", port: 8000 }] }] },
    }),
    kube("inference.networking.k8s.io/v1", "InferencePool", {
      spec: { selector: { matchLabels: { app: "llm" } }, targetPorts: [{ number: 8000 }] },
    }),
  ],
  "StatefulSet within its quota": [kube("apps/v1", "StatefulSet", { spec: { replicas: 2, template: template(4) } })],
  "JobSet within its quota": [
    kube("jobset.x-k8s.io/v1alpha2", "JobSet", {
      spec: { replicatedJobs: [{ replicas: 2, template: { spec: { parallelism: 4, template: template(1) } } }] },
    }),
  ],
  "ConfigGroup with children": [
    { type: "kubernetes:yaml/v2:ConfigGroup", name: "group", props: {} },
    {
      ...kube("v1", "ConfigMap", { data: { a: "b" } }),
      parent: "urn:pulumi:test::inference-stack::kubernetes:yaml/v2:ConfigGroup::group",
    },
  ],
};

describe("ordinary stacks", () => {
  it("are forty and more", () => assert.ok(Object.keys(ordinary).length >= 40, `${Object.keys(ordinary).length}`));

  for (const [name, resources] of Object.entries(ordinary)) {
    it(`pass without a word: ${name}`, async () => {
      assert.deepEqual(await check(resources), []);
    });
    it(`pass without a word in an update: ${name}`, async () => {
      assert.deepEqual(await check(resources, { isPreview: false }), []);
    });
  }
});
