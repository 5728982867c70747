import { versions } from "../../../../sim/toolchain";

/**
 * Releases of Kubernetes that the lab's repositories offer, oldest first. All are compiled from the source of the last
 * one: they differ in the version that every component reports, which is what an upgrade looks at.
 */
export const kubernetesReleases: readonly string[] = [
  previousPatch(versions.tools.kubernetes.version),
  versions.tools.kubernetes.version,
];

/** Releases beside Kubernetes, as go.mod of the lab's Go module pins them and as packages and images are named. */
export const releases = {
  agnhost: "2.63.0",
  cniPlugins: "1.9.1",
  containerd: "2.4.2",
  coredns: "1.14.2",
  criTools: "1.36.0",
  etcd: versions.tools.etcd.version,
  flannel: "0.28.4",
  flannelCniPlugin: "1.9.1-flannel1",
  /** The release whose place our stand-in takes, see components/hosts/cluster/kubeVip.ts. */
  kubeVip: "1.2.4",
  metallb: "0.16.1",
} as const;

/** Revision of every package, as the Kubernetes community's repository counts it. */
export const packageRevision = "1.1";

export const minorOf = (version: string): string => version.split(".").slice(0, 2).join(".");

function previousPatch(version: string): string {
  const [major, minor, patch] = version.split(".").map(Number);
  return `${major}.${minor}.${(patch ?? 1) - 1}`;
}

/** `cluster.containerd.source` of hosts that shall run containerd 2. */
export const containerd2Source = {
  repository: "https://download.docker.com/linux/debian",
  key: "https://download.docker.com/linux/debian/gpg",
} as const;
