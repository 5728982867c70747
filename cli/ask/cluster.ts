import net, { type AddressInfo } from "node:net";
import { CoreV1Api, KubeConfig, PortForward, type V1Pod, type V1Service } from "@kubernetes/client-node";
import { podReasons, serviceUrl } from "../clusterStatus";

/** A model on a cluster, and the pods that may serve it. */
export interface FoundModel {
  readonly namespace: string;
  readonly name: string;
  /** Of the Service, when it has an address that may be reached from outside. */
  readonly url: string | undefined;
  readonly pods: readonly V1Pod[];
}

/**
 * Finds a model by `name` or `namespace/name`.
 *
 * @throws Error that lists the known ones when there is none, or more than one of that name
 */
export async function findModel(config: KubeConfig, wanted: string): Promise<FoundModel> {
  const core = config.makeApiClient(CoreV1Api);
  const { items } = await core.listServiceForAllNamespaces({ labelSelector: "app.kubernetes.io/name=vllm" });
  const service = pick(items, wanted);
  const { name = "", namespace = "" } = service.metadata ?? {};
  const labelSelector = Object.entries(service.spec?.selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const pods = await core.listNamespacedPod({ namespace, labelSelector });
  const url = service.spec?.type === "LoadBalancer" ? serviceUrl(service) : undefined;
  return { namespace, name, url, pods: pods.items };
}

function pick(services: readonly V1Service[], wanted: string): V1Service {
  const key = ({ metadata }: V1Service): string => `${metadata?.namespace}/${metadata?.name}`;
  const found = services.filter((service) => key(service) === wanted || service.metadata?.name === wanted);
  const [service] = found;
  if (service === undefined) {
    const known = services.map(key).sort().join(", ");
    throw new Error(
      `There is no model ${wanted} on the cluster. ${known === "" ? "It has none." : `It has: ${known}.`}`,
    );
  }
  if (found.length > 1) {
    throw new Error(
      `Several models are called ${wanted}: ${found.map(key).sort().join(", ")}. Name one with its namespace.`,
    );
  }
  return service;
}

/** @throws Error that says why, when no pod of the model is ready */
export function readyPod({ name, pods }: FoundModel): V1Pod {
  const ready = pods.find(
    ({ metadata, status }) =>
      metadata?.deletionTimestamp === undefined &&
      status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True"),
  );
  if (ready !== undefined) return ready;
  const reasons = [...new Set(pods.flatMap(podReasons))];
  const why = pods.length === 0 ? "it has no pod" : reasons.join("; ") || "its pods are still starting";
  throw new Error(`The model ${name} is not ready: ${why}. Next: wait, or look at kubectl describe pod.`);
}

/** Whether something takes connections at a URL's address within some seconds. */
export function isReachable(url: string, timeoutMs = 3000): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = net.connect({ host: hostname, port: Number(port || 80), timeout: timeoutMs });
    const end = (reachable: boolean) => {
      socket.destroy();
      resolve(reachable);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}

/** A local address whose connections the API server takes to a pod. */
export interface Tunnel {
  readonly url: string;
  close(): Promise<void>;
}

/** Opens a tunnel to the port on which a model's pod serves. */
export async function openTunnel(config: KubeConfig, pod: V1Pod): Promise<Tunnel> {
  const forward = new PortForward(config, true);
  const { name = "", namespace = "" } = pod.metadata ?? {};
  const port = pod.spec?.containers.flatMap(({ ports }) => ports ?? [])[0]?.containerPort ?? 8000;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    forward.portForward(namespace, name, [port], socket, null, socket).catch((error: unknown) => {
      console.error(`The API server does not forward to pod ${name}: ${String(error)}`);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      sockets.forEach((socket) => socket.destroy());
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
