import assert from "node:assert/strict";
import { check, refusals, unknown, type TestResource } from "./harness";
import { container, custom, deployment, kube, patchOf, podSpec, release, template } from "./resources";

const hpaKind = "HorizontalPodAutoscaler";
const ours = { name: "llm", namespace: "chat" };

/** Each asks for at least one GPU more than chat's quota of 8, or hides how many it asks for. */
const attacks: Record<string, TestResource[]> = {
  // Plain workloads
  "bare Pod": [kube("v1", "Pod", { spec: podSpec(9) })],
  "Deployment replicas": [deployment({ replicas: 9, template: template(1) })],
  "Deployment surge by default": [deployment({ replicas: 2, strategy: {}, template: template(4) })],
  "Deployment surge by number": [
    deployment({ replicas: 1, strategy: { rollingUpdate: { maxSurge: 8 } }, template: template(1) }),
  ],
  "Deployment surge by percentage, rounded up": [
    deployment({ replicas: 8, strategy: { rollingUpdate: { maxSurge: "1%" } }, template: template(1) }),
  ],
  StatefulSet: [kube("apps/v1", "StatefulSet", { spec: { replicas: 3, template: template(3) } })],
  ReplicaSet: [kube("apps/v1", "ReplicaSet", { spec: { replicas: 9, template: template(1) } })],
  ReplicationController: [kube("v1", "ReplicationController", { spec: { replicas: 9, template: template(1) } })],
  "DaemonSet on all nodes": [kube("apps/v1", "DaemonSet", { spec: { template: template(3) } })],
  "DaemonSet with surge": [
    kube("apps/v1", "DaemonSet", {
      spec: { updateStrategy: { rollingUpdate: { maxSurge: 1 } }, template: template(2) },
    }),
  ],
  "Job parallelism": [kube("batch/v1", "Job", { spec: { parallelism: 9, template: template(1) } })],
  "suspended Job": [kube("batch/v1", "Job", { spec: { suspend: true, parallelism: 9, template: template(1) } })],
  "CronJob whose runs pile up": [
    kube("batch/v1", "CronJob", { spec: { schedule: "* * * * *", jobTemplate: { spec: { template: template(1) } } } }),
  ],
  "CronJob with parallel pods": [
    kube("batch/v1", "CronJob", {
      spec: { concurrencyPolicy: "Forbid", jobTemplate: { spec: { parallelism: 3, template: template(3) } } },
    }),
  ],
  "many small ones": Array.from({ length: 9 }, () => deployment({ replicas: 1, template: template(1) })),

  // Containers
  "init container": [kube("v1", "Pod", { spec: { containers: [], initContainers: [container(9)] } })],
  "sidecar beside the container": [
    kube("v1", "Pod", { spec: podSpec(8, { initContainers: [{ ...container(1), restartPolicy: "Always" }] }) }),
  ],
  "init container after a sidecar": [
    kube("v1", "Pod", {
      spec: podSpec(0, { initContainers: [{ ...container(1), restartPolicy: "Always" }, container(8)] }),
    }),
  ],
  "two containers": [kube("v1", "Pod", { spec: { containers: [container(5), container(4)] } })],
  "requests only": [
    kube("v1", "Pod", { spec: { containers: [{ name: "a", resources: { requests: { "amd.com/gpu": 9 } } }] } }),
  ],
  "a request above its limit": [
    kube("v1", "Pod", {
      spec: {
        containers: [{ name: "a", resources: { limits: { "amd.com/gpu": 1 }, requests: { "amd.com/gpu": 9 } } }],
      },
    }),
  ],

  // Resource names
  "NVIDIA beside AMD": [kube("v1", "Pod", { spec: { containers: [container(5), container(4, "nvidia.com/gpu")] } })],
  "MIG slices": [kube("v1", "Pod", { spec: { containers: [container(9, "nvidia.com/mig-1g.10gb")] } })],
  "time-sliced GPUs": [kube("v1", "Pod", { spec: { containers: [container(9, "nvidia.com/gpu.shared")] } })],
  "AMD partitions": [kube("v1", "Pod", { spec: { containers: [container(9, "amd.com/cpx_nps4")] } })],
  "Intel GPUs": [kube("v1", "Pod", { spec: { containers: [container(9, "gpu.intel.com/xe")] } })],
  Gaudi: [kube("v1", "Pod", { spec: { containers: [container(9, "habana.ai/gaudi")] } })],
  Neuron: [kube("v1", "Pod", { spec: { containers: [container(9, "aws.amazon.com/neurondevice")] } })],
  TPU: [kube("v1", "Pod", { spec: { containers: [container(9, "google.com/tpu")] } })],
  "virtual GPUs of another domain": [kube("v1", "Pod", { spec: { containers: [container(9, "example.com/vGPU")] } })],
  "GPUs by device class": [
    kube("v1", "Pod", { spec: { containers: [container(9, "deviceclass.resource.kubernetes.io/big")] } }),
  ],
  "a resource name that a DeviceClass backs": [
    kube("resource.k8s.io/v1", "DeviceClass", { spec: { extendedResourceName: "example.com/card" } }),
    kube("v1", "Pod", { spec: { containers: [container(9, "example.com/card")] } }),
  ],

  // Quantities
  "text quantity": [kube("v1", "Pod", { spec: podSpec("9") })],
  exponent: [kube("v1", "Pod", { spec: podSpec("9e0") })],
  suffix: [kube("v1", "Pod", { spec: podSpec("1k") })],
  "huge quantity": [kube("v1", "Pod", { spec: podSpec("9E") })],
  "a number beyond counting": [kube("v1", "Pod", { spec: podSpec("1e400") })],
  "negative quantity": [kube("v1", "Pod", { spec: podSpec(-8) })],
  "negative quantity that evens out": [kube("v1", "Pod", { spec: { containers: [container(9), container("-5")] } })],
  "quantity with a blank": [kube("v1", "Pod", { spec: podSpec(" 9") })],
  "milli quantity": [kube("v1", "Pod", { spec: podSpec("9000m") })],
  fraction: [kube("v1", "Pod", { spec: podSpec(0.5) })],
  "fraction in text": [kube("v1", "Pod", { spec: podSpec("0.5") })],
  "empty quantity": [kube("v1", "Pod", { spec: podSpec("") })],
  "hexadecimal quantity": [kube("v1", "Pod", { spec: podSpec("0x9") })],
  "quantity in a list": [kube("v1", "Pod", { spec: podSpec([9]) })],
  "boolean quantity": [kube("v1", "Pod", { spec: podSpec(true) })],
  "negative replicas": [deployment({ replicas: -1, template: template(1) })],
  "text replicas": [deployment({ replicas: "3", template: template(1) })],
  "fractional replicas": [deployment({ replicas: 1.5, template: template(1) })],
  "huge replicas": [deployment({ replicas: 1e300, template: template(1) })],
  "malformed surge": [
    deployment({ replicas: 1, strategy: { rollingUpdate: { maxSurge: "a lot" } }, template: template(1) }),
  ],

  // Autoscalers
  "HPA above the replicas": [
    deployment({ replicas: 1, template: template(1) }),
    kube("autoscaling/v2", "HorizontalPodAutoscaler", {
      spec: { scaleTargetRef: { kind: "Deployment", name: "llm" }, maxReplicas: 9 },
    }),
  ],
  "HPA of a StatefulSet, registered first": [
    kube("autoscaling/v2", "HorizontalPodAutoscaler", {
      spec: { scaleTargetRef: { kind: "StatefulSet", name: "llm" }, maxReplicas: 9 },
    }),
    kube("apps/v1", "StatefulSet", { spec: { template: template(1) } }),
  ],
  "KEDA with its default maximum of 100": [
    deployment({ replicas: 0, template: template(1) }),
    kube("keda.sh/v1alpha1", "ScaledObject", { spec: { scaleTargetRef: { name: "llm" } } }),
  ],
  "KEDA paused at many replicas": [
    deployment({ replicas: 0, template: template(1) }),
    kube(
      "keda.sh/v1alpha1",
      "ScaledObject",
      { spec: { scaleTargetRef: { name: "llm" }, maxReplicaCount: 1 } },
      { annotations: { "autoscaling.keda.sh/paused-replicas": "9" } },
    ),
  ],
  "KEDA ScaledJob": [
    kube("keda.sh/v1alpha1", "ScaledJob", { spec: { maxReplicaCount: 9, jobTargetRef: { template: template(1) } } }),
  ],
  "HPA of a target outside the stack": [
    kube("autoscaling/v2", "HorizontalPodAutoscaler", {
      spec: { scaleTargetRef: { kind: "Deployment", name: "other" }, maxReplicas: 2 },
    }),
  ],
  "HPA patched": [
    deployment({ replicas: 1, template: template(1) }),
    ...(() => {
      const hpa = kube("autoscaling/v2", "HorizontalPodAutoscaler", {
        spec: { scaleTargetRef: { kind: "Deployment", name: "llm" }, maxReplicas: 2 },
      });
      return [hpa, patchOf(hpa, { kind: hpaKind, metadata: ours, spec: { maxReplicas: 9 } })];
    })(),
  ],

  // Custom resources
  LeaderWorkerSet: [
    kube("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", {
      spec: { replicas: 1, leaderWorkerTemplate: { size: 3, workerTemplate: template(3) } },
    }),
  ],
  "LeaderWorkerSet leader": [
    kube("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", {
      spec: { leaderWorkerTemplate: { size: 2, leaderTemplate: template(8), workerTemplate: template(1) } },
    }),
  ],
  "LeaderWorkerSet surge": [
    kube("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", {
      spec: {
        replicas: 2,
        rolloutStrategy: { rollingUpdateConfiguration: { maxSurge: 1 } },
        leaderWorkerTemplate: { size: 3, workerTemplate: template(1) },
      },
    }),
  ],
  "RayCluster worker maximum": [
    kube("ray.io/v1", "RayCluster", {
      spec: {
        headGroupSpec: { template: template(0) },
        workerGroupSpecs: [{ replicas: 1, maxReplicas: 9, template: template(1) }],
      },
    }),
  ],
  "RayCluster that scales without limit": [
    kube("ray.io/v1", "RayCluster", {
      spec: {
        enableInTreeAutoscaling: true,
        headGroupSpec: { template: template(0) },
        workerGroupSpecs: [{ replicas: 1, template: template(1) }],
      },
    }),
  ],
  "RayCluster with several hosts a worker": [
    kube("ray.io/v1", "RayCluster", {
      spec: {
        headGroupSpec: { template: template(1) },
        workerGroupSpecs: [{ replicas: 4, numOfHosts: 2, template: template(1) }],
      },
    }),
  ],
  "RayService during its upgrade": [
    kube("ray.io/v1", "RayService", { spec: { rayClusterConfig: { headGroupSpec: { template: template(5) } } } }),
  ],
  RayJob: [kube("ray.io/v1", "RayJob", { spec: { rayClusterSpec: { headGroupSpec: { template: template(9) } } } })],
  JobSet: [
    kube("jobset.x-k8s.io/v1alpha2", "JobSet", {
      spec: { replicatedJobs: [{ replicas: 3, template: { spec: { parallelism: 3, template: template(1) } } }] },
    }),
  ],
  "InferenceService without a maximum": [
    kube("serving.kserve.io/v1beta1", "InferenceService", {
      spec: { predictor: { model: { resources: { limits: { "amd.com/gpu": 1 } } } } },
    }),
  ],
  "InferenceService with two revisions": [
    kube("serving.kserve.io/v1beta1", "InferenceService", {
      spec: { predictor: { maxReplicas: 5, model: { resources: { limits: { "amd.com/gpu": 1 } } } } },
    }),
  ],
  "pod template in an unknown custom resource": [custom({ workers: 9, podTemplate: template(1) })],
  "resources in an unknown custom resource": [custom({ engine: { resources: { limits: { "nvidia.com/gpu": "1" } } } })],
  "claims in an unknown custom resource": [custom({ pod: { resourceClaims: [{ resourceClaimName: "x" }] } })],
  "CustomResource that is a Deployment": [
    { ...deployment({ replicas: 9, template: template(1) }), type: "kubernetes:core/v1:ConfigMap" },
  ],
  "another package's resource that is a Deployment": [
    { ...deployment({ replicas: 9, template: template(1) }), type: "elsewhere:index:Thing" },
  ],

  // Devices
  "claim of many devices": [claimOf({ exactly: { deviceClassName: "gpu.amd.com", count: 9 } })],
  "claim of all devices": [claimOf({ exactly: { deviceClassName: "gpu.amd.com", allocationMode: "All" } })],
  "claim with admin access": [claimOf({ deviceClassName: "gpu.nvidia.com", adminAccess: true })],
  "claim with alternatives": [
    claimOf({
      firstAvailable: [
        { deviceClassName: "gpu.amd.com", count: 1 },
        { deviceClassName: "mig.nvidia.com", count: 9 },
      ],
    }),
  ],
  "claim by a class of any name": [claimOf({ exactly: { deviceClassName: "fast", count: 9 } })],
  "claim template of every replica": [
    kube("resource.k8s.io/v1", "ResourceClaimTemplate", {
      spec: { spec: { devices: { requests: [{ name: "a", exactly: { deviceClassName: "gpu.amd.com", count: 3 } }] } } },
    }),
    deployment({
      replicas: 3,
      template: template(0, { resourceClaims: [{ name: "a", resourceClaimTemplateName: "llm" }] }),
    }),
  ],
  "claim template outside the stack": [
    deployment({ template: template(0, { resourceClaims: [{ name: "a", resourceClaimTemplateName: "other" }] }) }),
  ],

  // Lists and patches
  List: [
    {
      type: "kubernetes:apps/v1:DeploymentList",
      props: { apiVersion: "apps/v1", kind: "DeploymentList", items: [deployment({ template: template(9) }).props] },
    },
  ],
  "List of anything": [
    {
      type: "kubernetes:core/v1:List",
      props: { apiVersion: "v1", kind: "List", items: [kube("v1", "Pod", { spec: podSpec(9) }).props] },
    },
  ],
  "patched replicas": (() => {
    const target = deployment({ replicas: 1, template: template(1) });
    return [
      target,
      patchOf(target, { apiVersion: "apps/v1", kind: "Deployment", metadata: ours, spec: { replicas: 9 } }),
    ];
  })(),
  "patched in container": (() => {
    const target = deployment({ replicas: 1, template: template(8) });
    const more = { template: { spec: { containers: [{ ...container(1), name: "more" }] } } };
    return [target, patchOf(target, { apiVersion: "apps/v1", kind: "Deployment", metadata: ours, spec: more })];
  })(),
  "patched target outside the stack": [
    patchOf(deployment({}), { apiVersion: "apps/v1", kind: "Deployment", metadata: ours, spec: { replicas: 1 } }),
  ],

  // Namespaces
  "namespace that is not listed": [deployment({ template: template(1) }, { namespace: "other" })],
  "namespace named like a property of objects": [deployment({ template: template(1) }, { namespace: "constructor" })],
  "namespace with a blank": [deployment({ template: template(1) }, { namespace: "chat " })],
  "no namespace": [deployment({ template: template(1) }, { namespace: "" })],
  "namespace of the provider": [
    {
      ...deployment({ replicas: 9, template: template(1) }, { namespace: null }),
      providerProps: { namespace: "chat" },
    },
  ],
  "spread over namespaces past the stack's quota": [
    deployment({ template: template(8) }),
    deployment({ template: template(4) }, { namespace: "research" }),
    release({ chart: "llm-suite", repositoryOpts: { repo: "https://charts.example.com" } }),
  ],

  // Helm
  "Release that is not listed": [release({ chart: "vllm-stack", repositoryOpts: { repo: "https://example.com" } })],
  "listed chart from elsewhere": [release({ chart: "metallb", repositoryOpts: { repo: "https://evil.example.com" } })],
  "listed chart without its repository": [release({ chart: "metallb" })],
  "values that ask for GPUs": [listed({ controller: { resources: { limits: { "nvidia.com/gpu": 1 } } } })],
  "values that ask in text": [listed({ extraYaml: "resources:\n  limits:\n    amd.com/gpu: 4" })],
  "values that ask by --set": [listed({ args: ["--set", "limits.amd.com/gpu=4"] })],
  "values with a hidden ask": [listed({ resources: { limits: { "amd.com/gpu": unknown } } })],
  "Release with a post-renderer": [
    release({ chart: "metallb", repositoryOpts: { repo: "https://metallb.github.io/metallb" }, postrender: "./add" }),
  ],
  "Release above its declared GPUs": [
    release({
      chart: "llm-suite",
      repositoryOpts: { repo: "https://charts.example.com" },
      values: { resources: { limits: { "amd.com/gpu": 5 } } },
    }),
  ],
  "Release with GPUs and an unknown namespace": [
    release({ chart: "llm-suite", namespace: unknown, repositoryOpts: { repo: "https://charts.example.com" } }),
  ],
  "Release whose chart is unknown": [release({ chart: unknown })],

  // Values unknown at preview
  "unknown replicas": [deployment({ replicas: unknown, template: template(1) })],
  "unknown quantity": [deployment({ template: template(unknown) })],
  "unknown limits": [deployment({ template: { spec: { containers: [{ resources: { limits: unknown } }] } } })],
  "unknown resources": [deployment({ template: { spec: { containers: [{ resources: unknown }] } } })],
  "unknown container": [deployment({ template: { spec: { containers: [unknown] } } })],
  "unknown containers": [deployment({ template: { spec: { containers: unknown } } })],
  "unknown init containers": [deployment({ template: { spec: { containers: [], initContainers: unknown } } })],
  "unknown template": [deployment({ template: unknown })],
  "unknown spec": [kube("apps/v1", "Deployment", { spec: unknown })],
  "unknown strategy": [deployment({ replicas: 1, strategy: unknown, template: template(1) })],
  "unknown surge": [
    deployment({ replicas: 1, strategy: { rollingUpdate: { maxSurge: unknown } }, template: template(1) }),
  ],
  "unknown namespace": [deployment({ template: template(1) }, { namespace: unknown })],
  "unknown claims": [deployment({ template: template(0, { resourceClaims: unknown }) })],
  "unknown device count": [claimOf({ exactly: { deviceClassName: "gpu.amd.com", count: unknown } })],
  "unknown maximum of an HPA": [
    deployment({ replicas: 1, template: template(1) }),
    kube("autoscaling/v2", "HorizontalPodAutoscaler", {
      spec: { scaleTargetRef: { kind: "Deployment", name: "llm" }, maxReplicas: unknown },
    }),
  ],
  "unknown target of an HPA": [
    deployment({ replicas: 1, template: template(1) }),
    kube("autoscaling/v2", "HorizontalPodAutoscaler", {
      spec: { scaleTargetRef: { kind: "Deployment", name: unknown }, maxReplicas: 9 },
    }),
  ],
  "unknown part of a custom resource": [custom({ workers: unknown })],
  "unknown spec of a custom resource": [custom(unknown)],
  "outputs that are empty, inputs that ask": [{ ...deployment({ replicas: 9, template: template(1) }), outputs: {} }],
  "outputs that are empty, inputs never seen": [
    { ...deployment({ template: template(1) }), outputs: {}, unregistered: true },
  ],
  "resource that only its outputs show": [
    { ...deployment({ replicas: 9, template: template(1) }), unregistered: true },
  ],
  // Resource options and engine features
  "ignoreChanges on replicas": [
    { ...deployment({ replicas: 1, template: template(1) }), ignoreChanges: ["spec.replicas"] },
  ],
  "ignoreChanges on everything": [{ ...deployment({ replicas: 1, template: template(1) }), ignoreChanges: ["*"] }],
  "skipAwait on a Deployment above the quota": [
    deployment({ replicas: 9, template: template(1) }, { annotations: { "pulumi.com/skipAwait": "true" } }),
  ],
  "labels and annotations that speak of fewer GPUs": [
    deployment({ replicas: 9, template: template(1) }, { labels: { gpus: "0" }, annotations: { "amd.com/gpu": "0" } }),
  ],
  "a second provider for the other half": [
    { ...deployment({ replicas: 5, template: template(1) }), providerProps: { kubeconfig: "first" } },
    { ...deployment({ replicas: 5, template: template(1) }), providerProps: { kubeconfig: "second" } },
  ],
  "the same name in two namespaces of a provider each": [
    {
      ...deployment({ replicas: 8, template: template(1) }, { namespace: null }),
      providerProps: { namespace: "chat" },
    },
    {
      ...deployment({ replicas: 8, template: template(1) }, { namespace: null }),
      providerProps: { namespace: "away" },
    },
  ],
  "moved to a namespace without a quota": [deployment({ template: template(1) }, { namespace: "chat-2" })],
  "an import whose inputs the program leaves out": [
    {
      ...kube("apps/v1", "Deployment", {}),
      outputs: deployment({ replicas: 9, template: template(1) }).props,
      unregistered: true,
    },
  ],
  "a second, wider ResourceQuota": [
    deployment({ replicas: 8, template: template(1) }),
    kube("v1", "ResourceQuota", { spec: { hard: { "requests.amd.com/gpu": "64" } } }),
  ],
  "a ResourceQuota that is unknown at preview": [
    kube("v1", "ResourceQuota", { spec: { hard: { "requests.amd.com/gpu": unknown } } }),
  ],
  "a pod on a node by name, past the scheduler, above the quota": [
    kube("v1", "Pod", { spec: { ...podSpec(9), nodeName: "node-1" } }),
  ],
  "ignoreChanges on the maximum of an HPA": [
    deployment({ replicas: 1, template: template(1) }),
    {
      ...kube("autoscaling/v2", "HorizontalPodAutoscaler", {
        spec: { scaleTargetRef: { kind: "Deployment", name: "llm" }, maxReplicas: 2 },
      }),
      ignoreChanges: ["spec.maxReplicas"],
    },
  ],
  "ignoreChanges on the annotations of a ScaledObject, which hold its paused replicas": [
    deployment({ replicas: 1, template: template(1) }),
    {
      ...kube("keda.sh/v1alpha1", "ScaledObject", { spec: { scaleTargetRef: { name: "llm" }, maxReplicaCount: 2 } }),
      ignoreChanges: ["metadata.annotations"],
    },
  ],
  "ignoreChanges on the hard limits of a ResourceQuota": [
    {
      ...kube("v1", "ResourceQuota", { spec: { hard: { "requests.amd.com/gpu": "8" } } }),
      ignoreChanges: ['spec.hard["requests.amd.com/gpu"]'],
    },
  ],
  "ignoreChanges on the workers of a RayCluster": [
    {
      ...kube("ray.io/v1", "RayCluster", {
        spec: { headGroupSpec: { template: template(0) }, workerGroupSpecs: [{ replicas: 1, template: template(1) }] },
      }),
      ignoreChanges: ["spec.workerGroupSpecs[0].replicas"],
    },
  ],
  "ignoreChanges on the containers of a Pod": [
    { ...kube("v1", "Pod", { spec: podSpec(1) }), ignoreChanges: ["spec.containers"] },
  ],

  // Objects that give GPUs to pods which do not ask for them
  "LimitRange whose default holds GPUs": [
    kube("v1", "LimitRange", { spec: { limits: [{ type: "Container", default: { "amd.com/gpu": "1" } }] } }),
  ],
  "LimitRange whose default request holds GPUs": [
    kube("v1", "LimitRange", { spec: { limits: [{ type: "Container", defaultRequest: { "nvidia.com/gpu": 1 } }] } }),
  ],
  "LimitRange with unknown defaults": [
    kube("v1", "LimitRange", { spec: { limits: [{ type: "Container", default: unknown }] } }),
  ],
  "RuntimeClass whose overhead holds GPUs": [
    kube("node.k8s.io/v1", "RuntimeClass", { handler: "runc", overhead: { podFixed: { "amd.com/gpu": "1" } } }),
  ],
  "GPUs in the overhead of a pod": [kube("v1", "Pod", { spec: podSpec(8, { overhead: { "amd.com/gpu": 1 } }) })],
  "DeviceClass with the name of a network card": [
    kube(
      "resource.k8s.io/v1",
      "DeviceClass",
      { spec: { selectors: [{ cel: { expression: 'device.driver == "gpu.amd.com"' } }] } },
      { name: "rdma" },
    ),
    claimOf({ exactly: { deviceClassName: "rdma", count: 9 } }),
  ],
  "MutatingAdmissionPolicy that adds GPUs": [
    kube("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", {
      spec: { mutations: [{ applyConfiguration: { expression: "Object{spec: Object.spec{replicas: 64}}" } }] },
    }),
  ],
  MutatingWebhookConfiguration: [
    kube("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", {
      webhooks: [{ name: "more.example.com" }],
    }),
  ],

  // Operators that run pods which the stack does not show
  "Argo CD Application": [
    kube("argoproj.io/v1alpha1", "Application", { spec: { source: { repoURL: "https://example.com/models.git" } } }),
  ],
  "Flux HelmRelease": [
    kube("helm.toolkit.fluxcd.io/v2", "HelmRelease", { spec: { chart: { spec: { chart: "vllm-stack" } } } }),
  ],
  "Flux Kustomization": [kube("kustomize.toolkit.fluxcd.io/v1", "Kustomization", { spec: { path: "./models" } })],
  "HelmChart of k3s": [kube("helm.cattle.io/v1", "HelmChart", { spec: { chart: "vllm-stack" } })],
  "KAITO Workspace, which names an instance type only": [
    kube("kaito.sh/v1beta1", "Workspace", { resource: { instanceType: "Standard_ND96isr_H100_v5" } }),
  ],
  "NIMService, whose operator chooses the GPUs": [
    kube("apps.nvidia.com/v1alpha1", "NIMService", { spec: { replicas: 9, image: { repository: "nvcr.io/nim/x" } } }),
  ],
  "KubeAI Model by resource profile": [
    kube("kubeai.org/v1", "Model", { spec: { resourceProfile: "nvidia-gpu-l4:1", maxReplicas: 9 } }),
  ],
  "GPUs in an operator's own words": [custom({ services: { worker: { resources: { limits: { gpu: "8" } } } } })],
  "a number of GPUs in an operator's own words": [custom({ replicas: 2, gpuCount: 8 })],
  "manifests as text in a custom resource": [custom({ manifest: "resources:\n  limits:\n    nvidia.com/gpu: 8\n" })],
  "LLMInferenceService by preset": [
    kube("serving.kserve.io/v1alpha1", "LLMInferenceService", {
      spec: { replicas: 9, baseRefs: [{ name: "mi300x" }] },
    }),
  ],
  "InferenceService whose runtime holds the GPUs": [
    kube("serving.kserve.io/v1beta1", "InferenceService", {
      spec: { predictor: { maxReplicas: 4, model: { runtime: "vllm-mi300x", resources: { limits: { cpu: "8" } } } } },
    }),
  ],
  "values of a listed chart in files": [
    release({
      chart: "metallb",
      repositoryOpts: { repo: "https://metallb.github.io/metallb" },
      valueYamlFiles: [{ path: "gpus.yaml" }],
    }),
  ],
  "ConfigGroup without children": [{ type: "kubernetes:yaml/v2:ConfigGroup", props: {} }],
  "Chart without children": [{ type: "kubernetes:helm.sh/v4:Chart", props: {} }],
};

function claimOf(request: object): TestResource {
  return kube("resource.k8s.io/v1", "ResourceClaim", { spec: { devices: { requests: [{ name: "a", ...request }] } } });
}

function listed(values: object): TestResource {
  return release({ chart: "metallb", repositoryOpts: { repo: "https://metallb.github.io/metallb" }, values });
}

/** The policies that count: what others find to say about an attack does not stop it. */
const counting = [
  "gpu-demand",
  "gpu-quota-per-namespace",
  "gpu-quota-per-stack",
  "gpu-counts-managed",
  "gpu-resource-quota",
];

describe("attacks on the GPU quota", () => {
  it("are eighty and more", () => assert.ok(Object.keys(attacks).length >= 80, `${Object.keys(attacks).length}`));

  for (const [name, resources] of Object.entries(attacks)) {
    it(`refuses: ${name}`, async () => {
      const found = await check(resources);
      assert.notDeepEqual(
        found.filter(({ level, policy }) => level === "mandatory" && counting.includes(policy)),
        [],
      );
      assert.deepEqual(
        found.filter(({ level }) => level === "advisory"),
        [],
      );
    });
  }

  it("are refused for what they ask: the same at the quota passes", async () => {
    assert.deepEqual(await refusals([deployment({ replicas: 8, template: template(1) })]), []);
  });
});
