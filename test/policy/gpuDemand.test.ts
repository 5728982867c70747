import assert from "node:assert/strict";
import { UNKNOWN, type ObjectValue } from "../../policy/demand/field";
import { isGpuResource } from "../../policy/demand/gpuResources";
import type { StackResource } from "../../policy/demand/objects";
import { parseQuantity } from "../../policy/demand/quantity";
import { gpuDemand, wholeGpus, type CountingConfig } from "../../policy/gpuDemand";
import { container, custom, deployment, kube, template } from "./resources";

const config: CountingConfig = { daemonSetNodes: 3, sharesPerGpu: {}, ceilings: {}, releases: [] };

function resource({ type, name, props }: { type: string; name?: string; props: object }): StackResource {
  return { type, urn: `urn::${name}`, props: props as ObjectValue };
}

function count(resources: { type: string; props: object }[], changes: Partial<CountingConfig> = {}): number {
  const demands = gpuDemand(resources.map(resource), { ...config, ...changes });
  assert.deepEqual(
    demands.flatMap(({ problems }) => problems),
    [],
  );
  return demands.reduce((total, { gpus }) => total + wholeGpus(gpus, { ...config, ...changes }.sharesPerGpu), 0);
}

function kindsOfProblems(
  resources: { type: string; props: object }[],
  changes: Partial<CountingConfig> = {},
): string[] {
  return gpuDemand(resources.map(resource), { ...config, ...changes }).flatMap(({ problems }) =>
    problems.map(({ kind, path }) => `${kind} ${path}`),
  );
}

describe("parseQuantity", () => {
  const legal: [unknown, number][] = [
    [0, 0],
    [1, 1],
    ["1", 1],
    ["+1", 1],
    ["1e0", 1],
    ["1E1", 10],
    ["1.", 1],
    ["1.0", 1],
    ["0.5e1", 5],
    [".5e1", 5],
    ["1k", 1000],
    ["1Ki", 1024],
    ["0", 0],
    ["-0", 0],
  ];
  for (const [value, expected] of legal) {
    it(`reads ${JSON.stringify(value)}`, () => assert.equal(parseQuantity(value) || 0, expected));
  }
  const refused = [
    "1000m",
    "1n",
    "1u",
    "",
    " ",
    " 1",
    "1 ",
    "1\n",
    "one",
    "0x1",
    "1_0",
    "1,0",
    "--1",
    "1e",
    "e1",
    "1KI",
    "1g",
  ];
  for (const value of [...refused, -1, "-1", 1.5, "1.5", "9E", 1e300, NaN, Infinity, true, null, [], {}, undefined]) {
    it(`refuses ${typeof value} ${String(JSON.stringify(value))}`, () =>
      assert.equal(typeof parseQuantity(value), "string"));
  }
});

describe("isGpuResource", () => {
  const gpus =
    "amd.com/gpu amd.com/cpx_nps4 nvidia.com/gpu nvidia.com/mig-1g.5gb nvidia.com/gpu.shared nvidia.com/GA102GL_A10 gpu.intel.com/i915 gpu.intel.com/i915_monitoring intel.com/gpu habana.ai/gaudi aws.amazon.com/neuroncore google.com/tpu huawei.com/Ascend910 hygon.com/dcu example.com/npu k8s.amazonaws.com/vgpu tencent.com/vcuda-core alpha.kubernetes.io/nvidia-gpu aliyun.com/gpu-mem";
  for (const name of gpus.split(" ")) it(`knows ${name}`, () => assert.equal(isGpuResource(name), true));
  const others =
    "cpu memory nvidia.com/hostdev nvidia.com/rdma_shared amd.com/nic amd.com/vnic example.com/input example.com/output vpc.amazonaws.com/efa rdma/hca gpu.intel.com/millicores smarter-devices/fuse hugepages-2Mi";
  for (const name of others.split(" ")) it(`leaves out ${name}`, () => assert.equal(isGpuResource(name), false));
});

describe("gpuDemand", () => {
  const gpu = (spec: object): object => ({ spec: { template: template(2), ...spec } });

  it("counts a Deployment with its surge, rounded up", () => {
    const rolling = { strategy: {}, template: template(2) };
    assert.equal(count([deployment({ ...rolling, replicas: 4 })]), 10);
    assert.equal(count([deployment({ ...rolling, replicas: 5 })]), 14);
    assert.equal(count([deployment(rolling)]), 4);
  });

  it("counts a sidecar beside containers, and a plain init container instead of them", () => {
    const sidecar = { ...container(1), restartPolicy: "Always" };
    const pod = (initContainers: object[]): number =>
      count([kube("v1", "Pod", { spec: { containers: [container(2)], initContainers } })]);
    assert.equal(pod([container(2)]), 2);
    assert.equal(pod([container(3)]), 3);
    assert.equal(pod([sidecar]), 3);
    assert.equal(pod([sidecar, container(3)]), 4);
    assert.equal(pod([container(3), sidecar]), 3);
  });

  it("counts a DaemonSet on every node of the policy config", () => {
    assert.equal(count([kube("apps/v1", "DaemonSet", gpu({}))]), 6);
    assert.equal(count([kube("apps/v1", "DaemonSet", gpu({}))], { daemonSetNodes: 0 }), 0);
  });

  it("counts an HPA's maximum, but no fewer than the replicas", () => {
    const scaled = (replicas: number, maxReplicas: number): number =>
      count([
        kube("apps/v1", "StatefulSet", gpu({ replicas })),
        kube("autoscaling/v2", "HorizontalPodAutoscaler", {
          spec: { scaleTargetRef: { kind: "StatefulSet", name: "llm" }, maxReplicas },
        }),
      ]);
    assert.equal(scaled(1, 4), 8);
    assert.equal(scaled(4, 1), 8);
  });

  it("counts a LeaderWorkerSet's leader apart from its workers", () => {
    const group = { size: 3, leaderTemplate: template(1), workerTemplate: template(4) };
    assert.equal(
      count([
        kube("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", { spec: { replicas: 2, leaderWorkerTemplate: group } }),
      ]),
      18,
    );
  });

  it("counts slices and shares by what one GPU gives of them", () => {
    const pods = [1, 2, 3].map(() =>
      kube("v1", "Pod", { spec: { containers: [container(7, "nvidia.com/mig-1g.10gb")] } }),
    );
    assert.equal(count(pods), 21);
    assert.equal(count(pods, { sharesPerGpu: { "nvidia.com/mig-1g.10gb": 7 } }), 3);
  });

  it("counts a patched object as the larger of before and after", () => {
    const target = deployment({ replicas: 3, template: template(2) });
    const patch = (replicas: number) => ({
      type: `${target.type}Patch`,
      name: "patch",
      props: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "llm", namespace: "chat" },
        spec: { replicas },
      },
    });
    assert.equal(count([target, patch(5)]), 10);
    assert.equal(count([target, patch(1)]), 6);
  });

  it("settles what cannot be counted by a declared ceiling, and holds the object to it", () => {
    const ceilings = { "Deployment/chat/llm": 4, "Farm/chat/llm": 4 };
    const replicas = (value: unknown) => deployment({ replicas: value, template: template(2) });
    assert.equal(count([replicas(UNKNOWN)], { ceilings }), 4);
    assert.equal(count([replicas(1)], { ceilings }), 2);
    assert.equal(count([custom({ pod: { resources: { limits: { "amd.com/gpu": 1 } } } })], { ceilings }), 4);
    assert.deepEqual(kindsOfProblems([replicas(3)], { ceilings }), ["excess spec"]);
    assert.deepEqual(kindsOfProblems([replicas(-1)], { ceilings }), ["malformed spec.replicas"]);
    assert.deepEqual(kindsOfProblems([replicas(UNKNOWN)]), ["unknown spec.replicas"]);
  });

  it("leaves out what asks for nothing", () => {
    assert.deepEqual(gpuDemand([resource(deployment({ template: template(0) }))], config), []);
    assert.deepEqual(gpuDemand([resource(kube("v1", "Service", { spec: {} }))], config), []);
  });

  it("counts no key that an object only inherits", () => {
    const limits = JSON.parse('{"__proto__": {"amd.com/gpu": 4}, "amd.com/gpu": 1}') as object;
    assert.equal(count([kube("v1", "Pod", { spec: { containers: [{ resources: { limits } }] } })]), 1);
  });
});

describe("KServe InferenceService over several nodes", () => {
  const gpus = { resources: { limits: { "amd.com/gpu": 8 } } };
  const service = (predictor: object): ReturnType<typeof kube> =>
    kube(
      "serving.kserve.io/v1beta1",
      "InferenceService",
      { spec: { predictor } },
      { annotations: { "serving.kserve.io/deploymentMode": "RawDeployment" } },
    );
  const withoutSurge = { deploymentStrategy: { rollingUpdate: { maxSurge: 0 } } };

  it("counts the head and a pod for each further stage of the pipeline", () => {
    const predictor = { ...withoutSurge, model: gpus, workerSpec: { pipelineParallelSize: 3, containers: [gpus] } };
    assert.equal(count([service(predictor)]), 24);
    assert.equal(count([service({ ...predictor, minReplicas: 2, maxReplicas: 2 })]), 48);
  });

  it("takes workers for as large as the head where they name no GPUs", () => {
    const predictor = { ...withoutSurge, model: gpus, workerSpec: { pipelineParallelSize: 2, containers: [{}] } };
    assert.equal(count([service(predictor)]), 16);
  });

  it("takes larger workers for what they are", () => {
    const larger = { resources: { limits: { "amd.com/gpu": 16 } } };
    const predictor = { ...withoutSurge, model: gpus, workerSpec: { pipelineParallelSize: 2, containers: [larger] } };
    assert.equal(count([service(predictor)]), 24);
  });

  it("counts no worker of a pipeline with one stage", () => {
    const predictor = { ...withoutSurge, model: gpus, workerSpec: { pipelineParallelSize: 1, containers: [gpus] } };
    assert.equal(count([service(predictor)]), 8);
  });

  it("refuses a pipeline whose length is not known", () => {
    const path = "spec.predictor.workerSpec.pipelineParallelSize";
    const problems = (size: object): string[] =>
      kindsOfProblems([service({ ...withoutSurge, model: gpus, workerSpec: { containers: [gpus], ...size } })]);
    assert.deepEqual(problems({}), [`unbounded ${path}`]);
    assert.deepEqual(
      gpuDemand(
        [
          {
            ...resource(service({})),
            props: {
              ...resource(service({})).props,
              spec: { predictor: { ...withoutSurge, model: gpus, workerSpec: { pipelineParallelSize: UNKNOWN } } },
            },
          },
        ],
        config,
      ).flatMap(({ problems: found }) => found.map(({ kind, path: at }) => `${kind} ${at}`)),
      [`unknown ${path}`],
    );
    assert.deepEqual(problems({ pipelineParallelSize: "2" }), [`malformed ${path}`]);
  });
});
