/** Labels that select the pods of one model; immutable in a Deployment. */
export function selectorLabels(model: string): Record<string, string> {
  return { "app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": model };
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
