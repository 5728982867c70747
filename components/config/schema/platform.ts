import { z } from "zod";
import { byteSize, dnsLabel, dnsSubdomain, quantity, subnet } from "./common";

const amd = z.strictObject({
  driver: z
    .enum(["preinstalled", "operator"])
    .default("preinstalled")
    .describe("Who installs amdgpu: it is on the hosts already, or the operator builds and loads it"),
  driverVersion: z
    .string()
    .min(1)
    .optional()
    .describe("amdgpu version as its repository spells it, e.g. '31.40'; needed with driver: operator"),
  driverImage: z
    .string()
    .min(1)
    .optional()
    .describe("Registry path for driver images that the operator builds; needed with driver: operator"),
  metricsExporter: z.boolean().default(true).describe("Run the device metrics exporter"),
});

const nvidia = z.strictObject({
  driver: z
    .enum(["preinstalled", "operator"])
    .default("operator")
    .describe("Who installs the driver: it is on the hosts already, or the operator runs it as a container"),
  driverVersion: z.string().min(1).optional().describe("Driver version; the operator's default otherwise"),
  toolkit: z.boolean().default(true).describe("Let the operator install the NVIDIA container toolkit"),
  mig: z.enum(["none", "single", "mixed"]).default("none").describe("MIG strategy of the device plugin"),
  timeSlicing: z
    .int()
    .min(2)
    .max(64)
    .optional()
    .describe("Pods that may share one GPU by time slicing; off when absent"),
});

export const gpuSchema = z
  .strictObject({
    vendor: z
      .enum(["amd", "nvidia", "both", "none"])
      .default("amd")
      .describe("Whose GPU operator runs on the cluster; none for CPU stacks"),
    amd: amd.prefault({}).describe("AMD GPU operator"),
    nvidia: nvidia.prefault({}).describe("NVIDIA GPU operator"),
    pricePerHour: z
      .number()
      .min(0)
      .optional()
      .describe("What one GPU costs an hour, in your currency; the preview's table then shows the cost of each model"),
  })
  .describe("GPU vendor and driver");

export const loadBalancerSchema = z
  .strictObject({
    addresses: z
      .union([z.literal("auto"), z.array(z.string().min(1)).min(1, "a list of at least one range or CIDR")])
      .default("auto")
      .describe("Addresses for LoadBalancer Services: auto (.240–.250 of the nodes' subnet), or ranges and CIDRs"),
    subnet: subnet.optional().describe("Subnet of the nodes; the /24 around the first node's address when absent"),
    interfaces: z
      .array(z.string().min(1))
      .optional()
      .describe("Network interfaces that announce the addresses; all when absent"),
  })
  .describe("MetalLB, layer 2");

const bandwidth = z
  .int()
  .min(1)
  .optional()
  .describe("MB/s at which weights arrive on the first start, by download or from the volume; 200 by default");

const localStorage = z.strictObject({
  type: z.literal("local").describe("What holds the weights"),
  path: z
    .string()
    .regex(/^(?!.*\/\.\.(\/|$))\/[^\s/][^\s]*$/, "an absolute path without '..'")
    .default("/mnt/data/ai-models")
    .describe("Directory on the nodes that holds model weights"),
  size: byteSize.default("50Gi").describe("Size of the volume"),
  bandwidth,
});

const storageClass = z.strictObject({
  type: z.literal("storageClass").describe("What holds the weights"),
  className: dnsSubdomain.describe("Name of a StorageClass of the cluster"),
  size: byteSize.default("50Gi").describe("Size of the volume"),
  bandwidth,
  accessMode: z
    .enum(["ReadWriteOnce", "ReadWriteMany"])
    .default("ReadWriteMany")
    .describe("ReadWriteMany where replicas run on several nodes"),
});

export const storageSchema = z
  .discriminatedUnion("type", [localStorage, storageClass])
  .describe("Where model weights are kept");

const ownership = z.enum(["install", "existing"]).default("install");

export const addonsSchema = z
  .strictObject({
    certManager: ownership.describe("Install cert-manager, or use the one on the cluster"),
    gpuOperator: ownership.describe("Install the GPU operator, or use the one on the cluster"),
    metalLb: ownership.describe("Install MetalLB, or use the load balancer on the cluster"),
    leaderWorkerSet: z
      .enum(["install", "existing"])
      .optional()
      .describe("Install LeaderWorkerSet, or use the one on the cluster; needed for models on several nodes"),
  })
  .describe("Which add-ons the stack installs");

export const chartSourceSchema = z
  .string()
  .regex(
    /^(official|(https?|oci):\/\/[^\s]+|\.{0,2}\/[^\s:]*)$/,
    "official, a directory that starts with ./ or /, an http(s):// repository or an oci:// registry path",
  )
  .describe("Where charts come from: official (each project's own repository), or a mirror of them all");

export const namespaceSchema = z
  .strictObject({
    name: dnsLabel.describe("Name of the namespace"),
    gpuQuota: z.int().min(0).describe("GPUs, of all vendors together, that pods of the namespace may request"),
    cpuQuota: quantity.optional().describe("CPUs that pods may request; unlimited when absent"),
    memoryQuota: byteSize.optional().describe("Memory that pods may request; unlimited when absent"),
    podSecurity: z
      .enum(["restricted", "baseline", "privileged"])
      .default("baseline")
      .describe("Pod Security Standard that the API server enforces"),
  })
  .describe("A namespace with its quota");

export type GpuConfig = z.output<typeof gpuSchema>;
export type LoadBalancerConfig = z.output<typeof loadBalancerSchema>;
export type StorageConfig = z.output<typeof storageSchema>;
export type AddonsConfig = z.output<typeof addonsSchema>;
export type NamespaceConfig = z.output<typeof namespaceSchema>;
