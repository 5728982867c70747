import { createHash } from "node:crypto";
import { stringify } from "yaml";
import type { HostConfig, HostsClusterConfig } from "../../config/schema/cluster";
import { mergeFields, type Fields } from "../mergeFields";
import { addressOf, type Topology } from "./topology";

/** Where `join.sh` puts the kubeconfig that a joining host is admitted with. */
export const DISCOVERY_FILE = "/etc/inference-stack/cluster/discovery.conf";

const KUBEADM_API = "kubeadm.k8s.io/v1beta4";
const CRI_SOCKET = "unix:///run/containerd/containerd.sock";

/**
 * What `kubeadm init` makes the cluster of: the first control plane, the cluster, and the kubelet and kube-proxy
 * configuration of all nodes, as one YAML stream. Fields of the user's own stand beside those that the stack sets.
 */
export function initDocuments(cluster: HostsClusterConfig, topology: Topology): string {
  return yamlStream([initConfiguration(cluster, topology), ...clusterDocuments(cluster, topology)]);
}

/**
 * Digest of what is the same for all nodes; when it changes, each of them is brought to the new configuration. The
 * version is not part of it: upgrades go their own way.
 */
export function configurationDigest(cluster: HostsClusterConfig, topology: Topology): string {
  const documents = clusterDocuments({ ...cluster, kubernetesVersion: "" }, topology);
  return createHash("sha256").update(yamlStream(documents)).digest("hex");
}

function clusterDocuments(cluster: HostsClusterConfig, topology: Topology): Fields[] {
  return [
    clusterConfiguration(cluster, topology),
    mergeFields(cluster.kubelet, { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration" }),
    mergeFields(cluster.kubeProxy, { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" }),
  ];
}

/** What `kubeadm join` makes a node of a host with. */
export function joinDocument(host: HostConfig, cluster: HostsClusterConfig, topology: Topology): string {
  const { controlPlane, ...own } = cluster.kubeadm.joinConfiguration;
  const asControlPlane = {
    controlPlane: mergeFields((controlPlane ?? {}) as Fields, { localAPIEndpoint: apiEndpoint(host, topology) }),
  };
  const managed = {
    apiVersion: KUBEADM_API,
    kind: "JoinConfiguration",
    discovery: { file: { kubeConfigPath: DISCOVERY_FILE } },
    nodeRegistration: nodeRegistration(host, cluster, own.nodeRegistration),
    ...(host.role === "control-plane" ? asControlPlane : {}),
  };
  return yamlStream([mergeFields(own, managed)]);
}

function initConfiguration(cluster: HostsClusterConfig, topology: Topology): Fields {
  const own = cluster.kubeadm.initConfiguration;
  return mergeFields(own, {
    apiVersion: KUBEADM_API,
    kind: "InitConfiguration",
    // kubeadm always makes a token; nobody is given it, and init.sh removes it.
    bootstrapTokens: [{ ttl: "10m0s" }],
    localAPIEndpoint: apiEndpoint(topology.first, topology),
    nodeRegistration: nodeRegistration(topology.first, cluster, own.nodeRegistration),
  });
}

function clusterConfiguration(cluster: HostsClusterConfig, topology: Topology): Fields {
  const own = cluster.kubeadm.clusterConfiguration;
  const names = certificateNames(own, topology);
  return mergeFields(own, {
    apiVersion: KUBEADM_API,
    kind: "ClusterConfiguration",
    kubernetesVersion: `v${cluster.kubernetesVersion}`,
    networking: { podSubnet: cluster.podCidr, serviceSubnet: cluster.serviceCidr },
    ...(topology.endpoint === undefined ? {} : { controlPlaneEndpoint: topology.endpoint }),
    ...(names.length === 0 ? {} : { apiServer: { certSANs: names } }),
  });
}

/** Names of the API server beyond those that kubeadm knows: the address by which those outside reach it. */
function certificateNames(own: Fields, { first, endpoint }: Topology): string[] {
  const given = (own.apiServer as { certSANs?: string[] } | undefined)?.certSANs ?? [];
  const outside = endpoint === undefined && first.address !== addressOf(first) ? [first.address] : [];
  return [...given, ...outside.filter((name) => !given.includes(name))];
}

function apiEndpoint(host: HostConfig, { apiPort }: Topology): Fields {
  return { advertiseAddress: addressOf(host), bindPort: apiPort };
}

function nodeRegistration(host: HostConfig, cluster: HostsClusterConfig, own: unknown): Fields {
  const fields = (own ?? {}) as { kubeletExtraArgs?: { name: string; value: string }[] };
  return mergeFields(fields, {
    name: host.name,
    criSocket: CRI_SOCKET,
    // One after the other, a first start waits for the sum of all pulls.
    imagePullSerial: (fields as { imagePullSerial?: boolean }).imagePullSerial ?? false,
    ignorePreflightErrors: cluster.kubeadm.ignorePreflightErrors,
    // The kubelet would take the address of the default route's interface. The last one of a name counts.
    kubeletExtraArgs: [...(fields.kubeletExtraArgs ?? []), { name: "node-ip", value: addressOf(host) }],
  });
}

function yamlStream(documents: readonly Fields[]): string {
  return documents.map((document) => stringify(document, { sortMapEntries: true })).join("---\n");
}
