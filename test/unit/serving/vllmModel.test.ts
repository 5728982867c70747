import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ModelConfig } from "../../../components/config/schema/model";
import { VllmModel, type VllmModelArgs } from "../../../components/serving/vllmModel";
import { recordProgram, valueOf, type RecordedProgram, type RecordOptions } from "../mocks";
import { modelConfig } from "./fixtures";

const deploymentType = "kubernetes:apps/v1:Deployment";
const serviceType = "kubernetes:core/v1:Service";
const budgetType = "kubernetes:policy/v1:PodDisruptionBudget";
const secretType = "kubernetes:core/v1:Secret";
const plainToken = "hf_thisTokenMustNotShow";

function serve(
  changes: Partial<ModelConfig> = {},
  args: Partial<VllmModelArgs> = {},
  options: RecordOptions = {},
): Promise<RecordedProgram<VllmModel>> {
  return recordProgram(
    () => new VllmModel("qwen", { model: modelConfig(changes), namespace: "llm", cacheClaim: "ai-models", ...args }),
    options,
  );
}

interface DeploymentInputs {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: {
    replicas: number;
    strategy: unknown;
    progressDeadlineSeconds: number;
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        securityContext: Record<string, unknown>;
        terminationGracePeriodSeconds: number;
        containers: {
          args: string[];
          startupProbe: { periodSeconds: number; failureThreshold: number };
          lifecycle: { preStop: { sleep: { seconds: number } } };
          env: { name: string }[];
        }[];
      };
    };
  };
}

const deploymentOf = (program: RecordedProgram<unknown>) =>
  program.one(deploymentType).inputs as unknown as DeploymentInputs;

describe("VllmModel", () => {
  it("makes a Deployment and a Service of the model's name, and no more", async () => {
    const program = await serve();
    assert.deepEqual(program.resources.map(({ type, name }) => `${type} ${name}`).sort(), [
      "inference-stack:serving:VllmModel qwen",
      `${deploymentType} qwen`,
      `${serviceType} qwen`,
    ]);
    for (const type of [deploymentType, serviceType]) {
      const resource = program.one(type);
      assert.equal(program.parentName(resource), "qwen");
      assert.equal(resource.deleteBeforeReplace, true);
      const { name, namespace, labels } = (resource.inputs as unknown as DeploymentInputs).metadata;
      assert.deepEqual([name, namespace, labels["app.kubernetes.io/instance"]], ["qwen", "llm", "qwen"]);
    }
  });

  it("keeps no arguments of the component in the state", async () => {
    assert.deepEqual((await serve()).one("inference-stack:serving:VllmModel").inputs, {});
  });

  it("replaces one replica at a time and never asks for GPUs beyond its own", async () => {
    const { spec } = deploymentOf(await serve({ replicas: 3 }));
    assert.equal(spec.replicas, 3);
    assert.deepEqual(spec.strategy, { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } });
  });

  it("starts a new replica first where it may", async () => {
    const { spec } = deploymentOf(await serve({}, { surges: true }));
    assert.deepEqual(spec.strategy, { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
  });

  it("lets one of several replicas be evicted at a time, and never holds up the drain of a node for a single one", async () => {
    for (const replicas of [0, 1]) {
      assert.deepEqual((await serve({ replicas })).all(budgetType), []);
    }
    const program = await serve({ replicas: 2 });
    const budget = program.one(budgetType);
    assert.equal(program.parentName(budget), "qwen");
    assert.deepEqual(budget.inputs.spec, {
      maxUnavailable: 1,
      selector: { matchLabels: deploymentOf(program).spec.selector.matchLabels },
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
  });

  it("leaves service as config says, and pauses for as long where the image cannot drain", async () => {
    const drain = { preStopSeconds: 10, drainSeconds: 300, slackSeconds: 20 };
    const stop = async (image?: string) => {
      const { spec } = deploymentOf(await serve({ drain, image })).spec.template;
      const [container] = spec.containers;
      const seconds = container?.lifecycle.preStop.sleep.seconds;
      return [seconds, container?.args.includes("--shutdown-timeout"), spec.terminationGracePeriodSeconds];
    };
    assert.deepEqual(await stop(), [10, true, 330]);
    assert.deepEqual(await stop("vllm/vllm-openai-rocm:v0.17.0"), [310, false, 330]);
  });

  it("gives a rollout time for the download before the server", async () => {
    const deadline = async (predownload: boolean) =>
      deploymentOf(await serve({ predownload, revision: "v1" })).spec.progressDeadlineSeconds;
    // 8.19 billion parameters of 2 bytes at 200 MB/s.
    assert.equal((await deadline(true)) - (await deadline(false)), 82);
  });

  it("selects the pods that it makes, by Deployment and Service alike", async () => {
    const program = await serve();
    const { spec } = deploymentOf(program);
    const service = program.one(serviceType).inputs.spec as { selector: Record<string, string> };
    assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels);
    assert.deepEqual(service.selector, spec.template.metadata.labels);
  });

  it("changes nothing but the Deployment's replicas and time-outs with the replica count", async () => {
    const inputs = async (replicas: number) =>
      new Map((await serve({ replicas })).resources.map((resource) => [resource.type, resource.inputs]));
    const [one, two, three] = [await inputs(1), await inputs(2), await inputs(3)];
    assert.deepEqual(one.get(serviceType), two.get(serviceType));
    const scaled = structuredClone(one.get(deploymentType)) as unknown as DeploymentInputs;
    scaled.spec.replicas = 2;
    assert.deepEqual(scaled, two.get(deploymentType));
    assert.deepEqual(two.get(budgetType), three.get(budgetType));
  });

  it("is deterministic", async () => {
    const inputs = async () => (await serve()).resources.map((resource) => resource.inputs);
    assert.deepEqual(await inputs(), await inputs());
  });

  it("waits longer for a rollout than the start of the model takes", async () => {
    const program = await serve({ startupBudgetSeconds: 3600 });
    const { spec } = deploymentOf(program);
    const probe = spec.template.spec.containers[0]?.startupProbe;
    assert.equal((probe?.periodSeconds ?? 0) * (probe?.failureThreshold ?? 0), 3600);
    assert.ok(spec.progressDeadlineSeconds > 3600);
    const created = Number.parseInt(program.one(deploymentType).customTimeouts.create ?? "0");
    assert.ok(created > spec.progressDeadlineSeconds);
  });

  it("depends on what its namespace and claim come from", async () => {
    const program = await recordProgram(() => {
      const namespace = new k8s.core.v1.Namespace("llm");
      const claim = new k8s.core.v1.PersistentVolumeClaim("weights");
      return new VllmModel("qwen", {
        model: modelConfig(),
        namespace: namespace.metadata.name,
        cacheClaim: claim.metadata.name,
      });
    });
    assert.deepEqual(program.names(program.one(deploymentType).dependencies), ["llm", "weights"]);
    assert.deepEqual(program.names(program.one(serviceType).dependencies), ["llm"]);
  });

  describe("user of the server", () => {
    const cases: [string, Partial<ModelConfig>, Partial<VllmModelArgs>, number][] = [
      ["root on AMD GPUs", { gpuVendor: "amd" }, {}, 0],
      ["2000 on AMD GPUs with the host's groups", { gpuVendor: "amd", deviceGroups: [109] }, {}, 2000],
      ["2000 on AMD GPUs where asked", { gpuVendor: "amd", runAs: "nonRoot" }, {}, 2000],
      ["2000 where the namespace refuses root", { gpuVendor: "amd" }, { podSecurity: "restricted" }, 2000],
      ["2000 on NVIDIA GPUs", { gpuVendor: "nvidia" }, {}, 2000],
      ["2000 on CPU", { gpuVendor: "none", gpusPerReplica: 0 }, {}, 2000],
      ["root where asked", { gpuVendor: "nvidia", runAs: "root" }, {}, 0],
    ];
    for (const [title, changes, args, uid] of cases) {
      it(`is ${title}`, async () => {
        const { runAsUser, runAsNonRoot } = deploymentOf(await serve(changes, args)).spec.template.spec.securityContext;
        assert.deepEqual([runAsUser, runAsNonRoot], [uid, uid === 0 ? undefined : true]);
      });
    }
  });

  describe("Hugging Face token", () => {
    const gated = { hfToken: { fromSecrets: "team" } };

    it("lies in a Secret, nowhere else, and nowhere plain", async () => {
      const program = await serve(gated, { hfToken: pulumi.output(plainToken) });
      const secret = program.one(secretType);
      assert.equal(program.parentName(secret), "qwen");
      assert.ok(secret.secrets.length > 0 && secret.secrets.every((path) => path.startsWith("data")));
      const encoded = Buffer.from(plainToken).toString("base64");
      assert.deepEqual(secret.inputs.data, { token: encoded });
      for (const resource of program.resources.filter((other) => other.type !== secretType)) {
        const text = JSON.stringify([resource.inputs, resource.outputs]);
        assert.ok(!text.includes(plainToken) && !text.includes(encoded), resource.type);
        assert.deepEqual(resource.secrets, []);
      }
      assert.ok(!JSON.stringify(secret.inputs.metadata).includes(plainToken));
    });

    it("gives a new token a new Secret, which rolls the pods, and an old one the same", async () => {
      const names = async (token: string) => {
        const program = await serve(gated, { hfToken: pulumi.secret(token) });
        const secret = program.one(secretType);
        // Created first and deleted last: pods that start meanwhile still find theirs.
        assert.deepEqual([secret.deleteBeforeReplace, secret.inputs.immutable], [false, true]);
        const reference = deploymentOf(program).spec.template.spec.containers[0]?.env.at(-1);
        const { name } = secret.inputs.metadata as { name: string };
        assert.deepEqual(reference, { name: "HF_TOKEN", valueFrom: { secretKeyRef: { name, key: "token" } } });
        return name;
      };
      const [first, again, other] = [await names("a"), await names("a"), await names("b")];
      assert.match(first, /^qwen-hf-token-[0-9a-f]{10}$/);
      assert.equal(first, again);
      assert.notEqual(first, other);
    });

    it("makes the Deployment wait for the Secret", async () => {
      const program = await serve(gated, { hfToken: pulumi.secret(plainToken) });
      assert.deepEqual(program.names(program.one(deploymentType).dependencies), ["qwen-hf-token"]);
    });

    it("can come from a Secret that exists", async () => {
      const program = await serve({ hfToken: { secretName: "hub", key: "value" } });
      assert.deepEqual(program.all(secretType), []);
      const { spec } = deploymentOf(program).spec.template;
      assert.deepEqual(spec.containers[0]?.env.at(-1), {
        name: "HF_TOKEN",
        valueFrom: { secretKeyRef: { name: "hub", key: "value" } },
      });
    });

    it("is asked for by name when it was not passed", async () => {
      await assert.rejects(serve(gated), /hfToken\.fromSecrets of model qwen is team.*secrets\.hfTokens\.team/);
    });
  });

  describe("endpoint", () => {
    const balanced = (ingress: unknown): RecordOptions => ({
      outputs: ({ type }) => (type === serviceType ? { status: { loadBalancer: { ingress } } } : undefined),
    });
    const cases: [string, Partial<ModelConfig>, RecordOptions, string][] = [
      ["the balancer's address", {}, balanced([{ ip: "10.0.0.7" }]), "http://10.0.0.7:8000"],
      ["an IPv6 address", {}, balanced([{ ip: "fd00::7" }]), "http://[fd00::7]:8000"],
      ["the balancer's name", {}, balanced([{ hostname: "lb.example.com" }]), "http://lb.example.com:8000"],
      ["no address yet", {}, {}, "http://<pending>:8000"],
      ["a Service inside the cluster", { service: { type: "ClusterIP", port: 80 } }, {}, "http://qwen.llm.svc:80"],
    ];
    for (const [title, changes, options, expected] of cases) {
      it(`gives ${title}`, async () => {
        const { result, resources } = await serve(changes, {}, options);
        assert.equal(await valueOf(result.endpoint), expected);
        assert.equal(await valueOf(result.url), `${expected}/v1`);
        assert.equal(resources[0]?.outputs?.endpoint, expected);
      });
    }

    it("waits for the address only, so that a model without replicas comes up", async () => {
      const annotations = async (type: "LoadBalancer" | "ClusterIP") =>
        (
          (await serve({ replicas: 0, service: { type, port: 80 } })).one(serviceType).inputs as {
            metadata: { annotations: Record<string, string> };
          }
        ).metadata.annotations["pulumi.com/waitFor"];
      assert.equal(await annotations("LoadBalancer"), "jsonpath={.status.loadBalancer.ingress}");
      assert.equal(await annotations("ClusterIP"), "jsonpath={.spec.clusterIP}");
    });

    it("is unknown in the preview of a new model", async () => {
      const program = await serve({}, {}, { preview: true, outputs: () => ({ status: pulumi.runtime.unknownValue }) });
      const { endpoint, url } = program.one("inference-stack:serving:VllmModel").outputs ?? {};
      assert.deepEqual([endpoint, url], [pulumi.runtime.unknownValue, pulumi.runtime.unknownValue]);
    });
  });

  describe("on several nodes", () => {
    const several = { gpusPerReplica: 8, nodesPerReplica: 2, tensorParallelSize: 8, pipelineParallelSize: 2 };

    interface Template {
      metadata: { labels: Record<string, string> };
      spec: { containers: Record<string, unknown>[]; topologySpreadConstraints?: unknown };
    }
    interface Group {
      replicas: number;
      rolloutStrategy: unknown;
      leaderWorkerTemplate: { size: number; restartPolicy: string; leaderTemplate: Template; workerTemplate: Template };
    }

    it("makes a LeaderWorkerSet in place of the Deployment", async () => {
      const program = await serve({ ...several, replicas: 2 });
      assert.deepEqual(program.all(deploymentType), []);
      const group = program.one("kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet");
      assert.equal(program.parentName(group), "qwen");
      const spec = group.inputs.spec as Group;
      assert.deepEqual([spec.replicas, spec.leaderWorkerTemplate.size], [2, 2]);
      assert.equal(spec.leaderWorkerTemplate.restartPolicy, "RecreateGroupOnPodRestart");
      assert.deepEqual(spec.rolloutStrategy, {
        type: "RollingUpdate",
        rollingUpdateConfiguration: { maxSurge: 0, maxUnavailable: 1 },
      });
      assert.equal(program.result.gpus, 32);
      assert.equal(await valueOf(program.result.name), "qwen");
      assert.equal(program.all(budgetType).length, 1);
    });

    it("is waited for, as long as its start takes, where a controller reports on it", async () => {
      const groupOf = async (args: Partial<VllmModelArgs>) => {
        const program = await serve({ ...several, replicas: 2 }, args);
        const { inputs, customTimeouts } = program.one("kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet");
        return [(inputs.metadata as { annotations?: unknown }).annotations, customTimeouts?.create];
      };
      const deployment = (await serve({ replicas: 2 })).one(deploymentType);
      assert.deepEqual(await groupOf({}), [
        { "pulumi.com/waitFor": "condition=Available" },
        deployment.customTimeouts?.create,
      ]);
      assert.ok(deployment.customTimeouts?.create);
      assert.deepEqual((await groupOf({ awaitsGroups: false }))[0], undefined);
    });

    it("probes and addresses the leader only, and keeps workers until it has drained", async () => {
      const program = await serve(several);
      const spec = program.one("kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet").inputs.spec as Group;
      const { leaderTemplate, workerTemplate } = spec.leaderWorkerTemplate;
      const [leader, worker] = [leaderTemplate.spec.containers[0] ?? {}, workerTemplate.spec.containers[0] ?? {}];
      for (const key of ["startupProbe", "livenessProbe", "readinessProbe", "ports"]) {
        assert.deepEqual([key in leader, key in worker], [true, false], key);
      }
      assert.deepEqual(worker.lifecycle, { preStop: { sleep: { seconds: 135 } } });
      assert.equal(leaderTemplate.spec.topologySpreadConstraints, undefined);
      const { selector } = program.one(serviceType).inputs.spec as { selector: Record<string, string> };
      assert.deepEqual(selector, {
        ...leaderTemplate.metadata.labels,
        "leaderworkerset.sigs.k8s.io/worker-index": "0",
      });
    });
  });

  it("counts the GPUs of all replicas", async () => {
    assert.equal((await serve({ replicas: 3, gpusPerReplica: 8 })).result.gpus, 24);
    assert.equal((await serve({ gpusPerReplica: 0, gpuVendor: "none" })).result.gpus, 0);
  });
});
