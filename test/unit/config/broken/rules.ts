import { broken, hosts, model, simulated, type BrokenConfig } from "./build";

/** Values that do not go together. */
export const crossMistakes: readonly BrokenConfig[] = [
  broken(
    "same namespace twice",
    simulated([["namespaces", 1], { name: "chat", gpuQuota: 1 }], [["models", 0, "namespace"], "chat"]),
    ["namespaces[1].name", '"chat"', /unique among namespaces; entry 0/, /rename/],
  ),
  broken("same model twice", simulated([["models", 1], { name: "qwen3-8b", model: "a/b" }]), [
    "models[1].name",
    '"qwen3-8b"',
    /unique in namespace chat; entry 0/,
    /rename/,
  ]),
  broken("same node group twice", simulated([["cluster", "nodeGroups", 1], { name: "mi300x", count: 1 }]), [
    "cluster.nodeGroups[1].name",
    '"mi300x"',
    /unique among node groups/,
    /rename/,
  ]),
  broken("unknown namespace", model("namespace", "caht"), [
    "models[0].namespace",
    '"caht"',
    /configured namespaces: chat/,
    /did you mean chat\?/,
  ]),
  broken("namespace left open", simulated([["namespaces", 1], { name: "lab", gpuQuota: 1 }]), [
    "models[0].namespace",
    "not set",
    /chat, lab/,
    /say which one/,
  ]),
  broken("namespace of Kubernetes", simulated([["namespaces", 0, "name"], "kube-system"]), [
    "namespaces[0].name",
    '"kube-system"',
    /belongs to Kubernetes/,
    /another name/,
  ]),
  broken("namespace of an add-on", simulated([["namespaces", 0, "name"], "cert-manager"]), [
    "namespaces[0].name",
    '"cert-manager"',
    /belongs to cert-manager/,
    /another name/,
  ]),
  broken("TP × PP", simulated([["models", 0, "gpusPerReplica"], 8], [["models", 0, "tensorParallelSize"], 3]), [
    "models[0].tensorParallelSize",
    "3",
    /3 × 1 = 3 is not 8/,
    /leave it out/,
  ]),
  broken(
    "PP that divides nothing",
    simulated([["models", 0, "gpusPerReplica"], 8], [["models", 0, "pipelineParallelSize"], 3]),
    ["models[0].pipelineParallelSize", "3", /divisor of gpusPerReplica 8/, /change it/],
  ),
  broken("more GPUs than a node", simulated([["models", 0, "gpusPerReplica"], 16]), [
    "models[0].gpusPerReplica",
    "16",
    /at most 8/,
    /add nodes/,
  ]),
  broken(
    "more GPUs than a host",
    hosts(
      [["cluster", "hosts", 0, "gpus"], 4],
      [["cluster", "hosts", 1, "gpus"], 4],
      [["models", 0, "gpusPerReplica"], 8],
    ),
    ["models[0].gpusPerReplica", "8", /at most 4/, /add nodes/],
  ),
  broken("more memory than a node", model("resources", { memory: "4Ti" }), [
    "models[0].resources.memory",
    '"4Ti"',
    /at most 1536Gi/,
    /lower it/,
  ]),
  broken("more CPUs than a node", model("resources", { cpu: 500 }), [
    "models[0].resources.cpu",
    "500",
    /at most 192/,
    /lower it/,
  ]),
  broken("quota below demand", simulated([["namespaces", 0, "gpuQuota"], 3], [["models", 0, "replicas"], 4]), [
    "namespaces[0].gpuQuota",
    "3",
    /at least 4 GPUs.*qwen3-8b 4 × 1/,
    /raise the quota/,
  ]),
  broken(
    "memory quota below demand",
    simulated([["namespaces", 0, "memoryQuota"], "100Gi"], [["models", 0, "replicas"], 2]),
    ["namespaces[0].memoryQuota", '"100Gi"', /at least 128Gi of memory.*2 × 64Gi/, /raise the quota/],
  ),
  broken("CPU quota below demand", simulated([["namespaces", 0, "cpuQuota"], 4]), [
    "namespaces[0].cpuQuota",
    "4",
    /at least 8 CPUs/,
    /raise the quota/,
  ]),
  broken("GPUs where there are none", simulated([["gpu", "vendor"], "none"]), [
    "models[0].gpusPerReplica",
    "1 by default",
    /0 where gpu\.vendor is none/,
    /CPU/,
  ]),
  broken(
    "vendor left open",
    simulated(
      [["gpu", "vendor"], "both"],
      [["cluster", "nodeGroups", 1], { name: "h100", count: 1, vendor: "nvidia" }],
    ),
    ["models[0].vendor", "not set", /"amd" or "nvidia"/, /whose GPUs/],
  ),
  broken("vendor of another stack", model("vendor", "nvidia"), [
    "models[0].vendor",
    '"nvidia"',
    /"amd", as gpu\.vendor/,
    /both/,
  ]),
  broken("vendor that no node has", simulated([["gpu", "vendor"], "nvidia"]), [
    "gpu.vendor",
    '"nvidia"',
    /the nodes have amd/,
    /set it to amd/,
  ]),
  broken(
    "nodes that nothing drives",
    simulated([["cluster", "nodeGroups", 1], { name: "h100", count: 1, vendor: "nvidia" }]),
    ["cluster.nodeGroups[1].vendor", '"nvidia"', /"amd", as gpu\.vendor/, /both/],
  ),
  broken(
    "driver without version",
    simulated([["gpu", "amd"], { driver: "operator", driverImage: "registry.example.org/amdgpu" }]),
    ["gpu.amd.driverVersion", "not set", /31\.40/, /preinstalled/],
  ),
  broken("driver without image", simulated([["gpu", "amd"], { driver: "operator", driverVersion: "31.40" }]), [
    "gpu.amd.driverImage",
    "not set",
    /registry/,
    /preinstalled/,
  ]),
  broken("shared memory above memory", model("resources", { memory: "8Gi", sharedMemory: "9Gi" }), [
    "models[0].resources.sharedMemory",
    '"9Gi"',
    /at most resources\.memory 8Gi/,
    /raise/,
  ]),
  broken("image without tag", model("image", "vllm/vllm-openai-rocm"), [
    "models[0].image",
    '"vllm/vllm-openai-rocm"',
    /a tag other than latest/,
    /add the tag/,
  ]),
  broken("latest image", model("image", "vllm/vllm-openai-rocm:latest"), [
    "models[0].image",
    '"vllm/vllm-openai-rocm:latest"',
    /other than latest/,
    /add the tag/,
  ]),
  broken("image that is none", model("image", "https://x/y:1"), [
    "models[0].image",
    '"https://x/y:1"',
    /an image with a tag/,
    /correct the reference/,
  ]),
  broken("managed flag", model("extraArgs", ["--tensor-parallel-size=2"]), [
    "models[0].extraArgs[0]",
    '"--tensor-parallel-size=2"',
    /set by it/,
    /set tensorParallelSize/,
  ]),
  broken("managed flag, other spelling", model("extraArgs", ["--max_model_len", "8"]), [
    "models[0].extraArgs[0]",
    '"--max_model_len"',
    /--max-model-len is set/,
    /set maxModelLen/,
  ]),
  broken("managed port", model("extraArgs", ["--seed=1", "--port", "80"]), [
    "models[0].extraArgs[1]",
    '"--port"',
    /--port is set/,
    /service\.port/,
  ]),
  broken("two words in one argument", model("extraArgs", ["--load-format auto"]), [
    "models[0].extraArgs[0]",
    '"--load-format auto"',
    /one argument an entry/,
    /--load-format=<value>/,
  ]),
  broken(
    "subnet too small",
    simulated([["cluster", "subnet"], "192.168.64.0/30"], [["loadBalancer"], { addresses: ["192.168.64.1"] }]),
    ["cluster.subnet", '"192.168.64.0/30"', /each of the 2 nodes.*room for 0/, /larger subnet/],
  ),
  broken("subnet beside the nodes", simulated([["loadBalancer"], { subnet: "10.0.0.0/24" }]), [
    "loadBalancer.subnet",
    '"10.0.0.0/24"',
    /192\.168\.64\.0\/24/,
    /leave it out/,
  ]),
  broken(
    "volume for one node",
    simulated(
      [["storage"], { type: "storageClass", className: "fast", accessMode: "ReadWriteOnce" }],
      [["models", 0, "replicas"], 2],
    ),
    ["storage.accessMode", '"ReadWriteOnce"', /ReadWriteMany.*2 replicas on 2 nodes/, /set it/],
  ),
];
