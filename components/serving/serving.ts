import * as pulumi from "@pulumi/pulumi";
import type { ModelConfig } from "../config/schema/model";
import type { NamespaceConfig, StorageConfig } from "../config/schema/platform";
import type { Tenancy } from "../tenancy/tenancy";
import { closesConnections } from "./connectionDrain";
import { drainConfigMap } from "./drainConfigMap";
import { LocalStorageClass, ModelStorage } from "./modelStorage";
import { surgingModels, type NodeRoom } from "./rollout";
import { VllmModel } from "./vllmModel";

export interface ServingArgs {
  /** The models to serve, each in one of `tenants`. */
  readonly models: readonly ModelConfig[];
  /** The namespaces, by name. */
  readonly tenants: ReadonlyMap<string, Tenancy>;
  /** The stack's namespaces, whose quotas a rollout has to stay in. */
  readonly namespaces: readonly NamespaceConfig[];
  /** The cluster's nodes, of which a rollout may use what is spare. */
  readonly nodes: readonly NodeRoom[];
  /** Where weights are kept. */
  readonly storage: StorageConfig;
  /** Whether replicas of several nodes are waited for: no controller of LeaderWorkerSet runs on simulated clusters. */
  readonly awaitsGroups?: boolean;
  /** Gives the Hugging Face token of that name. */
  readonly hfToken: (name: string) => pulumi.Output<string>;
}

/** All models of the stack, and storage for their weights in each namespace that has some. */
export class Serving extends pulumi.ComponentResource {
  readonly models: readonly VllmModel[];

  constructor(name: string, args: ServingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:serving:Serving", name, {}, opts);
    const child = { parent: this };
    const { models, storage } = args;
    const localClassName =
      storage.type === "local" && models.length > 0
        ? new LocalStorageClass("local-storage", child).className
        : undefined;
    const surging = surgingModels(models, args);
    const storages = new Map<string, ModelStorage>();
    const middlewares = new Map<string, pulumi.Output<string>>();
    this.models = models.map((model) => {
      const { namespace, podSecurity } = tenantOf(args, model.namespace);
      const weights =
        storages.get(model.namespace) ??
        new ModelStorage(model.namespace, { namespace, storage, localClassName }, child);
      storages.set(model.namespace, weights);
      const middleware = closesConnections(model)
        ? (middlewares.get(model.namespace) ?? drainConfigMap(model.namespace, namespace, child).metadata.name)
        : undefined;
      if (middleware !== undefined) middlewares.set(model.namespace, middleware);
      const hfToken =
        model.hfToken !== undefined && "fromSecrets" in model.hfToken
          ? args.hfToken(model.hfToken.fromSecrets)
          : undefined;
      return new VllmModel(
        // A slash, as no name holds one: team-a and b are not team and a-b.
        `${model.namespace}/${model.name}`,
        {
          model,
          namespace,
          podSecurity,
          cacheClaim: weights.claimName,
          middleware,
          hfToken,
          bandwidth: storage.bandwidth,
          surges: surging.has(model),
          awaitsGroups: args.awaitsGroups,
        },
        child,
      );
    });
    this.registerOutputs({});
  }
}

function tenantOf({ tenants }: ServingArgs, namespace: string): Tenancy {
  const tenancy = tenants.get(namespace);
  if (tenancy === undefined) {
    throw new Error(`Namespace ${namespace} has a model, but is none of: ${[...tenants.keys()].join(", ")}`);
  }
  return tenancy;
}
