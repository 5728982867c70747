import { stringify } from "smol-toml";
import type { HostsClusterConfig } from "../../config/schema/hosts";
import { mergeFields, type Fields } from "../mergeFields";

export interface ContainerdSettings {
  /** Image of the container that holds each pod's namespaces. */
  readonly pauseImage: string;
  /** An image pull without progress for this long is given up, e.g. `30m`. */
  readonly pullProgressTimeout: string;
  /** The user's own tables; they win. */
  readonly config: Fields;
}

/** Marks files that a later step may remove again. */
export const generated = "# Written by inference-stack\n";

const imports = ["/etc/containerd/conf.d/*.toml"];
const registryDirectory = "/etc/containerd/certs.d";
const cniDirectory = "/opt/cni/bin";
const cniConfiguration = "/etc/cni/net.d";
const runc = { runtime_type: "io.containerd.runc.v2", options: { SystemdCgroup: true } };

/**
 * Configuration of containerd 1.x: a version 2 file. Keys that a release does not know are ignored by it, as
 * image_pull_progress_timeout is before 1.7 (containerd docs/cri/config.md).
 */
export function containerd1({ pauseImage, pullProgressTimeout, config }: ContainerdSettings): string {
  const base = {
    version: 2,
    imports,
    plugins: {
      "io.containerd.grpc.v1.cri": {
        sandbox_image: pauseImage,
        image_pull_progress_timeout: pullProgressTimeout,
        containerd: { runtimes: { runc } },
        cni: { bin_dir: cniDirectory, conf_dir: cniConfiguration },
        registry: { config_path: registryDirectory },
      },
    },
  };
  return generated + stringify(mergeFields(base, config));
}

/** Configuration of containerd 2.x: a version 3 file, which names the plugins anew (containerd docs/containerd-2.0.md). */
export function containerd2({ pauseImage, pullProgressTimeout, config }: ContainerdSettings): string {
  const base = {
    version: 3,
    imports,
    plugins: {
      "io.containerd.cri.v1.images": {
        image_pull_progress_timeout: pullProgressTimeout,
        pinned_images: { sandbox: pauseImage },
        registry: { config_path: registryDirectory },
      },
      "io.containerd.cri.v1.runtime": {
        containerd: { runtimes: { runc } },
        cni: { bin_dirs: [cniDirectory], conf_dir: cniConfiguration },
      },
    },
  };
  return generated + stringify(mergeFields(base, config));
}

/** Registries that are not found at their own name. */
const registryServers: Readonly<Record<string, string>> = { "docker.io": "https://registry-1.docker.io" };

/**
 * `hosts.toml` of a registry with a mirror. The registry itself is asked for what the mirror does not have. A mirror
 * whose address holds the API's `/v2` is taken as it stands, as Harbor's proxies need it (containerd docs/hosts.md).
 */
export function registryHosts(registry: string, mirror: string): string {
  const address = mirror.replace(/\/+$/, "");
  const override = /\/v2(\/|$)/.test(new URL(address).pathname);
  return (
    generated +
    stringify({
      server: registryServers[registry] ?? `https://${registry}`,
      host: { [address]: { capabilities: ["pull", "resolve"], ...(override && { override_path: true }) } },
    })
  );
}

/** Drop-in of containerd's unit: limits that RDMA and busy servers need, and the proxy. */
export function serviceDropIn(proxy: ProxySettings | undefined): string {
  // containerd 2's own unit no longer sets the number of files (containerd docs/containerd-2.0.md).
  const lines = ["[Service]", "LimitNOFILE=1048576", "LimitMEMLOCK=infinity"];
  const variables = proxy === undefined ? [] : Object.entries(proxyVariables(proxy));
  // systemd takes % for a specifier of its own.
  lines.push(...variables.map(([name, value]) => `Environment="${name}=${value.replaceAll("%", "%%")}"`));
  return `${generated}${lines.join("\n")}\n`;
}

export interface ProxySettings {
  readonly http?: string;
  readonly https?: string;
  /** What is reached directly. */
  readonly exceptions: readonly string[];
}

function proxyVariables({ http, https, exceptions }: ProxySettings): Record<string, string> {
  return {
    ...(http !== undefined && { HTTP_PROXY: http }),
    ...(https !== undefined && { HTTPS_PROXY: https }),
    NO_PROXY: exceptions.join(","),
  };
}

/** apt's configuration for the same proxy; empty without one. */
export function aptProxy(proxy: ProxySettings | undefined): string {
  if (proxy === undefined) return "";
  const lines = [
    ...(proxy.http === undefined ? [] : [`Acquire::http::Proxy "${proxy.http}";`]),
    ...(proxy.https === undefined ? [] : [`Acquire::https::Proxy "${proxy.https}";`]),
    // apt knows host names here, not networks.
    ...proxy.exceptions
      .filter((name) => !name.includes("/") && !name.startsWith("."))
      .flatMap((name) => [`Acquire::http::Proxy::${name} "DIRECT";`, `Acquire::https::Proxy::${name} "DIRECT";`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** The proxy that the config names, with the cluster's own addresses excepted. */
export function proxyOf(cluster: HostsClusterConfig): ProxySettings | undefined {
  const { proxy } = cluster;
  if (proxy?.http === undefined && proxy?.https === undefined) return undefined;
  const hosts = cluster.hosts.flatMap(({ address, nodeAddress }) => [address, ...(nodeAddress ? [nodeAddress] : [])]);
  const endpoint = cluster.controlPlaneEndpoint?.replace(/:\d+$/, "");
  const exceptions = [
    ...["localhost", "127.0.0.1", ".svc", ".cluster.local", cluster.podCidr, cluster.serviceCidr],
    ...hosts,
    ...[endpoint ?? [], cluster.virtualIp?.address ?? []].flat(),
    ...proxy.noProxy,
  ];
  return { http: proxy.http, https: proxy.https, exceptions: [...new Set(exceptions)] };
}

/** Versions of the pause image that kubeadm's releases ask for (kubernetes cmd/kubeadm/app/constants). */
const pauseVersions: Readonly<Record<number, string>> = {
  29: "3.9",
  30: "3.9",
  31: "3.10",
  32: "3.10",
  33: "3.10",
  34: "3.10.1",
  35: "3.10.1",
  36: "3.10.2",
};

/** The pause image of a Kubernetes version; of a release that is not known yet, that of the newest known. */
export function pauseImage(kubernetesVersion: string, repository = "registry.k8s.io"): string {
  const minor = Number(kubernetesVersion.split(".")[1]);
  const newest = Math.max(...Object.keys(pauseVersions).map(Number));
  return `${repository}/pause:${pauseVersions[minor] ?? pauseVersions[newest]}`;
}
