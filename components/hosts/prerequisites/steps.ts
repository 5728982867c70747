import * as pulumi from "@pulumi/pulumi";
import type { HostsClusterConfig } from "../../config/schema/hosts";
import type { HostConnection } from "../connection";
import { containerdPackage } from "../preflight/plan";
import { kubernetesPackages } from "../preflight/requests";
import type { RemoteStepArgs } from "../remoteStep";
import {
  aptProxy,
  containerd1,
  containerd2,
  pauseImage,
  proxyOf,
  registryHosts,
  serviceDropIn,
} from "./containerdConfig";

/** Swap, modules, kernel settings, limits; on delete the host is given free. */
export function systemStep(connection: HostConnection): RemoteStepArgs {
  return { connection, script: "system.sh", onDelete: true };
}

/** containerd and Kubernetes' packages. */
export function packagesStep(connection: HostConnection, cluster: HostsClusterConfig): RemoteStepArgs {
  const { containerd, mirrors, kubernetesVersion } = cluster;
  const repository = kubernetesPackages(cluster);
  const source = containerd.source === "distribution" ? undefined : containerd.source;
  return {
    connection,
    script: "packages.sh",
    libraries: ["apt.sh"],
    values: {
      KUBERNETES_VERSION: kubernetesVersion,
      KUBERNETES_REPOSITORY: repository,
      KUBERNETES_KEY: mirrors.apt.kubernetesKey ?? `${repository}/Release.key`,
      DEBIAN_MIRROR: mirrors.apt.debian ?? "",
      UBUNTU_MIRROR: mirrors.apt.ubuntu ?? "",
      CONTAINERD_PACKAGE: containerdPackage(cluster),
      CONTAINERD_VERSION: containerd.version ?? "",
      CONTAINERD_REPOSITORY: source?.repository ?? "",
      CONTAINERD_KEY: source?.key ?? "",
      CONTAINERD_SUITE: source?.suite ?? "",
      CONTAINERD_COMPONENT: source?.component ?? "",
    },
    files: { "apt.conf": secretIfProxied(cluster, aptProxy(proxyOf(cluster))) },
  };
}

/** containerd's configuration, its mirrors and its proxy. */
export function containerdStep(
  connection: HostConnection,
  cluster: HostsClusterConfig,
  imageVolumes: boolean,
): RemoteStepArgs {
  const { containerd, kubeadm, mirrors } = cluster;
  const { imageRepository } = kubeadm.clusterConfiguration;
  const image = pauseImage(
    cluster.kubernetesVersion,
    typeof imageRepository === "string" ? imageRepository : undefined,
  );
  const settings = { ...containerd, pauseImage: image };
  const registries = Object.entries(mirrors.images);
  return {
    connection,
    script: "containerd.sh",
    values: {
      PAUSE_IMAGE: image,
      REGISTRIES: registries.map(([registry]) => registry).join("\n"),
      IMAGE_VOLUMES: imageVolumes ? "yes" : "no",
    },
    files: {
      "containerd1.toml": containerd1(settings),
      "containerd2.toml": containerd2(settings),
      "service.conf": secretIfProxied(cluster, serviceDropIn(proxyOf(cluster))),
      ...Object.fromEntries(
        registries.map(([registry, mirror], index) => [`hosts-${index}.toml`, registryHosts(registry, mirror)]),
      ),
    },
  };
}

/** A proxy's address may hold a password. */
function secretIfProxied({ proxy }: HostsClusterConfig, text: string): pulumi.Input<string> {
  const addresses = [proxy?.http, proxy?.https].filter((address) => address !== undefined);
  return addresses.some((address) => new URL(address).password !== "") ? pulumi.secret(text) : text;
}

/** Settings of GPU hosts; undefined when the config asks for none. */
export function tuningStep(
  connection: HostConnection,
  { tuning }: HostsClusterConfig,
): (RemoteStepArgs & { readonly values: Record<string, string> }) | undefined {
  const { iommuPassthrough, numaBalancing, hugePages, blacklistNouveau, kernelParameters } = tuning;
  const asked = iommuPassthrough || numaBalancing === "off" || blacklistNouveau || kernelParameters.length > 0;
  if (!asked && hugePages === undefined) return undefined;
  const yesOrNo = (value: boolean): string => (value ? "yes" : "no");
  return {
    connection,
    script: "gpuTuning.sh",
    onDelete: true,
    values: {
      IOMMU_PASSTHROUGH: yesOrNo(iommuPassthrough),
      NUMA_BALANCING_OFF: yesOrNo(numaBalancing === "off"),
      BLACKLIST_NOUVEAU: yesOrNo(blacklistNouveau),
      HUGE_PAGE_SIZE: hugePages?.size ?? "",
      HUGE_PAGE_COUNT: (hugePages?.count ?? 0).toString(),
      KERNEL_PARAMETERS: kernelParameters.join(" "),
    },
  };
}
