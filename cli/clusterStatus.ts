import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type V1Container,
  type V1Deployment,
  type V1Node,
  type V1ObjectMeta,
  type V1Pod,
  type V1PodTemplateSpec,
  type V1Service,
} from "@kubernetes/client-node";
import { gpuResourceName, type GpuVendor } from "../components/config/schema/common";

export interface NodeStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly product: string;
  readonly vendor: GpuVendor | "none";
  /** Whole GPUs that the scheduler may give away. */
  readonly gpus: number;
  readonly gpusUsed: number;
  readonly gpusFree: number;
}

export interface ModelStatus {
  readonly namespace: string;
  readonly name: string;
  readonly model: string;
  /** GPUs of one replica, on all its nodes. */
  readonly gpusPerReplica: number;
  readonly replicas: number;
  readonly readyReplicas: number;
  /** `http://address:port`, or undefined while there is none. */
  readonly url?: string;
  /** Why replicas are missing, in the scheduler's or kubelet's words; empty when all are ready. */
  readonly reasons: readonly string[];
}

export interface ClusterStatus {
  readonly nodes: readonly NodeStatus[];
  readonly models: readonly ModelStatus[];
}

/** Reads nodes, GPUs and models from the API server. */
export async function readStatus(kubeconfig: string): Promise<ClusterStatus> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const labelSelector = "app.kubernetes.io/name=vllm";
  const [nodes, pods, deployments, groups, services] = await Promise.all([
    core.listNode(),
    core.listPodForAllNamespaces(),
    config.makeApiClient(AppsV1Api).listDeploymentForAllNamespaces({ labelSelector }),
    listGroups(config.makeApiClient(CustomObjectsApi), labelSelector),
    core.listServiceForAllNamespaces({ labelSelector }),
  ]).catch((error: unknown) => {
    const reason = error instanceof Error ? (error.cause ?? error.message) : error;
    throw new Error(
      `The API server at ${config.getCurrentCluster()?.server} does not answer: ${String(reason)}\nStart it again with make up.`,
    );
  });
  return {
    nodes: nodes.items.map((node) => nodeStatus(node, pods.items)),
    models: [...deployments.items.map(ofDeployment), ...groups.map(ofGroup)].map((workload) =>
      modelStatus(workload, pods.items, services.items),
    ),
  };
}

/** What Deployments and LeaderWorkerSets say alike. */
interface Workload {
  readonly metadata?: V1ObjectMeta;
  /** The pods that serve and, where a replica spans several nodes, those beside them. */
  readonly templates: readonly (V1PodTemplateSpec | undefined)[];
  /** Pods of a replica for each of `templates`. */
  readonly pods: readonly number[];
  readonly replicas?: number;
  readonly readyReplicas?: number;
}

function ofDeployment({ metadata, spec, status }: V1Deployment): Workload {
  const { replicas, template } = spec ?? {};
  return { metadata, templates: [template], pods: [1], replicas, readyReplicas: status?.readyReplicas };
}

/** The fields of a LeaderWorkerSet (leaderworkerset.x-k8s.io/v1) that are read here. */
interface Group {
  readonly metadata?: V1ObjectMeta;
  readonly spec?: {
    readonly replicas?: number;
    readonly leaderWorkerTemplate?: {
      readonly size?: number;
      readonly leaderTemplate?: V1PodTemplateSpec;
      readonly workerTemplate?: V1PodTemplateSpec;
    };
  };
  readonly status?: { readonly readyReplicas?: number };
}

function ofGroup({ metadata, spec, status }: Group): Workload {
  const { size = 1, leaderTemplate, workerTemplate } = spec?.leaderWorkerTemplate ?? {};
  return {
    metadata,
    templates: [leaderTemplate ?? workerTemplate, workerTemplate],
    pods: [1, size - 1],
    replicas: spec?.replicas,
    readyReplicas: status?.readyReplicas,
  };
}

/** LeaderWorkerSets of models; none on a cluster that does not know the kind. */
async function listGroups(api: CustomObjectsApi, labelSelector: string): Promise<Group[]> {
  const kind = { group: "leaderworkerset.x-k8s.io", version: "v1", plural: "leaderworkersets" };
  try {
    return ((await api.listClusterCustomObject({ ...kind, labelSelector })) as { items: Group[] }).items;
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return [];
    throw error;
  }
}

function nodeStatus(node: V1Node, pods: readonly V1Pod[]): NodeStatus {
  const name = node.metadata?.name ?? "";
  const vendor = (Object.keys(gpuResourceName) as GpuVendor[]).find(
    (candidate) => Number(node.status?.allocatable?.[gpuResourceName[candidate]] ?? 0) > 0,
  );
  const gpus = vendor === undefined ? 0 : Number(node.status?.allocatable?.[gpuResourceName[vendor]]);
  const gpusUsed = pods.filter((pod) => pod.spec?.nodeName === name && !isFinished(pod)).reduce(addGpus, 0);
  return {
    name,
    ready: hasCondition(node.status?.conditions, "Ready"),
    product:
      node.metadata?.labels?.["amd.com/gpu.product-name"] ?? node.metadata?.labels?.["nvidia.com/gpu.product"] ?? "",
    vendor: vendor ?? "none",
    gpus,
    gpusUsed,
    gpusFree: gpus - gpusUsed,
  };
}

function isFinished(pod: V1Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

function addGpus(sum: number, pod: V1Pod): number {
  return sum + podGpus(pod.spec?.containers ?? []);
}

function podGpus(containers: NonNullable<V1Pod["spec"]>["containers"]): number {
  return containers
    .flatMap((container) => Object.values(gpuResourceName).map((name) => container.resources?.limits?.[name] ?? "0"))
    .reduce((sum, quantity) => sum + Number(quantity), 0);
}

function hasCondition(conditions: { type: string; status: string }[] | undefined, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
}

function modelStatus(workload: Workload, pods: readonly V1Pod[], services: readonly V1Service[]): ModelStatus {
  const { name = "", namespace = "" } = workload.metadata ?? {};
  const service = services.find((one) => one.metadata?.name === name && one.metadata.namespace === namespace);
  const [serving] = workload.templates;
  // The labels of the template are those that the workload selects its pods by.
  const selector = Object.entries(serving?.metadata?.labels ?? {});
  const own = pods.filter(
    (pod) =>
      pod.metadata?.namespace === namespace && selector.every(([key, value]) => pod.metadata?.labels?.[key] === value),
  );
  return {
    namespace,
    name,
    model: servedModel(serving?.spec?.containers[0]),
    gpusPerReplica: workload.templates.reduce(
      (sum, template, index) => sum + (workload.pods[index] ?? 0) * podGpus(template?.spec?.containers ?? []),
      0,
    ),
    replicas: workload.replicas ?? 0,
    readyReplicas: workload.readyReplicas ?? 0,
    url: serviceUrl(service),
    reasons: [...new Set(own.flatMap(podReasons))],
  };
}

/** The name that clients call a model by: `vllm serve <model> …`, or what `--served-model-name` says. */
function servedModel(container: V1Container | undefined): string {
  const args = container?.args ?? [];
  const named = args.indexOf("--served-model-name");
  return (named < 0 ? args[0] : args[named + 1]) ?? "";
}

export function serviceUrl(service: V1Service | undefined): string | undefined {
  const port = service?.spec?.ports?.[0]?.port;
  const ingress = service?.status?.loadBalancer?.ingress?.[0];
  const host = ingress?.ip ?? ingress?.hostname;
  if (service?.spec?.type === "LoadBalancer") {
    return host === undefined ? undefined : `http://${host}:${port}`;
  }
  return service === undefined
    ? undefined
    : `http://${service.metadata?.name}.${service.metadata?.namespace}.svc:${port}`;
}

export function podReasons(pod: V1Pod): string[] {
  const unscheduled = pod.status?.conditions?.find((one) => one.type === "PodScheduled" && one.status === "False");
  const waiting = (pod.status?.containerStatuses ?? []).flatMap((status) => {
    const state = status.state?.waiting;
    return state?.reason === undefined ? [] : [[state.reason, state.message].filter(Boolean).join(": ")];
  });
  return [...(unscheduled?.message === undefined ? [] : [unscheduled.message]), ...waiting];
}
