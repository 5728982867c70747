import assert from "node:assert/strict";
import { check, unknown, type TestResource } from "./harness";
import { container, custom, deployment, kube, podSpec, template } from "./resources";

async function refusedBy(policy: string, resource: TestResource): Promise<string[]> {
  const found = await check([resource]);
  return found.filter((violation) => violation.policy === policy).map(({ message }) => message);
}

function hostPath(path: unknown): TestResource {
  return deployment({ template: template(1, { volumes: [{ name: "v", hostPath: { path } }] }) });
}

function pod(containerParts: object, podParts: object = {}, metadata: object = {}): TestResource {
  return kube(
    "v1",
    "Pod",
    { spec: podSpec(0, { containers: [{ name: "a", ...containerParts }], ...podParts }) },
    metadata,
  );
}

function environment(name: string, value?: unknown): TestResource {
  return pod({ env: [{ name, ...(value === undefined ? { valueFrom: { fieldRef: {} } } : { value }) }] });
}

const refused: Record<string, Record<string, TestResource>> = {
  "no-gpu-device-access": {
    "/dev/kfd": hostPath("/dev/kfd"),
    "/dev/dri": hostPath("/dev/dri"),
    "/dev/dri/renderD128": hostPath("/dev/dri/renderD128"),
    "/dev/nvidia0": hostPath("/dev/nvidia0"),
    "/dev/nvidia-caps/": hostPath("/dev/nvidia-caps/"),
    "a way round": hostPath("/dev/../dev//kfd/."),
    "two slashes": hostPath("//dev/kfd"),
    "all devices": hostPath("/dev/"),
    "the whole disk": hostPath("/"),
    "an unknown path": hostPath(unknown),
    "a PersistentVolume": kube("v1", "PersistentVolume", { spec: { hostPath: { path: "/dev/dri" } } }),
    "a local PersistentVolume": kube("v1", "PersistentVolume", { spec: { local: { path: "/dev" } } }),
    "a privileged container": pod({ securityContext: { privileged: true } }),
    "an unknown privilege": pod({ securityContext: { privileged: unknown } }),
    "a privileged init container": pod({}, { initContainers: [{ name: "b", securityContext: { privileged: true } }] }),
    "a custom resource": custom({ pods: { containers: [], volumes: [{ hostPath: { path: "/dev/kfd" } }] } }),
  },
  "no-visible-devices-env": {
    "all devices": environment("NVIDIA_VISIBLE_DEVICES", "all"),
    "one device": environment("NVIDIA_VISIBLE_DEVICES", "0"),
    "an unknown value": environment("NVIDIA_VISIBLE_DEVICES", unknown),
    "a value from elsewhere": environment("NVIDIA_VISIBLE_DEVICES"),
    "AMD's runtime": environment("AMD_VISIBLE_DEVICES", "all"),
    "Habana's runtime": environment("HABANA_VISIBLE_DEVICES", "0"),
    "a ConfigMap to import": kube("v1", "ConfigMap", { data: { NVIDIA_VISIBLE_DEVICES: "all" } }),
    "a Secret to import": kube("v1", "Secret", { stringData: { NVIDIA_VISIBLE_DEVICES: "all" } }),
    "a CDI annotation": pod({}, {}, { annotations: { "cdi.k8s.io/gpus": "nvidia.com/gpu=all" } }),
    "the NVIDIA runtime without GPUs": pod({}, { runtimeClassName: "nvidia" }),
  },
  "gpu-requests-equal-limits": {
    "a request without a limit": pod({ resources: { requests: { "amd.com/gpu": 1 } } }),
    "a request below its limit": pod({
      resources: { requests: { "amd.com/gpu": 1 }, limits: { "amd.com/gpu": 2 } },
    }),
    "an init container": pod({}, { initContainers: [{ name: "b", resources: { requests: { "nvidia.com/gpu": 1 } } }] }),
  },
};

const admitted: Record<string, Record<string, TestResource>> = {
  "no-gpu-device-access": {
    "a directory of models": hostPath("/mnt/data/ai-models"),
    "shared memory of the node": hostPath("/dev/shm"),
    "an unprivileged container": pod({ securityContext: { privileged: false } }),
  },
  "no-visible-devices-env": {
    "no devices": environment("NVIDIA_VISIBLE_DEVICES", "void"),
    "a variable of the program": environment("HIP_VISIBLE_DEVICES", "0"),
    "a GPU under the NVIDIA runtime": deployment({ template: template(1, { runtimeClassName: "nvidia" }) }),
    "a ConfigMap": kube("v1", "ConfigMap", { data: { "config.yaml": "NVIDIA_VISIBLE_DEVICES: all" } }),
  },
  "gpu-requests-equal-limits": {
    "a limit alone": kube("v1", "Pod", { spec: { containers: [container(1)] } }),
    "equal numbers, written otherwise": pod({
      resources: { requests: { "amd.com/gpu": 1 }, limits: { "amd.com/gpu": "1" } },
    }),
    "a CPU request below its limit": pod({ resources: { requests: { cpu: "1" }, limits: { cpu: "2" } } }),
  },
};

for (const [policy, cases] of Object.entries(refused)) {
  describe(policy, () => {
    for (const [name, resource] of Object.entries(cases)) {
      it(`refuses ${name}`, async () => assert.notDeepEqual(await refusedBy(policy, resource), []));
    }
    for (const [name, resource] of Object.entries(admitted[policy] ?? {})) {
      it(`admits ${name}`, async () => assert.deepEqual(await refusedBy(policy, resource), []));
    }
  });
}
