/** Labels that select the pods of one model; immutable in a Deployment. */
export function selectorLabels(model: string): Record<string, string> {
  return { "app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": model };
}

/** Labels that select the pods of one model that answer requests: leaders, where a replica has several pods. */
export function serverLabels(model: string, nodesPerReplica = 1): Record<string, string> {
  return {
    ...selectorLabels(model),
    ...(nodesPerReplica > 1 ? { "leaderworkerset.sigs.k8s.io/worker-index": "0" } : {}),
  };
}

/** The recommended labels of Kubernetes for the objects of one model. */
export function modelLabels(model: string): Record<string, string> {
  return {
    ...selectorLabels(model),
    "app.kubernetes.io/component": "inference",
    "app.kubernetes.io/part-of": "inference-stack",
    "app.kubernetes.io/managed-by": "pulumi",
  };
}
