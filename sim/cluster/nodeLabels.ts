import type { SimulatedNode } from "../../components/config/nodes";

interface AmdProduct {
  readonly deviceId: string;
  readonly vramGiB: number;
  readonly computeUnits: number;
}

/** PCI ids as in ROCm's amdgpu.ids; memory and compute units from AMD's data sheets. */
const amdProducts: Readonly<Record<string, AmdProduct>> = {
  MI300X: { deviceId: "74a1", vramGiB: 192, computeUnits: 304 },
  MI325X: { deviceId: "74a5", vramGiB: 256, computeUnits: 304 },
  MI350X: { deviceId: "75a0", vramGiB: 288, computeUnits: 256 },
  MI355X: { deviceId: "75a3", vramGiB: 288, computeUnits: 256 },
};

/** Memory in MiB and the compute family, as NVIDIA's GPU feature discovery reports them. */
const nvidiaProducts: Readonly<Record<string, { product: string; memoryMiB: number; family: string }>> = {
  A100: { product: "NVIDIA-A100-SXM4-80GB", memoryMiB: 81_920, family: "ampere" },
  H100: { product: "NVIDIA-H100-80GB-HBM3", memoryMiB: 81_559, family: "hopper" },
  H200: { product: "NVIDIA-H200", memoryMiB: 143_771, family: "hopper" },
  B200: { product: "NVIDIA-B200", memoryMiB: 183_359, family: "blackwell" },
};

/** Each CDNA compute unit has four SIMD units. */
const simdPerComputeUnit = 4;

/** Label that marks nodes as ours, with the group they belong to. */
export const groupLabel = "sim.inference-stack/group";

/** Labels that the kubelet, Node Feature Discovery and the vendor's node labeller would set on such a node. */
export function nodeLabels(node: Pick<SimulatedNode, "name" | "gpus" | "vendor" | "product">): Record<string, string> {
  return {
    [groupLabel]: node.name.replace(/-\d+$/, ""),
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/os": "linux",
    "kubernetes.io/hostname": node.name,
    "node.kubernetes.io/instance-type": labelValue(node.gpus > 0 ? `${node.gpus}x${node.product}` : "cpu"),
    ...(node.gpus === 0 ? {} : node.vendor === "amd" ? amdLabels(node.product) : nvidiaLabels(node)),
  };
}

function amdLabels(product: string): Record<string, string> {
  const known = amdProducts[product.toUpperCase()];
  const labels: Record<string, string> = {
    "feature.node.kubernetes.io/amd-gpu": "true",
    "amd.com/gpu.product-name": labelValue(known === undefined ? product : `AMD_Instinct_${product.toUpperCase()}_OAM`),
  };
  return known === undefined
    ? labels
    : {
        ...labels,
        "amd.com/gpu.family": "AI",
        "amd.com/gpu.device-id": known.deviceId,
        "amd.com/gpu.vram": `${known.vramGiB}G`,
        "amd.com/gpu.cu-count": String(known.computeUnits),
        "amd.com/gpu.simd-count": String(known.computeUnits * simdPerComputeUnit),
      };
}

function nvidiaLabels({ product, gpus }: Pick<SimulatedNode, "product" | "gpus">): Record<string, string> {
  const known = nvidiaProducts[product.toUpperCase()];
  const labels: Record<string, string> = {
    "feature.node.kubernetes.io/pci-10de.present": "true",
    "nvidia.com/gpu.present": "true",
    "nvidia.com/gpu.count": String(gpus),
    "nvidia.com/gpu.product": labelValue(known?.product ?? product),
  };
  return known === undefined
    ? labels
    : { ...labels, "nvidia.com/gpu.family": known.family, "nvidia.com/gpu.memory": String(known.memoryMiB) };
}

/** Kubernetes allows letters, digits, '-', '_' and '.' in label values, 63 in all, with a letter or digit at both ends. */
const labelValue = (text: string): string =>
  text
    .replace(/[^\w.-]+/g, "-")
    .slice(0, 63)
    .replace(/^[^a-zA-Z0-9]+|[^a-zA-Z0-9]+$/g, "");
