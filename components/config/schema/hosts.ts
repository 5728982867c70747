import { z } from "zod";
import { dnsLabel, gpuVendor, subnet } from "./common";

const taint = z.strictObject({
  key: z.string().min(1).describe("Key of the taint"),
  value: z.string().optional().describe("Value of the taint"),
  effect: z
    .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
    .describe("What happens to pods that do not tolerate it"),
});

const sshAddress = z.union([z.ipv4("an IPv4 address"), z.ipv6("an IPv6 address"), z.hostname("a DNS name")]);
const ipAddress = z.union([z.ipv4("an IPv4 address"), z.ipv6("an IPv6 address")]);
const sshPort = z.int().min(1).max(65535).default(22).describe("SSH port");
const webAddress = z
  .string()
  .regex(/^https?:\/\/[^\s/?#]+[^\s]*$/, "an http:// or https:// address such as https://mirror.example.com/debian");
const absolutePath = z.string().regex(/^(?!.*\/\.\.(\/|$))\/[^\s/][^\s]*$/, "an absolute path without '..'");
const imageReference = z.string().regex(/^[^\s:]+(:\d+)?[^\s]*$/, "an image such as registry.example.com/tests:v1");

const hostKey = z
  .string()
  .regex(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,3}( .*)?$/,
    "an SSH public host key such as 'ssh-ed25519 AAAA…', as ssh-keyscan prints it after the host name",
  )
  .optional()
  .describe("SSH public host key, pinned; as ssh-keyscan prints it after the host name");

/** Tables that another program reads: their values are its business, the fields that the stack sets are refused. */
const passThrough = z.record(z.string(), z.unknown()).default({});

const host = z.strictObject({
  name: dnsLabel.describe("Name of the host and of its node"),
  address: sshAddress.describe("Address or DNS name that SSH connects to"),
  nodeAddress: ipAddress
    .optional()
    .describe("IP address by which the nodes reach each other; address by default, needed where that is a DNS name"),
  port: sshPort,
  user: z.string().min(1).default("root").describe("SSH user; needs root or sudo"),
  role: z.enum(["control-plane", "worker"]).describe("Role in the cluster"),
  gpus: z.int().min(0).max(64).default(0).describe("GPUs expected on the host; preflight compares"),
  vendor: gpuVendor.optional().describe("Vendor of these GPUs; gpu.vendor by default, needed where that is both"),
  product: z.string().min(1).optional().describe("GPU product expected, e.g. MI300X"),
  hostKey,
  labels: z.record(z.string(), z.string()).default({}).describe("Node labels"),
  taints: z.array(taint).default([]).describe("Node taints"),
});

const bastion = z
  .strictObject({
    address: sshAddress.describe("Address or DNS name of the bastion"),
    port: sshPort,
    user: z.string().min(1).default("root").describe("SSH user on the bastion; logs in with the same key"),
    hostKey,
  })
  .describe("A host that SSH connections go through");

const proxy = z
  .strictObject({
    http: webAddress.optional().describe("Proxy for http://"),
    https: webAddress.optional().describe("Proxy for https://; often the same"),
    noProxy: z
      .array(z.string().regex(/^[^\s,]+$/, "a name, address or CIDR"))
      .default([])
      .describe("Names, addresses and CIDRs reached directly, beside the cluster's own"),
  })
  .describe("Proxy of the hosts for packages and images");

const mirrors = z
  .strictObject({
    apt: z
      .strictObject({
        debian: webAddress.optional().describe("Mirror of Debian's archive"),
        ubuntu: webAddress.optional().describe("Mirror of archive.ubuntu.com/ubuntu"),
        kubernetes: webAddress
          .optional()
          .describe("Mirror of pkgs.k8s.io/core:/stable:; the directory that holds v1.36/deb"),
        kubernetesKey: webAddress.optional().describe("Signing key of that mirror; <mirror>/v1.36/deb/Release.key"),
      })
      .prefault({})
      .describe("Package mirrors"),
    images: z
      .record(z.string(), webAddress)
      .default({})
      .describe("Image mirrors by registry, e.g. registry.k8s.io: https://mirror.example.com/k8s"),
  })
  .describe("Where packages and images come from instead of the internet");

const containerdRepository = z.strictObject({
  repository: webAddress.describe("Address of the apt repository"),
  key: webAddress.describe("Address of the repository's signing key"),
  package: z.string().min(1).default("containerd.io").describe("Name of the package"),
  suite: z.string().min(1).optional().describe("Suite; the release's code name by default"),
  component: z.string().min(1).default("stable").describe("Component"),
});

const containerd = z
  .strictObject({
    source: z
      .union([z.literal("distribution"), containerdRepository])
      .default("distribution")
      .describe("The distribution's package, or one from another apt repository"),
    version: z.string().min(1).optional().describe("Package version, as apt spells it; the newest at installation"),
    pullProgressTimeout: z
      .string()
      .regex(/^[1-9][0-9]*(s|m|h)$/, "a duration such as 30m")
      .default("30m")
      .describe("An image pull that makes no progress for this long is given up"),
    config: passThrough.describe("containerd's own configuration, added to the stack's"),
  })
  .describe("The container runtime");

const kubeadm = z
  .strictObject({
    clusterConfiguration: passThrough.describe("Fields of kubeadm's ClusterConfiguration (v1beta4)"),
    initConfiguration: passThrough.describe("Fields of kubeadm's InitConfiguration (v1beta4)"),
    joinConfiguration: passThrough.describe("Fields of kubeadm's JoinConfiguration (v1beta4)"),
    ignorePreflightErrors: z
      .array(z.string().min(1))
      .default([])
      .describe("kubeadm's own preflight checks to take as warnings, e.g. SystemVerification"),
  })
  .describe("Passed on to kubeadm");

const preflight = z
  .strictObject({
    accept: z.array(z.string().min(1)).default([]).describe("Findings to take as warnings, by the id in the report"),
  })
  .describe("What preflight lets pass");

const tuning = z
  .strictObject({
    iommuPassthrough: z.boolean().default(false).describe("Kernel parameter iommu=pt (and intel_iommu=on)"),
    numaBalancing: z
      .enum(["keep", "off"])
      .default("keep")
      .describe("Automatic NUMA balancing: as it is, or off now and after each boot"),
    hugePages: z
      .strictObject({
        size: z.enum(["2Mi", "1Gi"]).describe("Size of a page"),
        count: z.int().min(1).describe("Pages on each host"),
      })
      .optional()
      .describe("Huge pages, reserved at boot"),
    blacklistNouveau: z.boolean().default(false).describe("Keep the nouveau driver from loading (NVIDIA)"),
    kernelParameters: z
      .array(z.string().regex(/^[A-Za-z0-9_.-]+(=[^\s"'$`\\]*)?$/, "a kernel parameter such as pci=realloc=off"))
      .default([])
      .describe("More kernel parameters"),
    reboot: z
      .enum(["never", "when-needed"])
      .default("never")
      .describe("Whether a host may be rebooted where a setting needs it; else up says that it is needed"),
  })
  .describe("Settings of GPU hosts");

const virtualIp = z
  .strictObject({
    address: ipAddress.describe("A free address of the control planes' subnet"),
    interface: z
      .string()
      .regex(/^[^\s/]{1,15}$/, "the name of a network interface")
      .optional()
      .describe("Network interface that carries it; the one of the node's address by default"),
  })
  .describe(
    "Address that the control planes share by kube-vip; then controlPlaneEndpoint is it, port 6443, by default",
  );

const etcdSnapshots = z
  .strictObject({
    schedule: z
      .string()
      .regex(/^[A-Za-z0-9*:,/.~\- ]+$/, "a systemd calendar event such as daily or *-*-* 03:00:00")
      .default("daily")
      .describe("When snapshots are taken: a systemd calendar event"),
    keep: z.int().min(1).max(1000).default(7).describe("Snapshots that are kept"),
    directory: absolutePath
      .default("/var/lib/inference-stack/etcd-snapshots")
      .describe("Directory on the control planes"),
  })
  .describe("Snapshots of etcd on the control planes");

const validation = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Prove after up that nodes, GPUs, DNS and the network work"),
    allReduce: z
      .strictObject({
        image: imageReference.describe("Image with rccl-tests or nccl-tests"),
        minimumBusBandwidth: z.number().positive("a number above 0").describe("GB/s that the all-reduce must reach"),
      })
      .optional()
      .describe("An all-reduce over the GPUs of each node"),
  })
  .describe("Validation after installation");

export const hostsSchema = z
  .strictObject({
    source: z.literal("hosts").describe("Where the cluster comes from"),
    hosts: z.array(host).min(1).describe("The machines to make a cluster of"),
    kubernetesVersion: z
      .string()
      .regex(/^1\.\d+\.\d+$/, "a full version such as 1.36.3")
      .default("1.36.3")
      .describe("Kubernetes version; raising it upgrades the cluster, a minor version at a time"),
    controlPlaneEndpoint: z
      .string()
      .regex(
        /^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$/,
        "an address or DNS name with a port, such as 10.0.0.10:6443",
      )
      .optional()
      .describe("host:port that all control-plane nodes share; with more than one of them this or virtualIp is needed"),
    virtualIp: virtualIp.optional(),
    podCidr: subnet.default("10.244.0.0/16").describe("Addresses of pods; each node takes a /24 of them"),
    serviceCidr: subnet.default("10.96.0.0/16").describe("Addresses of Services"),
    cni: z.enum(["calico", "flannel", "none"]).default("calico").describe("Pod network; none: you install one"),
    trustOnFirstUse: z
      .boolean()
      .default(false)
      .describe("Accept and pin an unknown SSH host key at the first connection"),
    sshAgent: z.boolean().default(false).describe("Log in with the keys of the SSH agent, not secrets.sshPrivateKey"),
    bastion: bastion.optional(),
    proxy: proxy.optional(),
    mirrors: mirrors.prefault({}),
    containerd: containerd.prefault({}),
    kubeadm: kubeadm.prefault({}),
    kubelet: passThrough.describe("Fields of the KubeletConfiguration (v1beta1)"),
    kubeProxy: passThrough.describe("Fields of the KubeProxyConfiguration (v1alpha1)"),
    preflight: preflight.prefault({}),
    tuning: tuning.prefault({}),
    etcdSnapshots: etcdSnapshots.prefault({}),
    certificateRenewal: z
      .string()
      .min(1)
      .optional()
      .describe("Any text; changing it renews the control planes' certificates, e.g. 2027-01"),
    validation: validation.prefault({}),
  })
  .describe("Bare hosts over SSH");

export type HostsClusterConfig = z.output<typeof hostsSchema>;
export type HostConfig = HostsClusterConfig["hosts"][number];
export type BastionConfig = z.output<typeof bastion>;
