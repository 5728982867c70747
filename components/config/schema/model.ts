import { z } from "zod";
import { quantizationNames } from "../../capacity/quantization";
import { architectureSchema } from "./architecture";
import { byteSize, dnsLabel, dnsSubdomain, gpuVendor, quantity } from "./common";
import { engineConvert, engineRunner, lorasSchema, speculativeSchema } from "./engine";
import { drainSchema, rolloutSchema, tolerationSchema } from "./scheduling";
import { weightsSchema } from "./weights";

const resources = z
  .strictObject({
    cpu: quantity.default("8").describe("CPUs requested per replica"),
    memory: byteSize.default("64Gi").describe("Memory requested, and its limit, per replica; holds /dev/shm too"),
    sharedMemory: byteSize.default("16Gi").describe("Size of /dev/shm, counted in memory"),
    ephemeralStorage: byteSize.optional().describe("Disk requested for /tmp and logs; 8Gi by default"),
    exclusiveCpus: z
      .boolean()
      .optional()
      .describe("Limit CPUs to the request, so that the kubelet's static CPU manager pins whole ones to the replica"),
  })
  .describe("CPU and memory of one replica");

const hfToken = z
  .union([
    z.strictObject({
      fromSecrets: z.string().min(1).describe("Name of an entry of secrets.hfTokens"),
    }),
    z.strictObject({
      secretName: dnsSubdomain.describe("A Secret that exists in the model's namespace"),
      key: z
        .string()
        .regex(/^[-._a-zA-Z0-9]+$/, "letters, digits, '-', '_' and '.'")
        .default("token")
        .describe("Key in that Secret"),
    }),
  ])
  .describe("Hugging Face token for gated models: never the token itself");

const service = z
  .strictObject({
    type: z.enum(["LoadBalancer", "ClusterIP"]).default("LoadBalancer").describe("How clients reach the model"),
    port: z.int().min(1).max(65535).default(8000).describe("Port of the Service"),
  })
  .describe("The Service in front of the replicas");

/** Names as `vllm serve --dtype` takes them. */
export const engineDtype = z.enum(["auto", "bfloat16", "float16", "float32"]);

/** Names as `vllm serve --quantization` takes them. */
export const engineQuantization = z.enum(quantizationNames);

/** Names as `vllm serve --kv-cache-dtype` takes them. */
export const engineKvCacheDtype = z.enum(["auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2"]);

export const modelSchema = z
  .strictObject({
    name: z
      .string()
      // A Service's name must start with a letter (RFC 1035) on the Kubernetes versions that the stack supports.
      .regex(
        /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
        "lower-case letters, digits and '-', starting with a letter and ending with a letter or digit",
      )
      .max(50, "at most 50 characters")
      .describe("Name of the Deployment and the Service"),
    model: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/, "a Hugging Face id such as Qwen/Qwen3-8B")
      .describe("Hugging Face id of the model"),
    revision: z.string().min(1).default("main").describe("Branch, tag or commit of the model repository"),
    namespace: dnsLabel.optional().describe("One of the configured namespaces; may be left out when there is only one"),
    image: z.string().min(1).optional().describe("Container image; the vendor's vLLM release by default"),
    replicas: z.int().min(0).max(1000).default(1).describe("Replicas; each takes gpusPerReplica GPUs"),
    gpusPerReplica: z
      .int()
      .min(0)
      .max(64)
      .default(1)
      .describe("GPUs of one replica, on each of its nodes; 0 serves on CPU"),
    nodesPerReplica: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe("Nodes of one replica, each with gpusPerReplica GPUs; 1 by default. More need addons.leaderWorkerSet"),
    vendor: gpuVendor.optional().describe("GPU vendor; needed where gpu.vendor is both"),
    tensorParallelSize: z
      .int()
      .min(1)
      .optional()
      .describe("GPUs that share each layer; gpusPerReplica × nodesPerReplica / pipelineParallelSize by default"),
    pipelineParallelSize: z.int().min(1).default(1).describe("Stages that the layers are split into"),
    maxModelLen: z.int().min(1).optional().describe("Context length in tokens; the model's own by default"),
    dtype: engineDtype
      .optional()
      .describe("Type of weights and activations; what the model's config.json says by default"),
    quantization: engineQuantization
      .optional()
      .describe("How the weights are quantized; what the model's config.json says by default"),
    kvCacheDtype: engineKvCacheDtype.optional().describe("Type of the KV cache; the model's dtype by default"),
    gpuMemoryUtilization: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe("Share of each GPU's memory that vLLM takes; vLLM's own default otherwise (0.92 in 0.33)"),
    maxNumSeqs: z
      .int()
      .min(1)
      .optional()
      .describe("Requests that one step works on at most; vLLM's default for the GPU otherwise"),
    maxNumBatchedTokens: z
      .int()
      .min(1)
      .optional()
      .describe("Tokens that one step works on at most; vLLM's default for the GPU otherwise"),
    architecture: architectureSchema.optional(),
    runner: engineRunner.optional().describe("What the model does: generate text, or pooling (embed, rank, classify)"),
    convert: engineConvert.optional().describe("Adapter that turns a text model into one for pooling"),
    loras: lorasSchema.optional(),
    speculative: speculativeSchema.optional(),
    predownload: z
      .boolean()
      .optional()
      .describe("Download the weights before the server starts, which then runs offline; needs a pinned revision"),
    weights: weightsSchema.optional(),
    extraArgs: z.array(z.string()).default([]).describe("Further vllm serve arguments, e.g. --enable-prefix-caching"),
    resources: resources.prefault({}),
    gpuProduct: z
      .string()
      .regex(/^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/, "the value of a node label")
      .optional()
      .describe(
        "GPU product that nodes must have, as their label amd.com/gpu.product-name or nvidia.com/gpu.product says",
      ),
    gpuMemory: byteSize
      .optional()
      .describe("Memory that each GPU must have at least, in place of a product; drivers report less than data sheets"),
    runAs: z
      .enum(["nonRoot", "root"])
      .optional()
      .describe(
        "Whom the server runs as: 2000:0 or root; root by default on AMD GPUs without deviceGroups, unless the namespace is restricted",
      ),
    deviceGroups: z
      .array(z.int().min(0).max(4_294_967_294))
      .optional()
      .describe("Group ids that own /dev/kfd and /dev/dri/renderD* on the nodes: getent group render video"),
    nodeSelector: z
      .record(z.string(), z.string().regex(/^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/, "the value of a node label"))
      .optional()
      .describe("Labels that nodes must have, beside those of their GPUs; those of hosts are cluster.hosts[].labels"),
    tolerations: z.array(tolerationSchema).optional(),
    priorityClassName: dnsSubdomain.optional().describe("A PriorityClass of the cluster"),
    rollout: rolloutSchema
      .optional()
      .describe(
        "surge starts the new replica first, replace stops the old one first; auto surges where GPUs are spare",
      ),
    startupBudgetSeconds: z
      .int()
      .min(60)
      .max(86_400)
      .optional()
      .describe("Seconds that a replica may take to start; estimated from the weights' size by default"),
    drain: drainSchema.optional(),
    readOnlyRoot: z
      .boolean()
      .optional()
      .describe("Whether the container's root file system is read-only; so by default in the release images"),
    hfToken: hfToken.optional(),
    service: service.prefault({}),
  })
  .describe("A model served by vLLM");

export type RawModelConfig = z.output<typeof modelSchema>;

/** A model with everything that can be derived filled in. */
export interface ModelConfig extends RawModelConfig {
  readonly namespace: string;
  readonly tensorParallelSize: number;
  /** Vendor of the model's GPUs; `none` when it serves on CPU. */
  readonly gpuVendor: "amd" | "nvidia" | "none";
}
