/** What differs between the nodes of a list. */
export interface NodeOptions {
  readonly gpus?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly taints?: readonly object[];
  readonly unschedulable?: boolean;
  readonly ready?: boolean;
}

export const mi300x: NodeOptions & Required<Pick<NodeOptions, "gpus" | "labels">> = {
  gpus: { "amd.com/gpu": "8" },
  labels: {
    "amd.com/gpu.device-id": "74a1",
    "amd.com/gpu.family": "AI",
    "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM",
    "amd.com/gpu.vram": "192G",
    "feature.node.kubernetes.io/amd-gpu": "true",
  },
};

export const migH100: NodeOptions & Required<Pick<NodeOptions, "gpus" | "labels">> = {
  gpus: { "nvidia.com/gpu": "4", "nvidia.com/mig-1g.10gb": "14", "nvidia.com/mig-3g.40gb": "4" },
  labels: {
    "feature.node.kubernetes.io/pci-10de.present": "true",
    "nvidia.com/gpu.count": "8",
    "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
    "nvidia.com/gpu.present": "true",
    "nvidia.com/mig.config": "custom",
    "nvidia.com/mig.strategy": "mixed",
  },
};

/** An item of `kubectl get nodes -o json` as kubeadm clusters have it, with the parts that nobody asks for. */
export function listedNode(name: string, last: number, options: NodeOptions = {}): object {
  const { gpus = {}, labels = {}, taints, unschedulable, ready = true } = options;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      annotations: { "kubeadm.alpha.kubernetes.io/cri-socket": "unix:///run/containerd/containerd.sock" },
      creationTimestamp: "2026-10-02T08:12:44Z",
      labels: {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        ...labels,
      },
      name,
      resourceVersion: "4711",
      uid: `2c1e0f4e-7b0b-4b9e-9d5a-00000000${String(last).padStart(4, "0")}`,
    },
    spec: {
      podCIDR: `10.244.${last}.0/24`,
      podCIDRs: [`10.244.${last}.0/24`],
      ...(taints === undefined ? {} : { taints }),
      ...(unschedulable === undefined ? {} : { unschedulable }),
    },
    status: {
      addresses: [
        { address: `192.168.10.${last}`, type: "InternalIP" },
        { address: name, type: "Hostname" },
      ],
      allocatable: {
        cpu: "190",
        "ephemeral-storage": "3445188618654",
        "hugepages-2Mi": "0",
        memory: "1584723864Ki",
        pods: "110",
        ...gpus,
      },
      capacity: {
        cpu: "192",
        "ephemeral-storage": "3738268928Ki",
        "hugepages-2Mi": "0",
        memory: "1584826264Ki",
        pods: "110",
        ...gpus,
      },
      conditions: [
        { type: "MemoryPressure", status: "False", reason: "KubeletHasSufficientMemory" },
        { type: "Ready", status: ready ? "True" : "Unknown", reason: ready ? "KubeletReady" : "NodeStatusUnknown" },
      ],
      images: [{ names: ["vllm/vllm-openai-rocm:v0.33.0"], sizeBytes: 18_000_000_000 }],
      nodeInfo: { architecture: "amd64", kubeletVersion: "v1.36.3", operatingSystem: "linux" },
    },
  };
}

/** The output of `kubectl get nodes -o json`. */
export function nodeList(...items: object[]): string {
  return JSON.stringify({ apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } }, null, 4);
}
