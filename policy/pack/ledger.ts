import type { PolicyResource, ResourceValidationArgs } from "@pulumi/policy";
import { isAutoscaler } from "../demand/autoscalers";
import { UNKNOWN } from "../demand/field";
import { isObjectSource, isRelease, kubeObjects, type KubeObject, type StackResource } from "../demand/objects";
import { DemandCache, gpuDemand, wholeGpus, type CountingConfig, type ObjectDemand } from "../gpuDemand";
import type { NamespaceQuotaConfig } from "./config";
import { allObjects } from "./podSpecs";
import { sharedSnapshot } from "./snapshot";

/** GPUs that a group of objects asks for together. */
export interface Total {
  readonly gpus: number;
  readonly objects: readonly ObjectDemand[];
}

/**
 * What the policies of the pack know of the stack. Inputs are recorded resource by resource, since the engine hands
 * stack policies only outputs, and these are empty where a provider is not configured yet, as one for a cluster
 * that the same update makes. Outputs stand in for resources whose inputs did not come by.
 */
export class Ledger {
  private readonly inputs = new Map<string, StackResource>();
  private readonly ignored = new Map<string, readonly string[]>();
  private readonly reported = new Set<string>();
  private config: CountingConfig | undefined;
  private quotas: NamespaceQuotaConfig | undefined;
  private cache = new DemandCache();
  private readonly own = new Map<string, ObjectDemand[]>();
  private counted: readonly ObjectDemand[] | undefined;

  configure(config: CountingConfig): void {
    if (config === this.config) return;
    this.config = config;
    this.cache = new DemandCache();
    this.own.clear();
    this.counted = undefined;
  }

  recordInputs(args: ResourceValidationArgs): void {
    if (!concernsGpus(args)) return;
    this.inputs.set(args.urn, sharedSnapshot(args));
    this.ignored.set(args.urn, args.opts.ignoreChanges);
    this.own.delete(args.urn);
    this.counted = undefined;
  }

  /** Takes over the final list of resources. Returns those that hide what they put on the cluster. */
  recordStack(resources: readonly PolicyResource[]): ObjectDemand[] {
    const parents = new Set(resources.map((resource) => resource.parent?.urn));
    const hidden: ObjectDemand[] = [];
    const present = new Set(resources.map(({ urn }) => urn));
    for (const urn of this.inputs.keys()) if (!present.has(urn)) this.inputs.delete(urn);
    for (const resource of resources) {
      if (isObjectSource(resource.type)) {
        if (!parents.has(resource.urn)) hidden.push(hiddenObjects(resource, "none of its objects is known at preview"));
      } else if (!this.inputs.has(resource.urn) && concernsGpus(resource)) {
        const seen = sharedSnapshot(resource);
        if (Object.keys(seen.props).length === 0) hidden.push(hiddenObjects(resource, "its properties are not known"));
        this.inputs.set(resource.urn, seen);
      }
    }
    this.counted = undefined;
    return hidden;
  }

  /** Demands of a resource by itself; what is wrong only in view of other resources is left out. */
  ownDemands(urn: string): ObjectDemand[] {
    const known = this.own.get(urn);
    if (known !== undefined) return known;
    const resource = this.inputs.get(urn);
    if (resource === undefined || this.config === undefined) return [];
    const demands = gpuDemand([resource], this.config).map((demand) =>
      isRelease(resource.type)
        ? demand
        : { ...demand, problems: demand.problems.filter(({ kind }) => kind !== "hidden") },
    );
    this.own.set(urn, demands);
    return demands;
  }

  /** Totals of the namespaces whose demand a resource changes, counted over the resources recorded so far. */
  touchedBy(urn: string): Map<string, Total> {
    const resource = this.inputs.get(urn);
    if (resource === undefined) return new Map();
    const own = this.ownDemands(urn).map(({ namespace }) => namespace);
    const scaled = kubeObjects(resource)
      .filter((object) => changesOthers(object))
      .map(({ namespace }) => (namespace === UNKNOWN ? undefined : namespace));
    const touched = new Set([...own, ...scaled]);
    if (touched.size === 0) return new Map();
    return new Map([...this.byNamespace()].filter(([namespace]) => touched.has(namespace)));
  }

  noteQuotas(quotas: NamespaceQuotaConfig): void {
    this.quotas = quotas;
  }

  /** GPUs that the policy config gives a namespace; undefined while gpu-quota-per-namespace is disabled. */
  quotaOf(namespace: string): number | undefined {
    if (this.quotas === undefined) return undefined;
    const { quotas, defaultQuota } = this.quotas;
    return Object.hasOwn(quotas, namespace) ? quotas[namespace] : defaultQuota;
  }

  /** Paths that a resource's `ignoreChanges` holds. */
  ignoredChanges(urn: string): readonly string[] {
    return this.ignored.get(urn) ?? [];
  }

  /** Every Kubernetes object of the stack. */
  objects(): KubeObject[] {
    return [...this.inputs.values()].flatMap(allObjects);
  }

  /** Every object that asks for GPUs or cannot be counted. */
  demands(): readonly ObjectDemand[] {
    if (this.config === undefined) {
      throw new Error("policy gpu-demand is disabled, and the quotas count with it: enable it in the policy config");
    }
    this.counted ??= gpuDemand([...this.inputs.values()], this.config, this.cache);
    return this.counted;
  }

  /** The demands of the stack by namespace; those of an unknown namespace are left out. */
  byNamespace(): Map<string, Total> {
    const namespaces = new Map<string, ObjectDemand[]>();
    for (const demand of this.demands()) {
      if (demand.gpus.size === 0 || demand.namespace === undefined) continue;
      const others = namespaces.get(demand.namespace);
      if (others === undefined) namespaces.set(demand.namespace, [demand]);
      else others.push(demand);
    }
    return new Map([...namespaces].map(([namespace, objects]) => [namespace, this.total(objects)]));
  }

  total(objects: readonly ObjectDemand[]): Total {
    const gpus = new Map<string, number>();
    for (const object of objects) {
      for (const [name, count] of object.gpus) gpus.set(name, (gpus.get(name) ?? 0) + count);
    }
    return { gpus: this.whole(gpus), objects };
  }

  whole(gpus: ReadonlyMap<string, number>): number {
    return wholeGpus(gpus, this.config?.sharesPerGpu ?? {});
  }

  /** Notes what was said about a resource as it came, so that the check of the whole stack need not repeat it. */
  noteReported(message: string): void {
    this.reported.add(message);
  }

  wasReported(message: string): boolean {
    return this.reported.has(message);
  }
}

function concernsGpus(resource: { type: string; props: object }): boolean {
  if (isRelease(resource.type)) return true;
  if (resource.type.startsWith("kubernetes:")) return !isObjectSource(resource.type);
  if (!("apiVersion" in resource.props)) return false;
  return kubeObjects(sharedSnapshot(resource as PolicyResource)).length > 0;
}

/** Whether an object changes what others ask for. */
function changesOthers(object: KubeObject): boolean {
  return object.isPatch || isAutoscaler(object) || object.group === "resource.k8s.io";
}

function hiddenObjects(resource: PolicyResource, message: string): ObjectDemand {
  const label = `${resource.type.slice(resource.type.lastIndexOf(":") + 1)} ${resource.name}`;
  const found = { kind: "hidden" as const, path: "", message };
  return { urn: resource.urn, label, namespace: undefined, gpus: new Map(), problems: [found] };
}
