import * as assert from "node:assert/strict";
import { checkNodes } from "../../../components/config/check";
import { formatProblem, formatProblems } from "../../../components/config/problem";
import { brokenConfigs } from "./broken";
import { accepted, goodConfig, hostsConfig, linesOf, problemsOf, withValue } from "./support";

describe("checkStackConfig refuses", () => {
  for (const { mistake, config, key, value, allowed, next } of brokenConfigs) {
    it(mistake, () => {
      const problems = problemsOf(config);
      const found = problems.find((problem) => formatProblem(problem).startsWith(`${key}: `));
      assert.ok(found, `nothing at ${key}, but:\n${problems.map(formatProblem).join("\n")}`);
      assert.equal(found.value, value);
      assert.match(found.allowed, allowed);
      assert.match(found.next, next);
      assert.equal(problems.length, 1, `one mistake, but:\n${problems.map(formatProblem).join("\n")}`);
    });
  }

  it("at least forty-five kinds of mistakes, each told apart", () => {
    assert.ok(brokenConfigs.length >= 45);
    assert.equal(new Set(brokenConfigs.map(({ mistake }) => mistake)).size, brokenConfigs.length);
  });

  for (const nothing of [undefined, null, 5, "text", [], {}]) {
    it(`${JSON.stringify(nothing) ?? "undefined"} in place of a config`, () => {
      assert.deepEqual(
        problemsOf(nothing).map(({ path }) => path[0]),
        ["cluster", "namespaces"],
      );
    });
  }
});

describe("checkStackConfig tells all problems at once", () => {
  it("five mistakes of schema, references, sums, arguments and addresses", () => {
    const config = goodConfig();
    withValue(config, ["gpus"], { vendor: "amd" });
    withValue(config, ["namespaces", 0, "gpuQuota"], 4);
    withValue(config, ["loadBalancer"], { addresses: ["10.0.0.0/24"] });
    config.models = [
      { name: "a", model: "a/a", replicas: 5 },
      { name: "b", model: "b/b", extraArgs: ["--port=1"] },
      { name: "c", model: "c/c", replicas: 0, service: { type: "ClusterIPs" } },
    ];
    assert.deepEqual(
      linesOf(config).map((line) => line.slice(0, line.indexOf(": "))),
      [
        "inference-stack:loadBalancer.addresses[0]",
        "inference-stack:namespaces[0].gpuQuota",
        "inference-stack:models[1].extraArgs[0]",
        "inference-stack:models[2].service.type",
        "inference-stack:gpus",
      ],
    );
  });

  it("in one message that names the source and their number", () => {
    const problems = problemsOf(withValue(withValue(goodConfig(), ["x"], 1), ["models", 0, "replicas"], -1));
    const message = formatProblems("Pulumi.dev.yaml", problems, ["other:key: wrong."]);
    assert.match(
      message,
      /^The config of Pulumi\.dev\.yaml has 3 problems; no resource was touched:\n {2}- other:key: wrong\./,
    );
    assert.equal(message.split("\n").length, 4);
  });

  it("without judging what rests on a broken value", () => {
    const config = goodConfig();
    config.models = [{ name: "a", model: "a/a", gpusPerReplica: "8", tensorParallelSize: 8 }];
    withValue(config, ["namespaces", 0, "gpuQuota"], 0);
    assert.deepEqual(
      problemsOf(config).map(({ path }) => path.join(".")),
      ["models.0.gpusPerReplica"],
    );
  });

  it("inside a section whose kind is misspelt", () => {
    const config = withValue(goodConfig(), ["cluster"], { source: "host", hosts: [{ name: "One" }] });
    assert.deepEqual(
      problemsOf(config).map(({ path }) => path.join(".")),
      ["cluster.source", "cluster.hosts.0.name", "cluster.hosts.0.address", "cluster.hosts.0.role"],
    );
  });
});

describe("checkStackConfig accepts", () => {
  it("a small config, and fills in every default", () => {
    const config = accepted(goodConfig());
    assert.deepEqual(config.models[0], {
      name: "qwen3-8b",
      model: "Qwen/Qwen3-8B",
      revision: "main",
      namespace: "chat",
      replicas: 1,
      gpusPerReplica: 1,
      tensorParallelSize: 1,
      pipelineParallelSize: 1,
      extraArgs: [],
      resources: { cpu: "8", memory: "64Gi", sharedMemory: "16Gi" },
      service: { type: "LoadBalancer", port: 8000 },
      gpuVendor: "amd",
    });
    assert.equal(config.chartSource, "official");
    assert.deepEqual(config.storage, { type: "local", path: "/mnt/data/ai-models", size: "50Gi" });
    assert.deepEqual(config.addons, { certManager: "install", gpuOperator: "install", metalLb: "install" });
    assert.equal(config.loadBalancer.addresses, "auto");
  });

  it("bare hosts, and leaves their secrets out of the config", () => {
    assert.ok(!("secrets" in accepted(hostsConfig())));
  });

  it("a pipeline, and derives the tensor parallel size", () => {
    const model = { name: "a", model: "a/a", gpusPerReplica: 8, pipelineParallelSize: 2 };
    assert.equal(accepted({ ...goodConfig(), models: [model] }).models[0]?.tensorParallelSize, 4);
  });

  it("several nodes, and derives the tensor parallel size over them", () => {
    const model = { name: "a", model: "a/a", gpusPerReplica: 8, nodesPerReplica: 2, pipelineParallelSize: 2 };
    const config = withValue({ ...goodConfig(), models: [model] }, ["addons"], { leaderWorkerSet: "existing" });
    assert.equal(accepted(config).models[0]?.tensorParallelSize, 8);
  });

  it("the same model name in two namespaces", () => {
    const config = goodConfig();
    config.namespaces.push({ name: "lab", gpuQuota: 4 });
    config.models = ["chat", "lab"].map((namespace) => ({ name: "same", model: "a/b", namespace }));
    assert.equal(accepted(config).models.length, 2);
  });

  it("both vendors, each with its nodes and models", () => {
    const config = withValue(goodConfig(), ["gpu"], { vendor: "both" });
    withValue(config, ["cluster", "nodeGroups", 1], { name: "h100", count: 1, vendor: "nvidia", product: "H100" });
    config.models = ["amd", "nvidia"].map((vendor) => ({ name: vendor, model: "a/b", vendor }));
    assert.deepEqual(
      accepted(config).models.map(({ gpuVendor }) => gpuVendor),
      ["amd", "nvidia"],
    );
  });

  it("a CPU stack", () => {
    const config = withValue(goodConfig(), ["gpu"], { vendor: "none" });
    withValue(config, ["cluster", "nodeGroups", 0, "gpus"], 0);
    withValue(config, ["models", 0, "gpusPerReplica"], 0);
    const [model] = accepted(config).models;
    assert.deepEqual([model?.gpuVendor, model?.tensorParallelSize], ["none", 1]);
  });

  it("images by tag with a registry port, and by digest", () => {
    const digest = `sha256:${"0".repeat(64)}`;
    for (const image of [
      "localhost:5000/vllm:v1",
      `vllm/vllm-openai-rocm@${digest}`,
      `a.example.org/b/c:v1@${digest}`,
    ]) {
      accepted(withValue(goodConfig(), ["models", 0, "image"], image));
    }
  });

  it("a cluster that exists, whose nodes it cannot know yet", () => {
    const config = withValue(goodConfig(), ["cluster"], { source: "kubeconfig", path: "kubeconfig" });
    accepted(withValue(config, ["models", 0, "gpusPerReplica"], 16));
  });

  it("demand that is exactly the quota", () => {
    accepted(withValue(withValue(goodConfig(), ["namespaces", 0, "gpuQuota"], 2), ["models", 0, "replicas"], 2));
  });
});

describe("checkNodes", () => {
  const existing = withValue(goodConfig(), ["cluster"], { source: "kubeconfig", path: "kubeconfig" });
  const config = accepted(withValue(existing, ["models", 0, "gpusPerReplica"], 8));
  const memory = 512 * 2 ** 30;

  it("names models that no live node could hold", () => {
    const nodes = [
      { name: "a", gpus: { amd: 4 }, cpus: 64, memory },
      { name: "b", gpus: { nvidia: 8 }, cpus: 64, memory },
    ];
    assert.deepEqual(checkNodes(config, nodes).map(formatProblem), [
      "inference-stack:models[0].gpusPerReplica: 8. Allowed: at most 4, the most amd GPUs that one node has. " +
        "Next: lower it, or add nodes with that many GPUs of that vendor.",
    ]);
    assert.match(checkNodes(config, [])[0]?.allowed ?? "", /at most 0/);
  });

  it("counts the CPUs and memory of those nodes only that have the GPUs", () => {
    const large = { name: "large", gpus: {}, cpus: 512, memory: 10 * memory };
    const small = { name: "small", gpus: { amd: 8 }, cpus: 4, memory: memory / 16 };
    assert.deepEqual(
      checkNodes(config, [large, small]).map(({ path }) => path.join(".")),
      ["models.0.resources.memory", "models.0.resources.cpu"],
    );
    assert.deepEqual(checkNodes(config, [large, small, { ...small, cpus: 64, memory }]), []);
  });
});
