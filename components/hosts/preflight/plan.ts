import { nodeAddress } from "../../config/nodes";
import type { HostConfig, HostsClusterConfig } from "../../config/schema/hosts";
import { parseQuantity } from "../../capacity/quantity";
import type { GpuConfig, StorageConfig } from "../../config/schema/platform";

/** A host as preflight sees it. */
export type PlannedHost = Pick<
  HostConfig,
  "name" | "address" | "port" | "user" | "role" | "gpus" | "vendor" | "product" | "nodeAddress" | "hostKey"
>;

/** What the hosts are to become: all that preflight measures them by. Nothing in it is secret. */
export interface PreflightPlan {
  readonly hosts: readonly PlannedHost[];
  readonly kubernetesVersion: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly virtualIp?: string;
  readonly proxy?: HostsClusterConfig["proxy"];
  readonly mirrors: HostsClusterConfig["mirrors"];
  /** Whether containerd comes from the distribution. */
  readonly distributionContainerd: boolean;
  /** The package of containerd, and its version where the config says it. */
  readonly containerd: { readonly package: string; readonly version?: string };
  /** Whether some model's weights come from an image, which the runtime has to mount. */
  readonly imageVolumes: boolean;
  /** `failCgroupV1` of the kubelet's configuration; true by default. */
  readonly failCgroupV1: boolean;
  /** Mode of kube-proxy. */
  readonly proxyMode?: string;
  readonly tuning: HostsClusterConfig["tuning"];
  readonly gpu: Pick<GpuConfig, "vendor" | "amd" | "nvidia">;
  /** Directory on the GPU hosts that holds model weights, and the bytes that it is to hold. */
  readonly modelStorage?: ModelStorage;
  /** Ids of findings that do not fail. */
  readonly accept: readonly string[];
  /**
   * Identity of the stack's cluster: a host that carries it is a member, and not measured as a bare one. When absent,
   * any identity counts as long as all hosts that have one agree.
   */
  readonly clusterId?: string;
}

export interface ModelStorage {
  readonly path: string;
  readonly bytes: number;
}

/** The plan that the config holds. */
export function planOf(
  cluster: HostsClusterConfig,
  gpu: GpuConfig,
  more: Partial<Pick<PreflightPlan, "modelStorage" | "clusterId" | "imageVolumes">> = {},
): PreflightPlan {
  return {
    hosts: cluster.hosts.map(({ name, address, port, user, role, gpus, vendor, product, hostKey, ...host }) => ({
      ...{ name, address, port, user, role, gpus, vendor, product, hostKey },
      nodeAddress: nodeAddress({ address, ...host } as HostConfig),
    })),
    kubernetesVersion: cluster.kubernetesVersion,
    podCidr: cluster.podCidr,
    serviceCidr: cluster.serviceCidr,
    virtualIp: cluster.virtualIp?.address,
    proxy: cluster.proxy,
    mirrors: cluster.mirrors,
    distributionContainerd: cluster.containerd.source === "distribution",
    containerd: { package: containerdPackage(cluster), version: cluster.containerd.version },
    imageVolumes: false,
    failCgroupV1: cluster.kubelet.failCgroupV1 !== false,
    proxyMode: typeof cluster.kubeProxy.mode === "string" ? cluster.kubeProxy.mode : undefined,
    tuning: cluster.tuning,
    gpu: { vendor: gpu.vendor, amd: gpu.amd, nvidia: gpu.nvidia },
    accept: cluster.preflight.accept,
    ...more,
  };
}

/** The name of containerd's package, where it comes from. */
export function containerdPackage({ containerd: { source } }: Pick<HostsClusterConfig, "containerd">): string {
  return source === "distribution" ? "containerd" : source.package;
}

/** What the stack's model storage asks of the GPU hosts: nothing, where it is not on them. */
export function modelStorageOf(storage: StorageConfig): ModelStorage | undefined {
  return storage.type === "local" ? { path: storage.path, bytes: parseQuantity(storage.size) } : undefined;
}

/** Vendor of a host's GPUs; undefined for a host without any. */
export function gpuVendorOf(plan: PreflightPlan, host: PlannedHost): "amd" | "nvidia" | undefined {
  if (host.gpus === 0) return undefined;
  if (host.vendor !== undefined) return host.vendor;
  return plan.gpu.vendor === "nvidia" ? "nvidia" : "amd";
}
