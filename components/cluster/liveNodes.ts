import type { CoreV1Api, V1Node } from "@kubernetes/client-node";
import { gpuResourceName } from "../config/schema/common";
import type { Kubeconfig } from "./kubeconfig";
import { parseQuantity } from "../capacity/quantity";
import type { ClusterNode } from "./node";
import { describe, PREFLIGHT_TIMEOUT_MS, unreachable, UnreachableError } from "./preflight";

/** What is asked of a cluster that exists before anything is put on it. */
export interface LiveCluster {
  readonly nodes: readonly ClusterNode[];
  readonly identifier: string;
}

/**
 * Reads the nodes and the identity of a live cluster. Rejects with an UnreachableError that names the server, the
 * context and what to check, within the preflight time-out a request.
 *
 * @param identifier defaults to the UID of namespace kube-system, which survives every change of the kubeconfig
 */
export async function readLiveCluster(kubeconfig: Kubeconfig, identifier?: string): Promise<LiveCluster> {
  const api = await connect(kubeconfig);
  const request = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      const reason = `${describe(error)}, when asked for ${what}`;
      throw new UnreachableError(unreachable(kubeconfig, reason, nextStep(kubeconfig)));
    }
  };
  const { items } = await request("its nodes", () => api.listNode());
  const uid = async () => {
    const namespace = await request("namespace kube-system (or set cluster.identifier)", () =>
      api.readNamespace({ name: "kube-system" }),
    );
    return namespace.metadata?.uid ?? "";
  };
  return { nodes: items.map(toClusterNode), identifier: identifier ?? (await uid()) };
}

/** The client is large, so only stacks that need it load it. */
async function connect({ contents, server }: Kubeconfig): Promise<CoreV1Api> {
  const client = await import("@kubernetes/client-node");
  const config = new client.KubeConfig();
  config.loadFromString(contents);
  const timeout = {
    pre: (context: InstanceType<typeof client.RequestContext>) => {
      context.setSignal(AbortSignal.timeout(PREFLIGHT_TIMEOUT_MS));
      return Promise.resolve(context);
    },
    post: (context: InstanceType<typeof client.ResponseContext>) => Promise.resolve(context),
  };
  return new client.CoreV1Api(
    client.createConfiguration({
      baseServer: new client.ServerConfiguration(server.replace(/\/+$/, ""), {}),
      authMethods: { default: config },
      promiseMiddleware: [timeout],
    }),
  );
}

function nextStep({ server, context }: Kubeconfig): string {
  return (
    `Check that the server runs, that this machine can reach ${new URL(server).host} (VPN, firewall, proxy), and that ` +
    `the credentials are valid: kubectl --context ${context} get nodes. For another cluster set cluster.path or cluster.context`
  );
}

/** What the API server reports about a node. Throws when it has no InternalIP. */
export function toClusterNode(node: V1Node): ClusterNode {
  const name = node.metadata?.name ?? "";
  const addresses = (node.status?.addresses ?? []).filter(({ type }) => type === "InternalIP");
  // On dual-stack clusters the address pool is worked out in IPv4.
  const address = addresses.find((candidate) => !candidate.address.includes(":")) ?? addresses[0];
  if (address === undefined) {
    throw new UnreachableError(
      `node ${name} reports no InternalIP; its kubelet or cloud controller has not set it yet`,
    );
  }
  const allocatable = node.status?.allocatable ?? {};
  const labels = node.metadata?.labels ?? {};
  return {
    name,
    address: address.address,
    gpus: {
      amd: Number(allocatable[gpuResourceName.amd] ?? 0),
      nvidia: Number(allocatable[gpuResourceName.nvidia] ?? 0),
    },
    product: labels["amd.com/gpu.product-name"] ?? labels["nvidia.com/gpu.product"],
    labels,
    cpus: parseQuantity(allocatable.cpu ?? "0"),
    memory: parseQuantity(allocatable.memory ?? "0"),
  };
}
