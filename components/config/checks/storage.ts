import type { Check } from "./context";

/** A ReadWriteOnce volume is mounted on one node: replicas on others would never start. */
export const checkStorage: Check = ({ config, models, problem }) => {
  const { cluster, storage } = config;
  if (storage.type !== "storageClass" || storage.accessMode === "ReadWriteMany" || cluster.source === "kubeconfig")
    return [];
  const nodes =
    cluster.source === "hosts" ? cluster.hosts.length : cluster.nodeGroups.reduce((sum, { count }) => sum + count, 0);
  if (nodes < 2) return [];
  return config.namespaces.flatMap(({ name }) => {
    const pods = models.filter(({ namespace }) => namespace === name).reduce((sum, { replicas }) => sum + replicas, 0);
    if (pods < 2) return [];
    const allowed = `"ReadWriteMany", as namespace ${name} runs ${pods} replicas on ${nodes} nodes`;
    const next = "set it, with a storage class that can do it";
    return [problem(["storage", "accessMode"], allowed, next, [["models"], ["namespaces"], ["cluster"]])];
  });
};
