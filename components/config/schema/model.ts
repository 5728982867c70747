import { z } from "zod";
import { byteSize, dnsLabel, dnsSubdomain, gpuVendor, quantity } from "./common";

const resources = z
  .strictObject({
    cpu: quantity.default("8").describe("CPUs requested per replica"),
    memory: byteSize.default("64Gi").describe("Memory requested, and its limit, per replica; holds /dev/shm too"),
    sharedMemory: byteSize.default("16Gi").describe("Size of /dev/shm, counted in memory"),
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
    gpusPerReplica: z.int().min(0).max(64).default(1).describe("GPUs of one replica; 0 serves on CPU"),
    vendor: gpuVendor.optional().describe("GPU vendor; needed where gpu.vendor is both"),
    tensorParallelSize: z
      .int()
      .min(1)
      .optional()
      .describe("GPUs that share each layer; gpusPerReplica / pipelineParallelSize by default"),
    pipelineParallelSize: z.int().min(1).default(1).describe("Stages that the layers are split into"),
    maxModelLen: z.int().min(1).optional().describe("Context length in tokens; the model's own by default"),
    extraArgs: z.array(z.string()).default([]).describe("Further vllm serve arguments, e.g. --enable-prefix-caching"),
    resources: resources.prefault({}),
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
