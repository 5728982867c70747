import fields136 from "./kubernetesFields/1.36.json";
import type { Path } from "./paths";

/** A table of the config whose fields another program reads. */
export interface PassThroughTable {
  /** Where it stands in the stack config. */
  readonly path: Path;
  /** What the fields belong to, in that program's words. */
  readonly kind: string;
  /** Its fields at the top level; undefined where they are not known here. */
  readonly fields?: readonly string[];
  /** Fields that the stack sets itself, each with where to say it instead. */
  readonly managed: readonly ManagedField[];
}

/** A field that the stack sets, and what the user does to change it. */
export interface ManagedField {
  readonly path: readonly string[];
  /** A sentence without its full stop, e.g. `set cluster.podCidr`. */
  readonly next: string;
}

/** The minor version of Kubernetes that the lists of fields were read from; newer ones may have more. */
export const knownFieldsMinor = fields136.minor;

const typed = [managed("apiVersion", "leave it out: the stack writes it"), managed("kind", "leave it out too")];

const nodeRegistration = [
  managed("nodeRegistration.name", "set the name of the host in cluster.hosts"),
  managed("nodeRegistration.taints", "set taints of the host in cluster.hosts"),
  managed("nodeRegistration.criSocket", "leave it out: the runtime is containerd"),
  managed("nodeRegistration.ignorePreflightErrors", "set cluster.kubeadm.ignorePreflightErrors"),
];

const joining = "leave it out: hosts join with a certificate that the first control plane signs for each of them";

function managed(dotted: string, next: string): ManagedField {
  return { path: dotted.split("."), next };
}

/** containerd's plugins are named otherwise in the configuration of 1.x (version 2) and of 2.x (version 3). */
const containerdPlugins: readonly ManagedField[] = [
  ["io.containerd.grpc.v1.cri", ["containerd", "runtimes", "runc", "options", "SystemdCgroup"], "systemd's cgroups"],
  ["io.containerd.cri.v1.runtime", ["containerd", "runtimes", "runc", "options", "SystemdCgroup"], "systemd's cgroups"],
  ["io.containerd.grpc.v1.cri", ["sandbox_image"], "kubeadm's image"],
  ["io.containerd.cri.v1.images", ["pinned_images", "sandbox"], "kubeadm's image"],
].map(([plugin, path, value]) => ({
  path: ["plugins", plugin as string, ...(path as string[])],
  next: `leave it out: the stack sets ${value as string}`,
}));

const containerdRegistries: readonly ManagedField[] = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.cri.v1.images",
].flatMap((plugin) => [
  { path: ["plugins", plugin, "registry"], next: "set cluster.mirrors.images" },
  { path: ["plugins", plugin, "image_pull_progress_timeout"], next: "set cluster.containerd.pullProgressTimeout" },
]);

/** Every table of `cluster.source: hosts` that is handed on, with what may not stand in it. */
export const passThroughTables: readonly PassThroughTable[] = [
  {
    path: ["cluster", "kubeadm", "clusterConfiguration"],
    kind: "ClusterConfiguration",
    fields: fields136.fields.ClusterConfiguration,
    managed: [
      ...typed,
      managed("kubernetesVersion", "set cluster.kubernetesVersion"),
      managed("controlPlaneEndpoint", "set cluster.controlPlaneEndpoint"),
      managed("networking.podSubnet", "set cluster.podCidr"),
      managed("networking.serviceSubnet", "set cluster.serviceCidr"),
      managed("certificatesDir", "leave it out: hosts are admitted with what lies in /etc/kubernetes/pki"),
      managed("imageRepository", 'set cluster.mirrors.images["registry.k8s.io"]'),
    ],
  },
  {
    path: ["cluster", "kubeadm", "initConfiguration"],
    kind: "InitConfiguration",
    fields: fields136.fields.InitConfiguration,
    managed: [
      ...typed,
      ...nodeRegistration,
      managed("localAPIEndpoint.advertiseAddress", "set nodeAddress of the host in cluster.hosts"),
      managed("bootstrapTokens", joining),
      managed("certificateKey", joining),
      managed("dryRun", "leave it out; pulumi preview shows what up would do"),
    ],
  },
  {
    path: ["cluster", "kubeadm", "joinConfiguration"],
    kind: "JoinConfiguration",
    fields: fields136.fields.JoinConfiguration,
    managed: [
      ...typed,
      ...nodeRegistration,
      managed("caCertPath", joining),
      managed("discovery", joining),
      managed("controlPlane.certificateKey", joining),
      managed("controlPlane.localAPIEndpoint.advertiseAddress", "set nodeAddress of the host in cluster.hosts"),
      managed("dryRun", "leave it out; pulumi preview shows what up would do"),
    ],
  },
  {
    path: ["cluster", "kubelet"],
    kind: "KubeletConfiguration",
    fields: fields136.fields.KubeletConfiguration,
    managed: [
      ...typed,
      managed("cgroupDriver", "leave it out: it is systemd, for the kubelet and for containerd"),
      managed("clusterDNS", "leave it out: it follows from cluster.serviceCidr"),
      managed("containerRuntimeEndpoint", "leave it out: the runtime is containerd"),
      managed("staticPodPath", "leave it out: kubeadm's manifests lie there"),
    ],
  },
  {
    path: ["cluster", "kubeProxy"],
    kind: "KubeProxyConfiguration",
    fields: fields136.fields.KubeProxyConfiguration,
    managed: [
      ...typed,
      managed("clusterCIDR", "set cluster.podCidr"),
      managed("clientConnection.kubeconfig", "leave it out: kubeadm makes it"),
      managed("hostnameOverride", "set the name of the host in cluster.hosts"),
    ],
  },
  {
    path: ["cluster", "containerd", "config"],
    kind: "containerd's configuration",
    managed: [
      managed("version", "leave it out: it follows from the installed release"),
      managed("imports", "leave it out, and put the tables here"),
      ...containerdPlugins,
      ...containerdRegistries,
    ],
  },
];
