import { stringify } from "yaml";
import type { HostsClusterConfig } from "../../../components/config/schema/cluster";
import { withoutMarks } from "../kubectlObjects";
import type { KubernetesInputs } from "../pulumiStack";

/** What the script applies by kubectl, and the network of the lab whose addresses are in it. */
export interface ModelObjects {
  readonly subnet: string;
  readonly objects: readonly KubernetesInputs[];
}

/** A resource of the engine's exported state. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly inputs?: KubernetesInputs;
}

/** The config for `kubeadm init` that somebody would write for these hosts: the same settings as the stack's. */
export function plainKubeadmConfig(cluster: HostsClusterConfig): string {
  const { kubernetesVersion, podCidr, serviceCidr, kubelet, kubeProxy, kubeadm } = cluster;
  const api = "kubeadm.k8s.io/v1beta4";
  const { ignorePreflightErrors } = kubeadm;
  return [
    { apiVersion: api, kind: "InitConfiguration", nodeRegistration: { ignorePreflightErrors } },
    {
      apiVersion: api,
      kind: "ClusterConfiguration",
      kubernetesVersion: `v${kubernetesVersion}`,
      networking: { podSubnet: podCidr, serviceSubnet: serviceCidr },
    },
    { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration", ...kubelet },
    { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration", ...kubeProxy },
  ]
    .map((document) => stringify(document))
    .join("---\n");
}

/**
 * The stack's objects as it handed them to the API server, in the order in which they depend on each other; without
 * charts and their namespaces, which the script installs by Helm.
 */
export function modelObjects(resources: readonly StateResource[]): KubernetesInputs[] {
  return resources
    .filter(({ type }) => type.startsWith("kubernetes:") && type !== "kubernetes:helm.sh/v3:Release")
    .filter(({ urn, type }) => !(type === "kubernetes:core/v1:Namespace" && urn.includes(":addons:Addons$")))
    .map(({ inputs }) => withoutMarks(inputs ?? {}));
}

/** As one list for kubectl, with the addresses of another lab's network. */
export function objectList({ subnet, objects }: ModelObjects, ofLab: string): string {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  return list.replaceAll(prefixOf(subnet), prefixOf(ofLab));
}

/** `10.123.4.` of `10.123.4.0/24`. */
const prefixOf = (subnet: string): string => subnet.replace(/[^.]*$/, "");
