import { hostsConfig } from "../support";
import { broken, hosts, type BrokenConfig } from "./build";

/** Fields that the stack sets, or that do not exist: key, value, how it is shown, what is allowed, what to do. */
const fields: readonly (readonly [string[], unknown, string, RegExp, RegExp])[] = [
  [
    ["kubeadm", "clusterConfiguration", "networking", "podSubnet"],
    "10.1.0.0/16",
    '"10.1.0.0/16"',
    /ClusterConfiguration/,
    /set cluster\.podCidr/,
  ],
  [
    ["kubeadm", "clusterConfiguration", "kubernetesVersion"],
    "v1.36.0",
    '"v1.36.0"',
    /does not set itself/,
    /set cluster\.kubernetesVersion/,
  ],
  [
    ["kubeadm", "initConfiguration", "nodeRegistration", "name"],
    "other",
    '"other"',
    /InitConfiguration/,
    /name of the host in cluster\.hosts/,
  ],
  [
    ["kubeadm", "clusterConfiguration", "certificatesDir"],
    "/srv/pki",
    '"/srv/pki"',
    /ClusterConfiguration that the stack does not set/,
    /admitted with what lies in \/etc\/kubernetes\/pki/,
  ],
  [
    ["kubeadm", "initConfiguration", "skipPhases"],
    ["addon/kube-proxy"],
    "a list of 1 entry",
    /InitConfiguration that the stack does not set/,
    /proxy\.disabled or dns\.disabled in cluster\.kubeadm\.clusterConfiguration/,
  ],
  [
    ["kubeadm", "initConfiguration", "patches"],
    { directory: "/srv/patches" },
    "an object",
    /InitConfiguration/,
    /upgrade would not apply them again/,
  ],
  [["kubeadm", "joinConfiguration", "discovery"], {}, "an object", /JoinConfiguration/, /certificate/],
  [
    ["kubeadm", "joinConfiguration", "caCertPath"],
    "/srv/ca.crt",
    '"/srv/ca.crt"',
    /JoinConfiguration that the stack does not set/,
    /\/etc\/kubernetes\/pki\/ca\.crt on each host/,
  ],
  [["kubeadm", "joinConfiguration", "skipPhases"], [], "a list of 0 entries", /JoinConfiguration/, /each phase makes/],
  [
    ["kubeadm", "joinConfiguration", "controlPlane", "localAPIEndpoint", "bindPort"],
    6444,
    "6444",
    /JoinConfiguration/,
    /initConfiguration\.localAPIEndpoint\.bindPort/,
  ],
  [["kubelet", "clusterDomain"], "example.org", '"example.org"', /KubeletConfiguration/, /networking\.dnsDomain/],
  [["kubelet", "staticPodPath"], "/srv/pods", '"/srv/pods"', /KubeletConfiguration/, /kubeadm's manifests/],
  [
    ["kubelet", "containerRuntimeEndpoint"],
    "unix:///run/crio/crio.sock",
    '"unix:///run/crio/crio.sock"',
    /KubeletConfiguration/,
    /runtime is containerd/,
  ],
  [["kubelet", "rotateCertificates"], false, "false", /KubeletConfiguration/, /renew their own certificates/],
  [["kubelet", "registerNode"], false, "false", /KubeletConfiguration/, /each host is to be a node/],
  [["kubelet", "failCgroupv1"], false, "false", /a field of KubeletConfiguration/, /did you mean failCgroupV1/],
  [["kubelet", "cgroupDriver"], "cgroupfs", '"cgroupfs"', /does not set itself/, /systemd/],
  [["kubeProxy", "clusterCIDR"], "10.1.0.0/16", '"10.1.0.0/16"', /KubeProxyConfiguration/, /set cluster\.podCidr/],
  [["kubeProxy", "xyzzyplugh"], 1, "1", /in Kubernetes 1\.36/, /see the reference/],
  [["containerd", "config", "version"], 3, "3", /containerd's configuration/, /installed release/],
  [
    ["containerd", "config", "grpc", "address"],
    "/srv/containerd.sock",
    '"/srv/containerd.sock"',
    /containerd's configuration/,
    /\/run\/containerd\/containerd\.sock/,
  ],
];

const containerdWithOwnDirectories = {
  plugins: { "io.containerd.cri.v1.runtime": { cni: { bin_dirs: ["/srv/cni"] } } },
};
const kubeletExtraArgs = [
  { name: "v", value: "4" },
  { name: "node-ip", value: "10.0.0.9" },
];
const withKubeletArguments = { nodeRegistration: { kubeletExtraArgs } };
const containerdWithRegistry = { plugins: { "io.containerd.cri.v1.images": { registry: { config_path: "/x" } } } };

/** What is handed on to kubeadm, the kubelet, kube-proxy and containerd, and must not be. */
export const passThroughMistakes: readonly BrokenConfig[] = [
  ...fields.map(([key, value, shown, allowed, next]) =>
    broken(`pass-through: ${key.join(".")}`, hosts([["cluster", ...key], value]), [
      `cluster.${key.join(".")}`,
      shown,
      allowed,
      next,
    ]),
  ),
  broken("containerd plugin set twice", hosts([["cluster", "containerd", "config"], containerdWithRegistry]), [
    'cluster.containerd.config.plugins["io.containerd.cri.v1.images"].registry',
    "an object",
    /does not set itself/,
    /cluster\.mirrors\.images/,
  ]),
  broken("node address by an argument", hosts([["cluster", "kubeadm", "joinConfiguration"], withKubeletArguments]), [
    "cluster.kubeadm.joinConfiguration.nodeRegistration.kubeletExtraArgs[1].name",
    '"node-ip"',
    /arguments of the kubelet that the stack does not set itself/,
    /nodeAddress of the host in cluster\.hosts/,
  ]),
  broken("CNI directory of its own", hosts([["cluster", "containerd", "config"], containerdWithOwnDirectories]), [
    'cluster.containerd.config.plugins["io.containerd.cri.v1.runtime"].cni.bin_dirs',
    "a list of 1 entry",
    /does not set itself/,
    /pod networks use \/opt\/cni\/bin/,
  ]),
  broken(
    "external etcd of several control planes",
    hosts(
      [["cluster", "hosts", 1, "role"], "control-plane"],
      [
        ["cluster", "hosts", 2],
        { ...hostsConfig().cluster.hosts[1], name: "three", address: "192.168.10.13", role: "control-plane" },
      ],
      [["cluster", "controlPlaneEndpoint"], "10.0.0.1:6443"],
      [["cluster", "kubeadm", "clusterConfiguration", "etcd"], { external: { endpoints: ["https://10.0.0.8:2379"] } }],
    ),
    ["cluster.kubeadm.clusterConfiguration.etcd.external", "an object", /several control planes/, /leave it out/],
  ),
  broken("preflight check unknown", hosts([["cluster", "kubeadm"], { ignorePreflightErrors: ["Swop"] }]), [
    "cluster.kubeadm.ignorePreflightErrors[0]",
    '"Swop"',
    /kubeadm's checks: .*SystemVerification/,
    /did you mean Swap/,
  ]),
  broken("all preflight checks ignored", hosts([["cluster", "kubeadm"], { ignorePreflightErrors: ["all"] }]), [
    "cluster.kubeadm.ignorePreflightErrors[0]",
    '"all"',
    /kubeadm's checks/,
    /name the checks/,
  ]),
];
