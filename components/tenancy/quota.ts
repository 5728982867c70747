import { gpuResourceName, type GpuVendor } from "../config/schema/common";
import type { GpuConfig, NamespaceConfig } from "../config/schema/platform";

/**
 * Hard limits of a namespace's ResourceQuota. Kubernetes takes quotas on extended resources by `requests.` only, and
 * requests equal limits there.
 *
 * A ResourceQuota cannot add up two resources: where both vendors are used, each may reach `gpuQuota` here, and it is
 * the policy pack that bounds their sum. GPUs of a vendor that the stack does not use are refused with 0, so that a
 * cluster that has them anyway is no way round the quota.
 */
export function quotaLimits(namespace: NamespaceConfig, gpuVendor: GpuConfig["vendor"]): Record<string, string> {
  const used = (vendor: GpuVendor) => gpuVendor === vendor || gpuVendor === "both";
  const gpus = Object.entries(gpuResourceName).map(([vendor, resource]) => [
    `requests.${resource}`,
    `${used(vendor as GpuVendor) ? namespace.gpuQuota : 0}`,
  ]);
  return {
    ...(Object.fromEntries(gpus) as Record<string, string>),
    ...(namespace.cpuQuota === undefined ? {} : { "requests.cpu": `${namespace.cpuQuota}` }),
    ...(namespace.memoryQuota === undefined ? {} : { "requests.memory": namespace.memoryQuota }),
  };
}

/**
 * Requests for containers that state none: a quota on CPU or memory refuses those otherwise. There are no default
 * limits: a CPU limit from nowhere would throttle model servers, a memory limit kill them.
 */
export const defaultRequests = { cpu: "100m", memory: "256Mi" } as const;

/**
 * Labels that have the API server enforce a Pod Security Standard on pods, and warn about Deployments whose pods it
 * will refuse, which would otherwise only show in the events of a ReplicaSet.
 *
 * @param version Kubernetes minor version whose rules apply, e.g. `v1.36`; an older cluster applies its newest
 */
export function podSecurityLabels(level: NamespaceConfig["podSecurity"], version: string): Record<string, string> {
  const modes = ["enforce", "audit", "warn"];
  return Object.fromEntries(
    modes.flatMap((mode) => [
      [`pod-security.kubernetes.io/${mode}`, level],
      [`pod-security.kubernetes.io/${mode}-version`, version],
    ]),
  );
}
