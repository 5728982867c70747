/** What differs between the pods of a list. */
export interface PodOptions {
  readonly node?: string;
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly labels?: Record<string, string>;
  readonly gpus?: number;
  readonly cpu?: string;
  readonly phase?: string;
  readonly priority?: number;
  readonly more?: object;
}

/** An item of `kubectl get pods -A -o json`, with the parts that nobody asks for. */
export function listedPod(namespace: string, name: string, options: PodOptions = {}): object {
  const { node, owner, labels = {}, gpus = 0, cpu = "1", phase = "Running", priority, more = {} } = options;
  const amount = { cpu, ...(gpus > 0 ? { "amd.com/gpu": String(gpus) } : {}) };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      uid: `uid-of-${name}`,
      labels,
      ...(owner === undefined ? {} : { ownerReferences: [{ ...owner, apiVersion: "v1", uid: "u", controller: true }] }),
    },
    spec: {
      ...(node === undefined ? {} : { nodeName: node }),
      containers: [
        {
          name: "main",
          image: "registry.example/app:1",
          volumeMounts: [{ name: "data", mountPath: "/data" }],
          resources: { requests: amount, limits: amount },
        },
      ],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
      serviceAccountName: "app",
      ...(priority === undefined ? {} : { priority, priorityClassName: "of-the-real-cluster" }),
      ...more,
    },
    status: { phase },
  };
}

/** The owner and the label of a pod of a Deployment. */
export const ofDeployment = (name: string): Pick<PodOptions, "owner" | "labels"> => ({
  owner: { kind: "ReplicaSet", name: `${name}-5d8f7c9b4` },
  labels: { "pod-template-hash": "5d8f7c9b4" },
});

/** The output of `kubectl get pods -A -o json`. */
export const podList = (...items: object[]): string => JSON.stringify({ apiVersion: "v1", kind: "List", items });
