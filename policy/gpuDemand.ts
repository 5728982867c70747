import { isAutoscaler, readAutoscaler, targetProblem, type Autoscaler } from "./demand/autoscalers";
import { claimDemand } from "./demand/claims";
import { customDemand, mutationProblem, runsNoPods } from "./demand/custom";
import { deviceClass, limitRange, runtimeClass } from "./demand/defaults";
import { demandOf, largest, nothing, problem, sum, type Count, type Demand, type Problem } from "./demand/demand";
import { UNKNOWN, type Field } from "./demand/field";
import { inferenceService, llmInferenceService } from "./demand/kserve";
import { applyPatch, isRelease, kubeObjects, objectKey, type KubeObject, type StackResource } from "./demand/objects";
import { largestOf } from "./demand/quantity";
import { rayCluster, rayJob, rayService } from "./demand/ray";
import { declared, releaseDemand, releaseNamespace, type AllowedRelease } from "./demand/release";
import * as workloads from "./demand/workloads";

/** What the policy config tells about counting. */
export interface CountingConfig {
  /** Nodes on which a DaemonSet may run. */
  readonly daemonSetNodes: number;
  /** How many of a resource one GPU gives where it is shared or split, e.g. `nvidia.com/mig-1g.10gb` → 7. */
  readonly sharesPerGpu: Readonly<Record<string, number>>;
  /** GPUs at most of an object that cannot be counted, by `kind/namespace/name`. */
  readonly ceilings: Readonly<Record<string, number>>;
  /** Helm charts that the stack may install. */
  readonly releases: readonly AllowedRelease[];
}

/** GPUs that one object of the stack can ask for at once. */
export interface ObjectDemand {
  readonly urn: string;
  /** `kind/namespace/name`, with `?` for what is unknown. */
  readonly label: string;
  /** Undefined while the namespace is not known. */
  readonly namespace: string | undefined;
  readonly gpus: ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
}

const counters: Record<string, workloads.Counter> = {
  "/LimitRange": limitRange,
  "/Pod": workloads.pod,
  "/ReplicationController": workloads.replicated,
  "apps/DaemonSet": workloads.daemonSet,
  "apps/Deployment": workloads.deployment,
  "apps/ReplicaSet": workloads.replicated,
  "apps/StatefulSet": workloads.replicated,
  "batch/CronJob": workloads.cronJob,
  "batch/Job": workloads.job,
  "jobset.x-k8s.io/JobSet": workloads.jobSet,
  "keda.sh/ScaledJob": workloads.scaledJob,
  "leaderworkerset.x-k8s.io/LeaderWorkerSet": workloads.leaderWorkerSet,
  "node.k8s.io/RuntimeClass": runtimeClass,
  "ray.io/RayCluster": rayCluster,
  "ray.io/RayJob": rayJob,
  "ray.io/RayService": rayService,
  "resource.k8s.io/DeviceClass": deviceClass,
  "resource.k8s.io/ResourceClaim": (root) => claimDemand(root.get("spec")),
  "serving.kserve.io/InferenceService": inferenceService,
  "serving.kserve.io/LLMInferenceService": llmInferenceService,
};

/** Kinds that an autoscaler may scale and that count its maximum. */
const scalable = new Set(["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "LeaderWorkerSet"]);

/**
 * Counts the GPUs that the resources of a stack can ask for, each at the moment when most of its pods run.
 * Resources that ask for none and have nothing wrong are left out.
 */
export function gpuDemand(
  resources: readonly StackResource[],
  config: CountingConfig,
  cache: DemandCache = new DemandCache(),
): ObjectDemand[] {
  const stack = new Stack(resources, config, cache);
  return [...resources.filter((resource) => isRelease(resource.type)).map(releaseCount), ...stack.count()].filter(
    (found) => found.gpus.size > 0 || found.problems.length > 0,
  );

  function releaseCount(resource: StackResource): ObjectDemand {
    const namespace = releaseNamespace(resource);
    const known = namespace === UNKNOWN ? undefined : namespace;
    const name = resource.urn.slice(resource.urn.lastIndexOf("::") + 2);
    const { gpus, problems } = releaseDemand(resource, config.releases);
    return {
      urn: resource.urn,
      label: `Release/${known ?? "?"}/${name}`,
      namespace: known,
      gpus,
      problems: known === undefined && gpus.size > 0 ? [...problems, namespaceProblem("namespace")] : problems,
    };
  }
}

/** Whole GPUs behind a demand: what is shared or split counts by its share, rounded up by resource. */
export function wholeGpus(gpus: ReadonlyMap<string, number>, sharesPerGpu: CountingConfig["sharesPerGpu"]): number {
  let total = 0;
  for (const [name, count] of gpus) {
    const shares = Object.hasOwn(sharesPerGpu, name) ? (sharesPerGpu[name] ?? 1) : 1;
    total += Math.ceil(count / shares);
  }
  return total;
}

/**
 * Keeps counts of objects between calls, so that counting anew as each resource comes costs little. Valid for one
 * config and for resources that do not change.
 */
export class DemandCache {
  private readonly objects = new WeakMap<StackResource, KubeObject[]>();
  private readonly demands = new WeakMap<KubeObject, { autoscaled: string; demand: Demand }>();

  objectsOf(resource: StackResource): KubeObject[] {
    const known = this.objects.get(resource);
    if (known !== undefined) return known;
    const objects = kubeObjects(resource).filter(matters);
    this.objects.set(resource, objects);
    return objects;
  }

  demandOf(object: KubeObject, autoscaled: Count, count: () => Demand): Demand {
    const signature = JSON.stringify(autoscaled);
    const known = this.demands.get(object);
    if (known?.autoscaled === signature) return known.demand;
    const demand = count();
    this.demands.set(object, { autoscaled: signature, demand });
    return demand;
  }
}

/** Whether an object can ask for GPUs or change what others ask for: most objects of a stack can not. */
function matters(object: KubeObject): boolean {
  const isCounted = counters[`${object.group}/${object.kind}`] !== undefined || !runsNoPods(object.group);
  if (isCounted || object.group === "resource.k8s.io" || object.contradiction !== undefined) return true;
  return isAutoscaler(object) || mutationProblem(object.kind) !== undefined;
}

/** The objects of a stack, with what one of them must know of the others. */
class Stack {
  private readonly objects: readonly KubeObject[];
  private readonly patches: readonly KubeObject[];
  private readonly byKey = new Map<string, KubeObject>();
  private readonly patchesByKey: ReadonlyMap<string | undefined, readonly KubeObject[]>;
  private readonly autoscalers: readonly Autoscaler[];
  private readonly autoscalersByTarget: ReadonlyMap<string | undefined, readonly Autoscaler[]>;
  /** Whether an object's count depends on nothing but itself and its autoscalers. */
  private readonly isSelfContained: boolean;
  private readonly deviceBackedResources: ReadonlySet<string>;

  constructor(
    resources: readonly StackResource[],
    private readonly config: CountingConfig,
    private readonly cache: DemandCache,
  ) {
    const all = resources.flatMap((resource) => cache.objectsOf(resource));
    this.objects = all.filter((object) => !object.isPatch);
    this.patches = all.filter((object) => object.isPatch);
    for (const object of this.objects) {
      const key = objectKey(object);
      if (key !== undefined) this.byKey.set(key, object);
    }
    this.patchesByKey = grouped(this.patches, objectKey);
    this.isSelfContained = !all.some((object) => object.isPatch || object.group === "resource.k8s.io");
    this.autoscalers = this.objects
      .filter(isAutoscaler)
      .flatMap((object) => this.versions(object).map((root) => readAutoscaler({ ...object, root })));
    this.autoscalersByTarget = grouped(this.autoscalers, ({ target }) => target);
    this.deviceBackedResources = new Set(
      this.objects
        .filter((object) => object.group === "resource.k8s.io" && object.kind === "DeviceClass")
        .flatMap((object) => object.root.get("spec", "extendedResourceName").text() ?? []),
    );
  }

  count(): ObjectDemand[] {
    const autoscalers = new Map(this.autoscalers.map((autoscaler) => [autoscaler.object.resource.urn, autoscaler]));
    return [
      ...this.objects.map((object) => {
        const autoscaler = autoscalers.get(object.resource.urn);
        const found = autoscaler && targetProblem(autoscaler, (target) => this.byKey.has(target));
        return this.finish(object, sum([this.demandOf(object), { ...nothing, problems: found ? [found] : [] }]));
      }),
      ...this.patches.map((patch) => this.finish(patch, this.patchProblem(patch))),
    ];
  }

  private demandOf(object: KubeObject): Demand {
    const wrong = object.contradiction;
    if (wrong !== undefined) return problem("malformed", "kind", `the type token does not fit the object: ${wrong}`);
    const autoscaled = this.autoscaled(object);
    const count = (): Demand =>
      largest(this.versions(object).map((root) => this.countVersion({ ...object, root }, autoscaled)));
    return this.isSelfContained ? this.cache.demandOf(object, autoscaled, count) : count();
  }

  private countVersion(object: KubeObject, autoscaled: Count): Demand {
    const counter = counters[`${object.group}/${object.kind}`];
    if (counter === undefined) {
      if (runsNoPods(object.group)) return mutationProblem(object.kind) ?? nothing;
      return customDemand(object.root, object.kind, object.group);
    }
    return counter(object.root, {
      namespace: object.namespace,
      findClaimTemplate: (namespace, name) =>
        this.byKey.get(objectKey({ kind: "ResourceClaimTemplate", namespace, name }) ?? "")?.root,
      deviceBackedResources: this.deviceBackedResources,
      daemonSetNodes: this.config.daemonSetNodes,
      autoscaled,
    });
  }

  private autoscaled(object: KubeObject): Count {
    const key = objectKey(object);
    if (key === undefined || !scalable.has(object.kind)) return { value: 0, problems: [] };
    const maxima = (this.autoscalersByTarget.get(key) ?? []).map(({ maximum }) => maximum);
    return largestOf({ value: 0, problems: [] }, ...maxima);
  }

  /** The object as declared, and as each patch of the stack changes it. */
  private versions(object: KubeObject): Field[] {
    const key = objectKey(object);
    const patches = key === undefined ? [] : (this.patchesByKey.get(key) ?? []);
    const patched = patches.reduce((root, patch) => applyPatch(root, patch.root), object.root);
    return patches.length === 0 ? [object.root] : [object.root, patched];
  }

  /** A patch counts with its target; of a target outside the stack only metadata may be patched. */
  private patchProblem(patch: KubeObject): Demand {
    const key = objectKey(patch);
    const runsPods = counters[`${patch.group}/${patch.kind}`] !== undefined || isAutoscaler(patch);
    const path = patch.root.get("spec");
    if (key !== undefined && this.byKey.has(key)) return nothing;
    if (!runsPods) return runsNoPods(patch.group) ? nothing : customDemand(patch.root, patch.kind, patch.group);
    if (!path.exists) return nothing;
    return problem("hidden", path.path, `the ${patch.kind} that this patches is not in the stack`);
  }

  /** Replaces what cannot be counted by the ceiling that the policy config declares for the object. */
  private finish(object: KubeObject, demand: Demand): ObjectDemand {
    const text = (part: string | typeof UNKNOWN): string => (part === UNKNOWN ? "?" : part);
    const namespace = object.namespace === UNKNOWN ? undefined : object.namespace;
    const result = {
      urn: object.resource.urn,
      label: `${object.kind}/${text(object.namespace)}/${text(object.name)}`,
      namespace,
    };
    const key = objectKey(object);
    const { ceilings } = this.config;
    const ceiling = key !== undefined && Object.hasOwn(ceilings, key) ? ceilings[key] : undefined;
    if (ceiling === undefined) {
      const lost = namespace === undefined && demand.gpus.size > 0 ? [namespaceProblem("metadata.namespace")] : [];
      return { ...result, gpus: demand.gpus, problems: [...distinct(demand.problems), ...lost] };
    }
    return { ...result, ...this.capped(demand, ceiling) };
  }

  private capped(demand: Demand, ceiling: number): Demand {
    const most = wholeGpus(demand.gpus, this.config.sharesPerGpu);
    const problems = distinct(demand.problems.filter(({ kind }) => kind === "malformed"));
    if (most > ceiling) {
      const message = `asks for ${most} GPUs, and the policy config declares a ceiling of ${ceiling}`;
      return { gpus: demand.gpus, problems: [...problems, { kind: "excess", path: "spec", message }] };
    }
    if (demand.problems.every(({ kind }) => kind === "malformed")) return { gpus: demand.gpus, problems };
    return { gpus: demandOf(declared, ceiling).gpus, problems };
  }
}

function namespaceProblem(path: string): Problem {
  return { kind: "unknown", path, message: "the namespace is not known at preview" };
}

function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const others = groups.get(key);
    if (others === undefined) groups.set(key, [item]);
    else others.push(item);
  }
  return groups;
}

/** An object and its patched form share most problems. */
function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((found) => [`${found.path}\n${found.message}`, found])).values()];
}
