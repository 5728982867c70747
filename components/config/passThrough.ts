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

const everyPhase = managed(
  "skipPhases",
  "leave it out: later steps need what each phase makes; for a proxy or DNS of your own set proxy.disabled or dns.disabled in cluster.kubeadm.clusterConfiguration",
);
const noPatches = managed(
  "patches",
  "leave it out: kubeadm upgrade would not apply them again; set extraArgs, extraVolumes and extraEnvs in cluster.kubeadm.clusterConfiguration, or fields of cluster.kubelet",
);

const joining = "leave it out: hosts join with a certificate that the first control plane signs for each of them";

function managed(dotted: string, next: string): ManagedField {
  return { path: dotted.split("."), next };
}

/** Where pod networks put their plugins and configuration, and where a reset looks for them. */
const cniDirectories: readonly ManagedField[] = [
  ["io.containerd.grpc.v1.cri", "bin_dir"],
  ["io.containerd.grpc.v1.cri", "conf_dir"],
  ["io.containerd.cri.v1.runtime", "bin_dirs"],
  ["io.containerd.cri.v1.runtime", "conf_dir"],
].map(([plugin, directory]) => ({
  path: ["plugins", plugin as string, "cni", directory as string],
  next: "leave it out: pod networks use /opt/cni/bin and /etc/cni/net.d",
}));

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

/** Arguments of the kubelet that the stack sets, or relies on as kubeadm sets them, with what to do instead. */
export const managedKubeletArguments: Readonly<Record<string, string>> = {
  "node-ip": "set nodeAddress of the host in cluster.hosts",
  "hostname-override": "set the name of the host in cluster.hosts",
  "container-runtime-endpoint": "leave it out: the runtime is containerd",
  "root-dir": "leave it out: a host is measured and reset at /var/lib/kubelet; mount a disk there",
  config: "set fields of cluster.kubelet",
  kubeconfig: "leave it out: kubeadm makes it",
  "bootstrap-kubeconfig": "leave it out: kubeadm makes it",
  "cert-dir": "leave it out: the kubelet's certificates lie in /var/lib/kubelet/pki",
};

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
      everyPhase,
      noPatches,
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
      managed("caCertPath", "leave it out: the cluster's authority lies in /etc/kubernetes/pki/ca.crt on each host"),
      managed("discovery", joining),
      managed("controlPlane.certificateKey", joining),
      managed("controlPlane.localAPIEndpoint.advertiseAddress", "set nodeAddress of the host in cluster.hosts"),
      managed(
        "controlPlane.localAPIEndpoint.bindPort",
        "set cluster.kubeadm.initConfiguration.localAPIEndpoint.bindPort: it holds for all control planes",
      ),
      everyPhase,
      noPatches,
      managed("dryRun", "leave it out; pulumi preview shows what up would do"),
    ],
  },
  {
    path: ["cluster", "kubelet"],
    kind: "KubeletConfiguration",
    fields: fields136.fields.KubeletConfiguration,
    managed: [
      ...typed,
      managed(
        "authentication.x509.clientCAFile",
        "leave it out: the API server reaches kubelets by kubeadm's authority",
      ),
      managed("cgroupDriver", "leave it out: it is systemd, for the kubelet and for containerd"),
      managed("clusterDNS", "leave it out: it follows from cluster.serviceCidr"),
      managed("clusterDomain", "set cluster.kubeadm.clusterConfiguration.networking.dnsDomain"),
      managed("containerRuntimeEndpoint", "leave it out: the runtime is containerd"),
      managed("imageServiceEndpoint", "leave it out: images come by containerd"),
      managed("registerNode", "leave it out: each host is to be a node"),
      managed("rotateCertificates", "leave it out: kubelets renew their own certificates before these end"),
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
      managed("grpc.address", "leave it out: the kubelet and all steps use /run/containerd/containerd.sock"),
      ...containerdPlugins,
      ...containerdRegistries,
      ...cniDirectories,
    ],
  },
];
