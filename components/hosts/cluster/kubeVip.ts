import { isIPv6 } from "node:net";
import { stringify } from "yaml";
import type { HostsClusterConfig } from "../../config/schema/cluster";

/** Release of kube-vip that holds the virtual IP. */
const IMAGE = "ghcr.io/kube-vip/kube-vip:v1.2.4";

/** Stand in the manifest for what only the host knows; the scripts put the values in. */
export const INTERFACE_PLACEHOLDER = "@INTERFACE@";
export const KUBECONFIG_PLACEHOLDER = "@KUBECONFIG@";

/**
 * The static pod that holds the virtual IP on one control plane at a time, elected by a Lease and announced by ARP or
 * NDP. Empty where the config has no virtual IP.
 */
export function kubeVipManifest({ virtualIp }: HostsClusterConfig, apiPort: number): string {
  if (virtualIp === undefined) return "";
  const settings = {
    address: virtualIp.address,
    port: String(apiPort),
    vip_interface: virtualIp.interface ?? INTERFACE_PLACEHOLDER,
    vip_subnet: isIPv6(virtualIp.address) ? "128" : "32",
    vip_arp: "true",
    cp_enable: "true",
    cp_namespace: "kube-system",
    vip_leaderelection: "true",
    vip_leasename: "plndr-cp-lock",
  };
  return stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "kube-vip", namespace: "kube-system" },
    spec: {
      hostNetwork: true,
      priorityClassName: "system-node-critical",
      // The kubeconfig names the virtual IP, which is not there before this pod is.
      hostAliases: [{ ip: "127.0.0.1", hostnames: ["kubernetes"] }],
      containers: [
        {
          name: "kube-vip",
          image: IMAGE,
          imagePullPolicy: "IfNotPresent",
          args: ["manager"],
          env: [
            ...Object.entries(settings).map(([name, value]) => ({ name, value })),
            { name: "vip_nodename", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
          ],
          securityContext: { capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] } },
          volumeMounts: [{ name: "kubeconfig", mountPath: "/etc/kubernetes/admin.conf", readOnly: true }],
        },
      ],
      volumes: [{ name: "kubeconfig", hostPath: { path: KUBECONFIG_PLACEHOLDER, type: "File" } }],
    },
  });
}
