import path from "node:path";
import { suite } from "../aptSources";
import type { Binaries } from "./binaries";
import { containerdPackage } from "./containerdPackage";
import { architecture, ownFile, type PackageSpec } from "./debianPackage";
import { kubernetesReleases, minorOf, releases } from "./releases";
import type { RepositorySpec } from "./repositories";

/** The Kubernetes community's repositories, a flat one a minor version. */
export function kubernetesRepositories(binaries: Binaries): readonly RepositorySpec[] {
  const kubernetes = packagesOf(binaries);
  const others = otherPackages(binaries);
  const minors = [...new Set(kubernetes.map(({ version }) => minorOf(version)))];
  return minors.map((minor) => ({
    root: `v${minor}`,
    index: "Packages",
    pool: architecture,
    packages: [...kubernetes.filter(({ version }) => minorOf(version) === minor), ...others],
  }));
}

/** Docker's repository: a suite a release of the distribution, in directories that are named as its own. */
export function dockerRepositories(containerd: string): readonly RepositorySpec[] {
  return [suite].map((name) => ({
    root: ".",
    index: `dists/${name}/stable/binary-${architecture}/Packages`,
    pool: `dists/${name}/pool/stable/${architecture}`,
    packages: [containerdPackage(containerd, name)],
  }));
}

/**
 * kubelet, kubeadm and kubectl in every release, with the names, relations and paths of the Kubernetes community's
 * repository. Source: kubernetes/release, cmd/krel/templates/latest.
 */
export const packagesOf = (binaries: Binaries): readonly PackageSpec[] =>
  kubernetesReleases.flatMap((release) => kubernetesPackages(release, binaries));

function kubernetesPackages(version: string, { kubernetes }: Binaries): PackageSpec[] {
  const program = (name: string): PackageSpec["files"] => ({
    [`/usr/bin/${name}`]: { source: path.join(kubernetes[version]!, name), mode: 0o755 },
  });
  const units = "/usr/lib/systemd/system";
  return [
    {
      name: "kubelet",
      version,
      description: "Node agent for Kubernetes clusters",
      relations: { Depends: "kubernetes-cni (>= 1.2.0), mount, util-linux", Recommends: "iptables (>= 1.8.4)" },
      files: {
        ...program("kubelet"),
        [`${units}/kubelet.service`]: ownFile("kubelet.service"),
        "/etc/default/kubelet": ownFile("kubelet.env"),
        "/etc/kubernetes/manifests/.kubelet-keep": ownFile("empty"),
        "/var/lib/kubelet/.kubelet-keep": ownFile("empty"),
      },
      scripts: ["postinst", "prerm", "postrm"],
      conffiles: ["/etc/default/kubelet"],
    },
    {
      name: "kubeadm",
      version,
      description: "Command-line utility for administering a Kubernetes cluster",
      files: { ...program("kubeadm"), [`${units}/kubelet.service.d/10-kubeadm.conf`]: ownFile("10-kubeadm.conf") },
    },
    {
      name: "kubectl",
      version,
      description: "Command-line utility for interacting with a Kubernetes cluster",
      files: program("kubectl"),
    },
  ];
}

/** What every minor version's repository has beside them. */
export function otherPackages({ cniPlugins, crictl }: Binaries): PackageSpec[] {
  const plugins = Object.fromEntries(
    ["bridge", "host-local", "loopback", "portmap"].map((name) => [
      `/opt/cni/bin/${name}`,
      { source: path.join(cniPlugins, name), mode: 0o755 },
    ]),
  ) as PackageSpec["files"];
  return [
    {
      name: "kubernetes-cni",
      version: releases.cniPlugins,
      description: "Binaries required to provision kubernetes container networking",
      files: {
        ...plugins,
        "/etc/cni/net.d/.kubernetes-cni-keep": ownFile("empty"),
      },
    },
    {
      name: "cri-tools",
      version: releases.criTools,
      description: "Command-line utility for interacting with a container runtime",
      files: { "/usr/bin/crictl": { source: path.join(crictl, "crictl"), mode: 0o755 } },
    },
  ];
}
