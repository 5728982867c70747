import { z } from "zod";
import { byteSize, dnsLabel, gpuVendor, subnet } from "./common";
import { hostsSchema } from "./hosts";

export type { BastionConfig, HostConfig, HostsClusterConfig } from "./hosts";

const nodeGroup = z
  .strictObject({
    name: dnsLabel.describe("Prefix of the node names: <name>-0, <name>-1, …"),
    count: z.int().min(1).max(1000).describe("Number of nodes"),
    gpus: z.int().min(0).max(64).default(8).describe("GPUs that each node advertises"),
    vendor: gpuVendor.default("amd").describe("Vendor of these GPUs"),
    product: z.string().min(1).default("MI300X").describe("GPU product, as the node labeller would report it"),
    cpus: z.int().min(1).default(192).describe("CPUs that each node advertises"),
    memory: byteSize.default("1536Gi").describe("Memory that each node advertises"),
  })
  .describe("Simulated nodes of one kind");

const simulated = z
  .strictObject({
    source: z.literal("simulated").describe("Where the cluster comes from"),
    nodeGroups: z.array(nodeGroup).min(1).describe("The nodes of the simulated cluster"),
    directory: z
      .string()
      .min(1)
      .default(".sim")
      .describe("Directory of the simulated cluster; relative to the project"),
    subnet: subnet.default("192.168.64.0/24").describe("Subnet of the simulated nodes' addresses"),
  })
  .describe("A simulated cluster (kwok) on this machine; its kubeconfig is <directory>/kubeconfig");

const existing = z
  .strictObject({
    source: z.literal("kubeconfig").describe("Where the cluster comes from"),
    path: z.string().min(1).optional().describe("Path of the kubeconfig file; or set secrets.kubeconfig"),
    context: z.string().min(1).optional().describe("Context of the kubeconfig; the current one by default"),
    identifier: z
      .string()
      .min(1)
      .optional()
      .describe("A stable name of the cluster: with it, a kubeconfig that changes replaces nothing"),
  })
  .describe("A Kubernetes cluster that exists");

export const clusterSchema = z
  .discriminatedUnion("source", [simulated, existing, hostsSchema])
  .describe("Where the Kubernetes cluster comes from");

export type ClusterConfig = z.output<typeof clusterSchema>;
export type SimulatedClusterConfig = z.output<typeof simulated>;
export type NodeGroupConfig = z.output<typeof nodeGroup>;
