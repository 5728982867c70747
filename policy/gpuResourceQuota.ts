import { UNKNOWN, type Field } from "./demand/field";
import { isGpuResource } from "./demand/gpuResources";
import type { KubeObject } from "./demand/objects";
import { parseQuantity } from "./demand/quantity";
import { declared } from "./demand/release";
import type { Ledger, Total } from "./pack/ledger";
import { labelOf, stackPolicy, type Finding } from "./pack/rule";

/**
 * A namespace with GPUs has a ResourceQuota in the stack that lets it have no more GPUs than the policy config, and
 * not fewer than the stack asks for. It holds where no policy looks: for pods that tools and operators make.
 */
export const gpuResourceQuota = (ledger: Ledger) =>
  stackPolicy(ledger, {
    name: "gpu-resource-quota",
    description: "A namespace with GPUs must have a ResourceQuota within the quota of the policy config.",
    severity: "critical",
    check: () => {
      const quotas = ledger.objects().filter(isResourceQuota);
      const demands = [...ledger.byNamespace()].filter(([, total]) => total.gpus > 0);
      return [
        ...quotas.flatMap((quota) => tooWide(ledger, quota)),
        ...demands.flatMap(([namespace, total]) => uncovered(ledger, namespace, total, quotas)),
      ];
    },
  });

/** A quota with scopes covers some pods only. */
function isResourceQuota({ group, kind, root, isPatch }: KubeObject): boolean {
  const spec = root.get("spec");
  const isScoped = spec.get("scopes").items().length > 0 || spec.get("scopeSelector").exists;
  return group === "" && kind === "ResourceQuota" && !isPatch && !isScoped;
}

function tooWide(ledger: Ledger, quota: KubeObject): Finding[] {
  const allowed = quota.namespace === UNKNOWN ? undefined : ledger.quotaOf(quota.namespace);
  if (allowed === undefined) return [];
  return gpuEntries(quota).flatMap(([resource, field]) => {
    const most = parseQuantity(field.value);
    if (typeof most === "number" && ledger.whole(new Map([[resource, most]])) <= allowed) return [];
    const value = field.isUnknown ? "not known at preview" : JSON.stringify(field.value);
    const message = `${field.path} is ${value}; the policy config gives the namespace ${allowed}. Lower it.`;
    return [{ label: labelOf(quota), urn: quota.resource.urn, message }];
  });
}

function uncovered(ledger: Ledger, namespace: string, total: Total, quotas: readonly KubeObject[]): Finding[] {
  const own = quotas.filter((quota) => quota.namespace === namespace);
  const asked = new Map<string, number>();
  for (const { gpus } of total.objects) {
    for (const [name, count] of gpus) asked.set(name, (asked.get(name) ?? 0) + count);
  }
  asked.delete(declared);
  return [...asked].flatMap(([resource, count]) => {
    const limits = own
      .flatMap(gpuEntries)
      .filter(([name]) => name === resource)
      .map(([, field]) => parseQuantity(field.value))
      .filter((most) => typeof most === "number");
    const key = quotaKey(resource);
    const label = `Namespace/default/${namespace}`;
    if (limits.length === 0) {
      return [
        { label, message: `has no ResourceQuota with ${key} in this stack. Add one with the namespace's quota.` },
      ];
    }
    // All quotas of a namespace hold at once.
    const least = Math.min(...limits);
    const isReported = total.gpus > (ledger.quotaOf(namespace) ?? Infinity);
    if (least >= count || isReported) return [];
    const message = `asks for ${count} ${resource}, and its ResourceQuota allows ${least}: the API server would refuse pods.`;
    return [{ label, message: `${message} Ask for less, or raise ${key}.` }];
  });
}

/** The key under which a ResourceQuota limits a resource, or the devices of a class (DRA). */
function quotaKey(resource: string): string {
  return resource.includes("/") ? `requests.${resource}` : `${resource}.deviceclass.resource.k8s.io/devices`;
}

/** The GPU resources, or device classes, that a quota limits. */
function gpuEntries(quota: KubeObject): [string, Field][] {
  return quota.root
    .get("spec", "hard")
    .entries()
    .flatMap(([key, field]): [string, Field][] => {
      const devices = /^(.+)\.deviceclass\.resource\.k8s\.io\/devices$/.exec(key)?.[1];
      if (devices !== undefined) return [[devices, field]];
      const resource = key.replace(/^requests\./, "");
      return key.startsWith("requests.") && isGpuResource(resource) ? [[resource, field]] : [];
    });
}
