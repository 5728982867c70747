import assert from "node:assert/strict";
import { check, config, unknown, type PackConfig, type TestResource } from "./harness";
import { container, custom, deployment, kube, podSpec, release, template } from "./resources";

/** Refused by the policy with this config, unless `admitted`. */
interface Case {
  readonly stack: readonly TestResource[];
  readonly config?: Record<string, unknown>;
}

const pod = (parts: object, metadata: object = {}): TestResource =>
  kube("v1", "Pod", { spec: podSpec(1, parts) }, metadata);
const serving = (parts: object, spec: object = {}): TestResource =>
  deployment({ replicas: 1, template: template(1, { containers: [{ ...container(1), ...parts }] }), ...spec });
const image = (name: string): TestResource => serving({ image: name });
const environment = (name: string, value: string): TestResource => serving({ env: [{ name, value }] });
const hfToken = `hf_${"a1B2".repeat(9)}`;
const digest = `sha256:${"0a".repeat(32)}`;
const selecting = (nodeSelector: object): TestResource => pod({ nodeSelector });
const budget = (spec: object): TestResource =>
  kube("policy/v1", "PodDisruptionBudget", { spec: { selector: { matchLabels: { app: "llm" } }, ...spec } });
const service = (spec: object, metadata: object = {}): TestResource => kube("v1", "Service", { spec }, metadata);
const gateway = (...protocols: string[]): TestResource =>
  kube("gateway.networking.k8s.io/v1", "Gateway", { spec: { listeners: protocols.map((protocol) => ({ protocol })) } });
const claim = kube("resource.k8s.io/v1", "ResourceClaim", {
  spec: { devices: { requests: [{ name: "a", exactly: { deviceClassName: "gpu.amd.com" } }] } },
});
const deviceConfig = (spec: object): TestResource => kube("amd.com/v1alpha1", "DeviceConfig", { spec });
const definition = kube("apiextensions.k8s.io/v1", "CustomResourceDefinition", { spec: {} });
const drain = (grace: number): TestResource =>
  deployment({
    template: template(1, {
      terminationGracePeriodSeconds: grace,
      containers: [
        {
          ...container(1),
          args: ["--shutdown-timeout", "120"],
          lifecycle: { preStop: { sleep: { seconds: 15 } } },
        },
      ],
    }),
  });
const quota = (hard: object, metadata: object = {}): TestResource =>
  kube("v1", "ResourceQuota", { spec: { hard } }, { name: "more", ...metadata });
const product = (name: string, replicas: number): TestResource =>
  deployment({
    replicas,
    template: template(1, { nodeSelector: { "amd.com/gpu.product-name": name } }),
  });

const refused: Record<string, Record<string, Case>> = {
  "gpu-resource-quota": {
    "a quota above the policy's": { stack: [quota({ "requests.amd.com/gpu": "9" })] },
    "a second, wider quota beside the first": {
      stack: [deployment({ template: template(1) }), quota({ "requests.amd.com/gpu": "100" })],
    },
    "an unknown quota": { stack: [quota({ "requests.amd.com/gpu": unknown })] },
    "GPUs that no quota limits": {
      stack: [kube("v1", "Pod", { spec: podSpec(0, { containers: [container(1, "amd.com/cpx_nps4")] }) })],
    },
    "a demand that the quota would refuse": {
      stack: [deployment({ replicas: 4, template: template(1) }), quota({ "requests.amd.com/gpu": "2" })],
    },
  },
  "gpu-counts-managed": {
    "replicas without an autoscaler": {
      stack: [{ ...deployment({ replicas: 1, template: template(1) }), ignoreChanges: ["spec.replicas"] }],
    },
    "everything of the spec": {
      stack: [{ ...deployment({ replicas: 1, template: template(1) }), ignoreChanges: ["spec"] }],
    },
    "the pod, in brackets": {
      stack: [{ ...deployment({ template: template(1) }), ignoreChanges: ['spec["template"].spec'] }],
    },
  },
  "gpu-budget": {
    "GPUs above the budget": {
      stack: [deployment({ replicas: 4, template: template(1) })],
      config: { perHour: 10, prices: { "amd.com/gpu": 3 } },
    },
    "GPUs without a price": {
      stack: [deployment({ template: template(1) })],
      config: { perHour: 10, prices: { "nvidia.com/gpu": 3 } },
    },
  },
  "gpu-products": {
    "more GPUs of a product than its quota": { stack: [product("MI300X", 5)], config: { quotas: { MI300X: 4 } } },
    "a product without a quota": { stack: [product("MI355X", 1)], config: { quotas: { MI300X: 4 } } },
    "GPUs of any product": { stack: [deployment({ template: template(1) })], config: { quotas: { MI300X: 4 } } },
  },
  "device-plugin-or-dra": {
    "both in the operator": { stack: [deviceConfig({ draDriver: { enable: true } })] },
    "both in use": { stack: [claim, deployment({ template: template(1) })] },
  },
  "disruption-budgets": {
    "maxUnavailable 0": { stack: [budget({ maxUnavailable: 0 })] },
    "minAvailable of all": { stack: [deployment({ replicas: 2, template: template(1) }), budget({ minAvailable: 2 })] },
    "minAvailable 100%": { stack: [budget({ minAvailable: "100%" })] },
    "minAvailable rounded up to all": {
      stack: [deployment({ replicas: 2, template: template(1) }), budget({ minAvailable: "51%" })],
    },
    "replicas without one, where it is required": {
      stack: [deployment({ replicas: 2, template: template(1) })],
      config: { required: true },
    },
  },
  "gpu-node-selection": {
    "no selection": { stack: [selecting({})] },
    "nodes of another vendor": { stack: [selecting({ "nvidia.com/gpu.present": "true" })] },
    "a node by name": { stack: [pod({ nodeName: "node-1" })] },
    "a preferred affinity only": {
      stack: [
        pod({
          nodeSelector: {},
          affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1 }] } },
        }),
      ],
    },
  },
  "gpu-pod-priority": {
    "a class of the system": { stack: [pod({ priorityClassName: "system-node-critical" })] },
    "no class, where some are allowed": { stack: [pod({})], config: { allowed: ["serving"] } },
    "another class": { stack: [pod({ priorityClassName: "batch" })], config: { allowed: ["serving"] } },
  },
  "no-host-access": {
    hostNetwork: { stack: [pod({ hostNetwork: true })] },
    hostPID: { stack: [pod({ hostPID: true })] },
    hostIPC: { stack: [pod({ hostIPC: unknown })] },
    "a capability over the node": { stack: [serving({ securityContext: { capabilities: { add: ["SYS_ADMIN"] } } })] },
    "a capability by its long name": {
      stack: [serving({ securityContext: { capabilities: { add: ["CAP_SYS_MODULE"] } } })],
    },
    "a custom resource": { stack: [custom({ pod: { containers: [], hostNetwork: true } })] },
  },
  "host-paths": {
    "a directory of the system": { stack: [pod({ volumes: [{ hostPath: { path: "/etc" } }] })] },
    "a way round": { stack: [pod({ volumes: [{ hostPath: { path: "/mnt/data/ai-models/../../../etc" } }] })] },
    "a directory whose name begins alike": {
      stack: [pod({ volumes: [{ hostPath: { path: "/mnt/data/ai-models2" } }] })],
    },
    "a PersistentVolume": { stack: [kube("v1", "PersistentVolume", { spec: { local: { path: "/var/lib" } } })] },
  },
  "image-sources": {
    "no tag": { stack: [image("vllm/vllm-openai")] },
    "no tag behind a port": { stack: [image("registry.example.com:5000/vllm")] },
    "a moving tag": { stack: [image("vllm/vllm-openai:latest")] },
    "another registry": {
      stack: [image("evil.example.com/vllm:v1")],
      config: { registries: ["docker.io", "ghcr.io"] },
    },
    "a registry whose name begins alike": {
      stack: [image("ghcr.io.example.com/vllm:v1")],
      config: { registries: ["ghcr.io"] },
    },
    "a tag where a digest is required": { stack: [image("vllm/vllm-openai:v1")], config: { requireDigest: true } },
    "an init container": { stack: [pod({ initContainers: [{ name: "a", image: "busybox" }] })] },
    "a volume": { stack: [pod({ volumes: [{ name: "a", image: { reference: "ghcr.io/acme/weights:latest" } }] })] },
  },
  "no-plain-secrets": {
    "a token in the environment": { stack: [environment("TOKEN_OF_HF", hfToken)] },
    "a variable by its name": { stack: [environment("DB_PASSWORD", "hunter2")] },
    "an argument": { stack: [serving({ args: ["--api-key", "hunter2"] })] },
    "an argument with =": { stack: [serving({ args: ["--api-key=hunter2"] })] },
    "an annotation": { stack: [pod({}, { annotations: { note: hfToken } })] },
    "a ConfigMap": { stack: [kube("v1", "ConfigMap", { data: { "a.conf": `x\ntoken: ${hfToken}` } })] },
    "a private key": { stack: [kube("v1", "ConfigMap", { data: { key: "-----BEGIN RSA PRIVATE KEY-----" } })] },
    "a URL with a password": { stack: [environment("DATABASE", "postgres://user:hunter2@db/x")] },
    "Helm values": { stack: [release({ chart: "metallb", values: { auth: { password: "hunter2" } } })] },
  },
  "graceful-termination": {
    "a grace period that the drain uses up": { stack: [drain(135)] },
    "the default": {
      stack: [serving({ lifecycle: { preStop: { exec: { command: ["sh", "-c", "sleep 30"] } } } })],
    },
  },
  "serving-probes": {
    "no readiness probe": { stack: [serving({ readinessProbe: null })] },
    "a short startup probe": { stack: [serving({ startupProbe: { failureThreshold: 3 } })] },
    "a liveness probe alone": {
      stack: [serving({ startupProbe: null, livenessProbe: { initialDelaySeconds: 60 } })],
    },
    "less than the config asks for": { stack: [serving({})], config: { startSeconds: 900 } },
  },
  "rolling-update-progress": {
    "neither surge nor a missing pod": {
      stack: [serving({}, { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } })],
    },
    "a paused Deployment": { stack: [serving({}, { paused: true })] },
    "a deadline before the start": { stack: [serving({}, { progressDeadlineSeconds: 60 })] },
    OnDelete: {
      stack: [
        kube("apps/v1", "StatefulSet", { spec: { updateStrategy: { type: "OnDelete" }, template: template(1) } }),
      ],
    },
  },
  "minimum-replicas": {
    "one replica in production": { stack: [serving({})], config: { replicas: 2 } },
  },
  "load-balancer-tls": {
    "a plain port": { stack: [service({ type: "LoadBalancer", ports: [{ port: 8000 }] })] },
    "one of two ports": { stack: [service({ type: "LoadBalancer", ports: [{ port: 443 }, { port: 80 }] })] },
    "a Gateway with HTTP only": { stack: [gateway("HTTP")] },
    "an Ingress": { stack: [kube("networking.k8s.io/v1", "Ingress", { spec: { rules: [{}] } })] },
  },
  "protected-resources": {
    "one that lost its protection": {
      stack: [kube("v1", "PersistentVolumeClaim", { spec: {} })],
      config: { resources: ["PersistentVolumeClaim/chat/*"] },
    },
  },
  "crd-delete-guard": {
    "an unprotected definition": { stack: [definition] },
  },
  "service-links": {
    "a pod that gets them": { stack: [pod({ enableServiceLinks: true })] },
    "a pod that gets them by default": { stack: [pod({ enableServiceLinks: null })] },
  },
};

const admitted: Record<string, Record<string, Case>> = {
  "gpu-resource-quota": {
    "a scoped quota": { stack: [quota({ pods: "4" })] },
    "claims below their quota": { stack: [claim] },
  },
  "gpu-counts-managed": {
    "replicas that an autoscaler sets": {
      stack: [
        { ...deployment({ replicas: 1, template: template(1) }), ignoreChanges: ["spec.replicas"] },
        kube("autoscaling/v2", "HorizontalPodAutoscaler", {
          spec: { scaleTargetRef: { kind: "Deployment", name: "llm" }, maxReplicas: 4 },
        }),
      ],
    },
    labels: { stack: [{ ...deployment({ template: template(1) }), ignoreChanges: ["metadata.labels"] }] },
  },
  "gpu-budget": {
    "any number without a budget": { stack: [deployment({ replicas: 8, template: template(1) })] },
    "GPUs within the budget": {
      stack: [deployment({ replicas: 4, template: template(1) })],
      config: { perHour: 12, prices: { "amd.com/gpu": 3 } },
    },
  },
  "gpu-products": {
    "GPUs within the quota": { stack: [product("MI300X", 4)], config: { quotas: { MI300X: 4 } } },
  },
  "device-plugin-or-dra": {
    "the plugin": { stack: [deviceConfig({ devicePlugin: { enableDevicePlugin: true } })] },
    "claims alone": { stack: [claim] },
  },
  "disruption-budgets": {
    "one pod at a time": { stack: [deployment({ replicas: 1, template: template(1) }), budget({ maxUnavailable: 1 })] },
    "minAvailable below the replicas": {
      stack: [deployment({ replicas: 2, template: template(1) }), budget({ minAvailable: 1 })],
      config: { required: true },
    },
  },
  "gpu-node-selection": {
    "a required affinity": {
      stack: [
        pod({
          nodeSelector: {},
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: "amd.com/gpu.family", operator: "Exists" }] }],
              },
            },
          },
        }),
      ],
    },
    "a label of the config": { stack: [selecting({ pool: "gpu" })], config: { labels: ["pool"] } },
  },
  "gpu-pod-priority": {
    "an allowed class": { stack: [pod({ priorityClassName: "serving" })], config: { allowed: ["serving"] } },
    "a class of the system without GPUs": {
      stack: [kube("v1", "Pod", { spec: podSpec(0, { priorityClassName: "system-node-critical" }) })],
    },
  },
  "no-host-access": {
    "dropped capabilities": {
      stack: [serving({ securityContext: { capabilities: { drop: ["ALL"], add: ["SYS_NICE"] } } })],
    },
  },
  "host-paths": {
    "below an allowed one": { stack: [pod({ volumes: [{ hostPath: { path: "/mnt/data/ai-models/a" } }] })] },
  },
  "image-sources": {
    "a version": { stack: [image("vllm/vllm-openai:v0.33.0")], config: { registries: ["docker.io/vllm"] } },
    "a digest": { stack: [image(`ghcr.io/acme/vllm@${digest}`)], config: { requireDigest: true } },
    "an image that the update builds": { stack: [serving({ image: unknown })] },
    "a volume of an image": {
      stack: [pod({ volumes: [{ emptyDir: {} }, { image: { reference: `ghcr.io/acme/weights@${digest}` } }] })],
      config: { registries: ["ghcr.io", "docker.io"] },
    },
  },
  "no-plain-secrets": {
    "a reference": {
      stack: [serving({ env: [{ name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: "a", key: "b" } } }] })],
    },
    "a variable in an argument": { stack: [serving({ args: ["--api-key", "$(API_KEY)"] })] },
    "names that only sound alike": {
      stack: [
        environment("MAX_TOKENS", "4096"),
        environment("TOKENIZER", "auto"),
        serving({ args: ["--max-tokens", "8"] }),
      ],
    },
    "a Secret": { stack: [kube("v1", "Secret", { stringData: { token: hfToken } })] },
    "names of Secrets in Helm values": {
      stack: [release({ chart: "metallb", values: { imagePullSecret: "registry" } })],
    },
  },
  "graceful-termination": { "slack after the drain": { stack: [drain(150)] } },
  "serving-probes": {
    "a worker of a LeaderWorkerSet": {
      stack: [
        kube("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", {
          spec: {
            leaderWorkerTemplate: {
              size: 2,
              leaderTemplate: template(1),
              workerTemplate: template(1, { containers: [{ ...container(1), readinessProbe: null }] }),
            },
          },
        }),
      ],
    },
  },
  "rolling-update-progress": {
    "one at a time": { stack: [serving({}, { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } })] },
  },
  "minimum-replicas": {
    "two replicas": { stack: [serving({}, { replicas: 2 })], config: { replicas: 2 } },
    "a model that is switched off": { stack: [serving({}, { replicas: 0 })], config: { replicas: 2 } },
  },
  "load-balancer-tls": {
    "a Service inside the cluster": { stack: [service({ type: "ClusterIP", ports: [{ port: 8000 }] })] },
    "HTTPS by name": { stack: [service({ type: "LoadBalancer", ports: [{ port: 8000, name: "https" }] })] },
    "a namespace that may": {
      stack: [service({ type: "LoadBalancer", ports: [{ port: 8000 }] })],
      config: { plainNamespaces: ["chat"] },
    },
    "a Gateway that redirects": { stack: [gateway("HTTP", "HTTPS")] },
  },
  "protected-resources": {
    "a protected one": {
      stack: [{ ...kube("v1", "PersistentVolumeClaim", { spec: {} }), protect: true }],
      config: { resources: ["PersistentVolumeClaim/chat/*"] },
    },
  },
  "crd-delete-guard": { "a protected definition": { stack: [{ ...definition, protect: true }] } },
  "service-links": { "a pod without GPUs": { stack: [kube("v1", "Pod", { spec: { containers: [] } })] } },
};

async function found(policy: string, { stack, config: own }: Case): Promise<string[]> {
  const packConfig: PackConfig = own === undefined ? config : { ...config, [policy]: { ...config[policy], ...own } };
  const violations = await check(stack, { config: packConfig });
  assert.deepEqual(
    violations.filter(({ level }) => level === "advisory"),
    [],
  );
  return violations.filter((violation) => violation.policy === policy).map(({ message }) => message);
}

for (const [policy, cases] of Object.entries(refused)) {
  describe(policy, () => {
    for (const [name, one] of Object.entries(cases)) {
      it(`refuses ${name}`, async () => assert.notDeepEqual(await found(policy, one), []));
    }
    for (const [name, one] of Object.entries(admitted[policy] ?? {})) {
      it(`admits ${name}`, async () => assert.deepEqual(await found(policy, one), []));
    }
  });
}

describe("messages", () => {
  it("never hold the credential that they are about", async () => {
    for (const { stack } of Object.values(refused["no-plain-secrets"] ?? {})) {
      const text = JSON.stringify(await check(stack));
      assert.doesNotMatch(text, /hunter2|hf_a1B2/);
    }
  });
});

describe("exemptions", () => {
  const broken = image("vllm/vllm-openai:latest");
  const exempt = (exemption: object): Record<string, unknown> => ({ exemptions: [exemption] });
  const reason = "the vendor has no release yet";

  it("admit the resource that they name", async () => {
    const exemption = { resource: "Deployment/chat/llm", reason, expires: "9999-12-31" };
    assert.deepEqual(await found("image-sources", { stack: [broken], config: exempt(exemption) }), []);
    const pattern = { resource: "Deployment/chat/*", reason, expires: "9999-12-31" };
    assert.deepEqual(await found("image-sources", { stack: [broken], config: exempt(pattern) }), []);
  });

  it("admit no other", async () => {
    const exemption = { resource: "Deployment/chat/ll", reason, expires: "9999-12-31" };
    assert.equal((await found("image-sources", { stack: [broken], config: exempt(exemption) })).length, 1);
  });

  it("end on their day, and the violation says so", async () => {
    const exemption = { resource: "Deployment/chat/llm", reason, expires: "2020-01-31" };
    const [message] = await found("image-sources", { stack: [broken], config: exempt(exemption) });
    assert.match(message ?? "", /Its exemption \(the vendor has no release yet\) expired on 2020-01-31/);
  });

  it("with a day that does not exist are an error", async () => {
    const exemption = { resource: "Deployment/chat/llm", reason, expires: "2027-02-31" };
    await assert.rejects(found("image-sources", { stack: [broken], config: exempt(exemption) }), /which is no day/);
  });

  it("hold for policies of the whole stack, too", async () => {
    const exemption = { resource: "PodDisruptionBudget/chat/llm", reason, expires: "9999-12-31" };
    const one = { stack: [budget({ maxUnavailable: 0 })], config: exempt(exemption) };
    assert.deepEqual(await found("disruption-budgets", one), []);
  });
});
