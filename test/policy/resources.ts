import type { TestResource } from "./harness";

/** Builders of resources for the tables of tests. */

const nodeLabels: Record<string, string> = {
  "amd.com": "feature.node.kubernetes.io/amd-gpu",
  "nvidia.com": "nvidia.com/gpu.present",
  "gpu.intel.com": "intel.feature.node.kubernetes.io/gpu",
  "habana.ai": "habana.ai/gaudi.present",
};

export function container(gpus: unknown, resource = "amd.com/gpu"): object {
  return {
    name: "main",
    image: "vllm/vllm-openai:v0.22.0",
    readinessProbe: { httpGet: { path: "/v1/models", port: 8000 } },
    startupProbe: { httpGet: { path: "/health", port: 8000 }, periodSeconds: 10, failureThreshold: 60 },
    resources: { limits: { [resource]: gpus } },
  };
}

export function podSpec(gpus: unknown, more: object = {}, resource = "amd.com/gpu"): object {
  return {
    enableServiceLinks: false,
    nodeSelector: { [nodeLabels[resource.split("/")[0] ?? ""] ?? "gpu"]: "true" },
    containers: [container(gpus, resource)],
    ...more,
  };
}

export function template(gpus: unknown, more: object = {}): object {
  return { metadata: { labels: { app: "llm" } }, spec: podSpec(gpus, more) };
}

export function kube(apiVersion: string, kind: string, body: object, metadata: object = {}): TestResource {
  const token = apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`;
  return {
    type: `kubernetes:${token}:${kind}`,
    name: `${kind.toLowerCase()}-${counter++}`,
    props: { apiVersion, kind, metadata: { name: "llm", namespace: "chat", ...metadata }, ...body },
  };
}
let counter = 0;

export function deployment(spec: object, metadata: object = {}): TestResource {
  return kube("apps/v1", "Deployment", { spec: { strategy: { type: "Recreate" }, ...spec } }, metadata);
}

/** A custom resource of an API group that the policies do not know. */
export function custom(spec: unknown, kind = "Farm"): TestResource {
  return kube("example.com/v1", kind, { spec });
}

export function release(props: object): TestResource {
  return {
    type: "kubernetes:helm.sh/v3:Release",
    name: `release-${counter++}`,
    props: { namespace: "chat", ...props },
  };
}

export function patchOf(resource: TestResource, props: object): TestResource {
  return { ...resource, name: `patch-${counter++}`, type: `${resource.type}Patch`, props };
}
