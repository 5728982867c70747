/** Labels by key, or the ones that are asked for. */
export type Labels = Readonly<Record<string, string>>;

/** The label that says which node it is. */
export const hostnameLabel = "kubernetes.io/hostname";

/** Labels that the kubelet and operators put on a node once it is there. */
const setOnNodes = /^([\w.-]+\.)?(kubernetes\.io|k8s\.io|amd\.com|nvidia\.com)\//;

/**
 * Whether a node could run a model that selects nodes by labels. What is not known of the node does not rule it out: its
 * labels as a whole, or those that others put on it later.
 */
export function suitsSelector(selector: Labels | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined || labels === undefined) return true;
  return Object.entries(selector).every(([key, value]) =>
    labels[key] === undefined ? key !== hostnameLabel && setOnNodes.test(key) : labels[key] === value,
  );
}
