import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  SchedulingV1Api,
  type V1Deployment,
  type V1Node,
  type V1PersistentVolumeClaim,
  type V1Pod,
  type V1ReplicaSet,
  type V1StatefulSet,
} from "@kubernetes/client-node";
import { podGpus } from "./gpus";
import { groupKind, groupOf, type LeaderWorkerSet } from "./groups";
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
  private readonly custom: CustomObjectsApi;
  private readonly scheduling: SchedulingV1Api;

  constructor(kubeconfig: string) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    this.core = config.makeApiClient(CoreV1Api);
    this.apps = config.makeApiClient(AppsV1Api);
    this.custom = config.makeApiClient(CustomObjectsApi);
    this.scheduling = config.makeApiClient(SchedulingV1Api);
  }

  async snapshot(): Promise<Snapshot> {
    const [nodes, pods, replicaSets] = await Promise.all([
      this.core.listNode(),
      this.core.listPodForAllNamespaces(),
      this.apps.listReplicaSetForAllNamespaces(),
    ]);
    return { nodes: nodes.items, pods: pods.items.filter(isActive), replicaSets: replicaSets.items };
  }

  /** What keeps pods, with the replicas that it is to have: Deployments, StatefulSets and groups of several nodes. */
  async workloads(): Promise<Workload[]> {
    const sets = (await this.apps.listReplicaSetForAllNamespaces()).items;
    const lists = [
      { kind: "Deployment", items: (await this.apps.listDeploymentForAllNamespaces()).items },
      { kind: "StatefulSet", items: (await this.apps.listStatefulSetForAllNamespaces()).items },
      { kind: "ReplicaSet", items: sets.filter((set) => groupOf(set) !== undefined) },
    ] as const;
    return lists.flatMap(({ kind, items }) =>
      (items as (V1Deployment | V1StatefulSet | V1ReplicaSet)[]).map((item) => ({
        kind,
        namespace: item.metadata?.namespace ?? "",
        name: item.metadata?.name ?? "",
        replicas: item.spec?.replicas ?? 1,
        gpus: Object.values(podGpus({ spec: item.spec?.template?.spec })).reduce((total, count) => total + count, 0),
        group: groupOf(item),
      })),
    );
  }

  /** What the program made that makes pods: kind, namespace and name. */
  async madeWorkloads(): Promise<Set<string>> {
    const lists = {
      Deployment: (await this.apps.listDeploymentForAllNamespaces()).items,
      StatefulSet: (await this.apps.listStatefulSetForAllNamespaces()).items,
      DaemonSet: (await this.apps.listDaemonSetForAllNamespaces()).items,
      LeaderWorkerSet: await this.leaderWorkerSets(),
    };
    const named = Object.entries(lists).flatMap(([kind, items]) =>
      items.map(({ metadata }) => `${kind}/${metadata?.namespace}/${metadata?.name}`),
    );
    return new Set(named);
  }

  async scale({ kind, namespace, name }: Workload, replicas: number): Promise<void> {
    const request = { namespace, name, body: [{ op: "replace", path: "/spec/replicas", value: replicas }] };
    switch (kind) {
      case "Deployment":
        return void (await this.apps.patchNamespacedDeployment(request));
      case "StatefulSet":
        return void (await this.apps.patchNamespacedStatefulSet(request));
      case "ReplicaSet":
        return void (await this.apps.patchNamespacedReplicaSet(request));
    }
  }

  /** The LeaderWorkerSets; none on a cluster that does not know the kind. */
  async leaderWorkerSets(): Promise<LeaderWorkerSet[]> {
    const list = (await ignore(404, this.custom.listClusterCustomObject(groupKind))) as
      { items: LeaderWorkerSet[] } | undefined;
    return list?.items ?? [];
  }

  /** Says of every LeaderWorkerSet that it is available, as the controller would, which does not run here. */
  async reportGroups(): Promise<void> {
    // The API server says so while the kind is new to it; the next look finds it.
    const known = (await ignore(429, this.leaderWorkerSets())) ?? [];
    for (const { metadata, status } of known) {
      if (status?.conditions === undefined) {
        const { name = "", namespace = "" } = metadata ?? {};
        const lastTransitionTime = new Date().toISOString();
        const condition = { type: "Available", status: "True", reason: "Simulated", message: "", lastTransitionTime };
        const body = [{ op: "add", path: "/status", value: { conditions: [condition] } }];
        await this.custom.patchNamespacedCustomObjectStatus({ ...groupKind, namespace, name, body });
      }
    }
  }

  /** Makes a namespace whose pods need not wait for its ServiceAccount. */
  async createNamespace(name: string): Promise<void> {
    await this.core.createNamespace({ body: { metadata: { name } } });
    const account = { namespace: name, body: { metadata: { name: "default" } } };
    await ignore(409, this.core.createNamespacedServiceAccount(account));
  }

  async createPriorityClass(name: string, value: number): Promise<void> {
    await this.scheduling.createPriorityClass({ body: { metadata: { name }, value } });
  }

  /** Makes those pods that are not there. */
  async createPods(pods: readonly V1Pod[]): Promise<void> {
    for (const body of pods) {
      const namespace = body.metadata?.namespace ?? "";
      await ignore(409, this.core.createNamespacedPod({ namespace, body }));
    }
  }

  async createReplicaSets(sets: readonly V1ReplicaSet[]): Promise<void> {
    for (const body of sets) {
      await this.apps.createNamespacedReplicaSet({ namespace: body.metadata?.namespace ?? "", body });
    }
  }

  /** Lets pods that these ReplicaSets make from now on go wherever the scheduler puts them. */
  async freeTemplates(sets: readonly V1ReplicaSet[]): Promise<void> {
    for (const { metadata } of sets) {
      const { name = "", namespace = "" } = metadata ?? {};
      const body = [{ op: "remove", path: "/spec/template/spec/nodeName" }];
      await this.apps.patchNamespacedReplicaSet({ name, namespace, body });
    }
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
      await ignore(404, this.core.deleteNamespacedPod({ ...pod, gracePeriodSeconds: 0 }));
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
   *
   * @returns whether every claim is bound
   */
  async provisionVolumes(): Promise<boolean> {
    const claims = (await this.core.listPersistentVolumeClaimForAllNamespaces()).items;
    const volumes = new Set((await this.core.listPersistentVolume()).items.map(({ metadata }) => metadata?.name));
    for (const claim of claims) {
      const name = `simulated-${claim.metadata?.uid}`;
      if (claim.status?.phase === "Pending" && claim.spec?.volumeName === undefined && !volumes.has(name)) {
        await this.core.createPersistentVolume({ body: volumeFor(claim, name) });
      }
    }
    return claims.every(({ status }) => status?.phase === "Bound");
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

/** Resolves to undefined where the API server answers with this code. */
async function ignore<T>(expected: number, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if ((error as { code?: number }).code !== expected) {
      throw error;
    }
    return undefined;
  }
}
