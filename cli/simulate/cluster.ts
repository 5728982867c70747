import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  type V1Deployment,
  type V1Node,
  type V1PersistentVolumeClaim,
  type V1Pod,
  type V1ReplicaSet,
  type V1StatefulSet,
} from "@kubernetes/client-node";
import { podGpus } from "./gpus";
import type { Workload } from "./orders";

/** What decides about placement, as the API server has it at one moment. */
export interface Snapshot {
  readonly nodes: readonly V1Node[];
  /** Pods that run or are to run; ended and deleted ones are left out. */
  readonly pods: readonly V1Pod[];
  readonly replicaSets: readonly V1ReplicaSet[];
}

/** The API of the simulated cluster, as far as a simulation needs it. */
export class SimulatedCluster {
  private readonly core: CoreV1Api;
  private readonly apps: AppsV1Api;

  constructor(kubeconfig: string) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    this.core = config.makeApiClient(CoreV1Api);
    this.apps = config.makeApiClient(AppsV1Api);
  }

  async snapshot(): Promise<Snapshot> {
    const [nodes, pods, replicaSets] = await Promise.all([
      this.core.listNode(),
      this.core.listPodForAllNamespaces(),
      this.apps.listReplicaSetForAllNamespaces(),
    ]);
    return { nodes: nodes.items, pods: pods.items.filter(isActive), replicaSets: replicaSets.items };
  }

  /** The Deployments and StatefulSets, with the replicas that they are to have. */
  async workloads(): Promise<Workload[]> {
    const lists = [
      { kind: "Deployment", items: (await this.apps.listDeploymentForAllNamespaces()).items },
      { kind: "StatefulSet", items: (await this.apps.listStatefulSetForAllNamespaces()).items },
    ] as const;
    return lists.flatMap(({ kind, items }) =>
      (items as (V1Deployment | V1StatefulSet)[]).map(({ metadata, spec }) => ({
        kind,
        namespace: metadata?.namespace ?? "",
        name: metadata?.name ?? "",
        replicas: spec?.replicas ?? 1,
        gpus: Object.values(podGpus({ spec: spec?.template.spec })).reduce((total, count) => total + count, 0),
      })),
    );
  }

  async scale({ kind, namespace, name }: Workload, replicas: number): Promise<void> {
    const request = { namespace, name, body: [{ op: "replace", path: "/spec/replicas", value: replicas }] };
    await (kind === "Deployment"
      ? this.apps.patchNamespacedDeployment(request)
      : this.apps.patchNamespacedStatefulSet(request));
  }

  /** Every pod that has not ended, those included that are being deleted and still hold their place. */
  async presentPods(): Promise<V1Pod[]> {
    const { items } = await this.core.listPodForAllNamespaces();
    return items.filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed");
  }

  /** Cordons a node, or takes the cordon off. */
  async setUnschedulable(name: string, unschedulable: boolean): Promise<void> {
    await this.core.patchNode({ name, body: [{ op: "add", path: "/spec/unschedulable", value: unschedulable }] });
  }

  /** Removes pods at once, as on a machine that is gone; whoever owns them makes new ones. */
  async removePods(pods: readonly V1Pod[]): Promise<void> {
    for (const { metadata } of pods) {
      const pod = { name: metadata?.name ?? "", namespace: metadata?.namespace ?? "" };
      await ignoreMissing(this.core.deleteNamespacedPod({ ...pod, gracePeriodSeconds: 0 }));
    }
  }

  /** Puts a pod that waits onto a node, as the scheduler would, but whatever it would say. */
  async bind(pod: V1Pod, node: string): Promise<void> {
    const { name = "", namespace = "" } = pod.metadata ?? {};
    const target = { apiVersion: "v1", kind: "Node", name: node };
    await this.core.createNamespacedPodBinding({ name, namespace, body: { metadata: { name }, target } });
  }

  /**
   * Gives every claim that waits for a provisioner a volume: the storage of the real cluster would, and no pod is to
   * stay Pending because the simulated one has none.
   */
  async provisionVolumes(): Promise<void> {
    const claims = (await this.core.listPersistentVolumeClaimForAllNamespaces()).items;
    const volumes = new Set((await this.core.listPersistentVolume()).items.map(({ metadata }) => metadata?.name));
    for (const claim of claims) {
      const name = `simulated-${claim.metadata?.uid}`;
      if (claim.status?.phase === "Pending" && claim.spec?.volumeName === undefined && !volumes.has(name)) {
        await this.core.createPersistentVolume({ body: volumeFor(claim, name) });
      }
    }
  }
}

function volumeFor({ metadata, spec }: V1PersistentVolumeClaim, name: string) {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: spec?.resources?.requests?.["storage"] ?? "1Gi" },
      accessModes: spec?.accessModes ?? ["ReadWriteOnce"],
      storageClassName: spec?.storageClassName,
      persistentVolumeReclaimPolicy: "Retain",
      claimRef: { kind: "PersistentVolumeClaim", namespace: metadata?.namespace, name: metadata?.name },
      hostPath: { path: "/simulated" },
    },
  };
}

function isActive({ metadata, status }: V1Pod): boolean {
  return metadata?.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

async function ignoreMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if ((error as { code?: number }).code !== 404) {
      throw error;
    }
  }
}
