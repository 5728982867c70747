import { z } from "zod";
import { byteSize, dnsLabel, gpuVendor, subnet } from "./common";

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

const taint = z.strictObject({
  key: z.string().min(1).describe("Key of the taint"),
  value: z.string().optional().describe("Value of the taint"),
  effect: z
    .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
    .describe("What happens to pods that do not tolerate it"),
});

const host = z.strictObject({
  name: dnsLabel.describe("Name of the host and of its node"),
  address: z
    .union([z.ipv4("an IPv4 address"), z.ipv6("an IPv6 address"), z.hostname("a DNS name")])
    .describe("Address or DNS name that SSH connects to"),
  port: z.int().min(1).max(65535).default(22).describe("SSH port"),
  user: z.string().min(1).default("root").describe("SSH user; needs root or sudo"),
  role: z.enum(["control-plane", "worker"]).describe("Role in the cluster"),
  gpus: z.int().min(0).max(64).default(0).describe("GPUs expected on the host; preflight compares"),
  vendor: gpuVendor.optional().describe("Vendor of these GPUs; gpu.vendor by default, needed where that is both"),
  product: z.string().min(1).optional().describe("GPU product expected, e.g. MI300X"),
  hostKey: z
    .string()
    .regex(
      /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,3}( .*)?$/,
      "an SSH public host key such as 'ssh-ed25519 AAAA…', as ssh-keyscan prints it after the host name",
    )
    .optional()
    .describe("SSH public host key, pinned; as ssh-keyscan prints it after the host name"),
  labels: z.record(z.string(), z.string()).default({}).describe("Node labels"),
  taints: z.array(taint).default([]).describe("Node taints"),
});

const hosts = z
  .strictObject({
    source: z.literal("hosts").describe("Where the cluster comes from"),
    hosts: z.array(host).min(1).describe("The machines to make a cluster of"),
    kubernetesVersion: z
      .string()
      .regex(/^1\.\d+\.\d+$/, "a full version such as 1.36.3")
      .default("1.36.3")
      .describe("Kubernetes version that kubeadm installs"),
    controlPlaneEndpoint: z
      .string()
      .regex(
        /^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$/,
        "an address or DNS name with a port, such as 10.0.0.10:6443",
      )
      .optional()
      .describe("host:port that all control-plane nodes share; needed with more than one of them"),
    podCidr: subnet.default("10.244.0.0/16").describe("Addresses of pods"),
    serviceCidr: subnet.default("10.96.0.0/16").describe("Addresses of Services"),
    cni: z.enum(["calico", "flannel", "none"]).default("calico").describe("Pod network"),
    trustOnFirstUse: z
      .boolean()
      .default(false)
      .describe("Accept and pin an unknown SSH host key at the first connection"),
  })
  .describe("Bare hosts over SSH");

export const clusterSchema = z
  .discriminatedUnion("source", [simulated, existing, hosts])
  .describe("Where the Kubernetes cluster comes from");

export type ClusterConfig = z.output<typeof clusterSchema>;
export type SimulatedClusterConfig = z.output<typeof simulated>;
export type HostsClusterConfig = z.output<typeof hosts>;
export type HostConfig = z.output<typeof host>;
export type NodeGroupConfig = z.output<typeof nodeGroup>;
