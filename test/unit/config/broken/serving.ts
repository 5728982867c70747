import type { Path } from "../../../../components/config/paths";
import { broken, hosts, model, simulated, type BrokenConfig } from "./build";

const draft = { numSpeculativeTokens: 4 };

/** Two hosts with a label each, and a model that selects by these. */
const selecting = (nodeSelector: object, ...more: readonly (readonly [Path, unknown])[]) =>
  hosts(
    [["cluster", "hosts", 0, "labels"], { pool: "shared" }],
    [["cluster", "hosts", 0, "gpus"], 4],
    [["cluster", "hosts", 1, "labels"], { pool: "whole-host" }],
    [["models", 0, "nodeSelector"], nodeSelector],
    ...more,
  );

/** Ways of serving a model that cannot work. */
export const servingMistakes: readonly BrokenConfig[] = [
  broken("unknown flag", model("extraArgs", ["--enable-prefix-cache"]), [
    "models[0].extraArgs[0]",
    '"--enable-prefix-cache"',
    /vllm serve 0\.33 knows/,
    /did you mean --enable-prefix-caching\?/,
  ]),
  broken("unknown flag like no other", model("extraArgs", ["--seed=1", "--zzz"]), [
    "models[0].extraArgs[1]",
    '"--zzz"',
    /vllm serve 0\.33 knows/,
    /remove it/,
  ]),
  broken("weights ahead of a branch", model("predownload", true), [
    "models[0].revision",
    '"main" by default',
    /a commit or tag/,
    /copy the commit/,
  ]),
  broken(
    "gated weights without a token",
    simulated(
      [["models", 0, "model"], "meta-llama/Llama-3.1-8B-Instruct"],
      [["models", 0, "predownload"], true],
      [["models", 0, "revision"], "0e9e39f249a16976918f6564b8830bc894c89659"],
    ),
    ["models[0].hfToken", "not set", /is gated/, /accept the licence.*hfToken\.fromSecrets/],
  ),
  broken("no draft model", model("speculative", { ...draft, method: "eagle3" }), [
    "models[0].speculative.model",
    "not set",
    /eagle3 needs a draft model/,
    /add it/,
  ]),
  broken("needless draft model", model("speculative", { ...draft, method: "ngram", model: "a/b" }), [
    "models[0].speculative.model",
    '"a/b"',
    /needs no draft model/,
    /remove it/,
  ]),
  broken(
    "prompt look-up of a draft model",
    model("speculative", { ...draft, method: "eagle3", model: "a/b", promptLookupMax: 4 }),
    ["models[0].speculative.promptLookupMax", "4", /ngram/, /remove it/],
  ),
  broken(
    "same adapter twice",
    model("loras", [
      { name: "sql", id: "a/b" },
      { name: "sql", path: "/models/sql" },
    ]),
    ["models[0].loras[1].name", '"sql"', /unique among the model's adapters; entry 0/, /rename/],
  ),
  broken("several nodes without LeaderWorkerSet", model("nodesPerReplica", 2), [
    "models[0].nodesPerReplica",
    "2",
    /1 without LeaderWorkerSet/,
    /set addons\.leaderWorkerSet: install/,
  ]),
  broken(
    "several nodes on CPU",
    simulated([["models", 0, "nodesPerReplica"], 2], [["models", 0, "gpusPerReplica"], 0]),
    ["models[0].nodesPerReplica", "2", /1 on CPU/, /remove it/],
  ),
  broken(
    "TP × PP on several nodes",
    simulated(
      [["addons", "leaderWorkerSet"], "install"],
      [["models", 0, "nodesPerReplica"], 2],
      [["models", 0, "gpusPerReplica"], 4],
      [["models", 0, "tensorParallelSize"], 4],
    ),
    ["models[0].tensorParallelSize", "4", /gpusPerReplica × nodesPerReplica; 4 × 1 = 4 is not 8/, /leave it out/],
  ),
  broken(
    "quota for one of two nodes",
    simulated(
      [["addons", "leaderWorkerSet"], "install"],
      [["models", 0, "nodesPerReplica"], 2],
      [["models", 0, "gpusPerReplica"], 8],
      [["namespaces", 0, "gpuQuota"], 8],
    ),
    ["namespaces[0].gpuQuota", "8", /at least 16 GPUs.*qwen3-8b 2 × 8/, /raise the quota/],
  ),
  broken("namespace of LeaderWorkerSet", simulated([["namespaces", 0, "name"], "lws-system"]), [
    "namespaces[0].name",
    '"lws-system"',
    /belongs to LeaderWorkerSet/,
    /another name/,
  ]),
  broken("a part of a CPU for oneself", model("resources", { cpu: "1500m", exclusiveCpus: true }), [
    "models[0].resources.cpu",
    '"1500m"',
    /a whole number/,
    /round it up/,
  ]),
  broken("product that no node has", model("gpuProduct", "AMD_Instinct_MI325X_OAM"), [
    "models[0].gpuProduct",
    '"AMD_Instinct_MI325X_OAM"',
    /amd nodes: MI300X/,
    /correct it/,
  ]),
  broken(
    "product of a CPU model",
    simulated([["models", 0, "gpuProduct"], "MI300X"], [["models", 0, "gpusPerReplica"], 0]),
    ["models[0].gpuProduct", '"MI300X"', /nothing on CPU/, /remove it/],
  ),
  broken("label that no host has", selecting({ poole: "shared" }), [
    "models[0].nodeSelector.poole",
    '"shared"',
    /a label that some node has/,
    /add it to cluster\.hosts\[\]\.labels/,
  ]),
  broken("label with a value that no host has", selecting({ pool: "share" }), [
    "models[0].nodeSelector.pool",
    '"share"',
    /a value that some node has: shared, whole-host/,
    /correct it/,
  ]),
  broken("labels that no host has together", selecting({ pool: "shared", "kubernetes.io/hostname": "two" }), [
    "models[0].nodeSelector",
    "an object",
    /one node has all of/,
    /correct it/,
  ]),
  broken(
    "more GPUs than hosts with the label have",
    selecting({ pool: "shared" }, [["models", 0, "gpusPerReplica"], 8]),
    ["models[0].gpusPerReplica", "8", /at most 4, the most amd GPUs/, /lower it/],
  ),
  broken("toleration without its value", model("tolerations", [{ key: "dedicated", operator: "Equal" }]), [
    "models[0].tolerations[0].value",
    "not set",
    /as operator is Equal/,
    /add it/,
  ]),
  broken("toleration with a value that does not matter", model("tolerations", [{ key: "dedicated", value: "llm" }]), [
    "models[0].tolerations[0].value",
    '"llm"',
    /operator Exists/,
    /operator: Equal/,
  ]),
  broken("no time to stop", model("drain", { slackSeconds: 0 }), [
    "models[0].drain.slackSeconds",
    "0",
    /from 1 to 86400/,
    /change|set|correct/,
  ]),
];
