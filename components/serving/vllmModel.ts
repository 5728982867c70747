import { createHash } from "node:crypto";
import * as k8s from "../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ModelConfig } from "../config/schema/model";
import type { NamespaceConfig } from "../config/schema/platform";
import { closesConnections } from "./connectionDrain";
import { defaultUser, type ContainerUser } from "./images";
import { modelLabels, selectorLabels, serverLabels } from "./labels";
import { leaderWorkerSet } from "./leaderWorkerSet";
import { disruptionBudget } from "./disruptionBudget";
import { drainOf, progressDeadlineSeconds, rolloutTimeouts, terminationGracePeriodSeconds } from "./lifecycle";
import { podSpec, type SecretKey } from "./podSpec";
import { startupBudgetSeconds, transferSeconds } from "./probes";
import { rollingUpdate } from "./rollout";

/** Arguments of `VllmModel`. */
export interface VllmModelArgs {
  /** The model's config, with everything derived filled in. */
  model: ModelConfig;
  /** Namespace of all objects. Pass `Tenancy.namespace`: the model then waits for the quota, too. */
  namespace: pulumi.Input<string>;
  /** Claim of the volume for weights and compiled kernels. Pass `ModelStorage.claimName`. */
  cacheClaim: pulumi.Input<string>;
  /** The Hugging Face token itself; needed where `model.hfToken` is `fromSecrets`, ignored elsewhere. Kept secret. */
  hfToken?: pulumi.Input<string>;
  /** MB/s at which weights arrive. Defaults to 200. Pass `storage.bandwidth`. */
  bandwidth?: number;
  /** Start a new replica before an old one stops, see `surgingModels`. Defaults to false. */
  surges?: boolean;
  /** Pod Security Standard that the namespace enforces. Defaults to `baseline`. */
  podSecurity?: NamespaceConfig["podSecurity"];
  /**
   * ConfigMap of the middleware that makes clients leave their connections: `drainConfigMap`. Needed for
   * `drain.closeConnections`, without it they keep them.
   */
  middleware?: pulumi.Input<string>;
  /** Wait until all replicas of several nodes are ready. Defaults to true; false where no LeaderWorkerSet runs. */
  awaitsGroups?: boolean;
}

/**
 * Serves one model with vLLM: a Deployment whose replicas hold `gpusPerReplica` GPUs each, and a Service in front of
 * them (a LeaderWorkerSet where a replica spans several nodes); a PodDisruptionBudget for two replicas and more; a Secret where the stack's config holds the model's Hugging
 * Face token.
 *
 * Needs nodes that advertise the GPUs, a namespace, a claim for weights, and for `service.type: LoadBalancer` something
 * that gives addresses. Replicas are replaced one by one: with `surges` the new one starts first, otherwise the old one
 * stops first, as GPUs are rarely free twice, and an update of a single replica interrupts service.
 *
 * Throws when `extraArgs` holds a flag that the stack manages, when `resources.sharedMemory` does not fit into
 * `resources.memory`, and when the token that `hfToken.fromSecrets` names was not passed.
 */
export class VllmModel extends pulumi.ComponentResource {
  /** Name of the Deployment (or LeaderWorkerSet) and the Service. */
  readonly name: pulumi.Output<string>;
  /**
   * `http://<address>:<port>`: the load balancer's address, or the Service's DNS name for `ClusterIP`. The address is
   * `<pending>` as long as nothing has given the Service one.
   */
  readonly endpoint: pulumi.Output<string>;
  /** Base URL for OpenAI clients: the endpoint with `/v1`. */
  readonly url: pulumi.Output<string>;
  /** GPUs that all replicas hold together. */
  readonly gpus: number;

  constructor(name: string, args: VllmModelArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:serving:VllmModel", name, {}, opts);
    const { model } = args;
    const token = this.token(name, args);
    const workload = this.workload(name, args, token);
    const service = this.service(name, args);
    disruptionBudget(name, model, args.namespace, { parent: this });

    this.name = workload.metadata.apply((metadata: { name: string }) => metadata.name);
    this.endpoint = endpointOf(service, model.service.port);
    this.url = pulumi.interpolate`${this.endpoint}/v1`;
    this.gpus = model.replicas * (model.nodesPerReplica ?? 1) * model.gpusPerReplica;
    this.registerOutputs({ name: this.name, endpoint: this.endpoint, url: this.url, gpus: this.gpus });
  }

  private token(name: string, { model, namespace, hfToken }: VllmModelArgs): SecretKey | undefined {
    if (model.hfToken === undefined) {
      return undefined;
    }
    if ("secretName" in model.hfToken) {
      return { name: model.hfToken.secretName, key: model.hfToken.key };
    }
    if (hfToken === undefined) {
      throw new Error(
        `hfToken.fromSecrets of model ${model.name} is ${model.hfToken.fromSecrets}, but its value was not passed: set ` +
          `it with pulumi config set --secret --path 'secrets.hfTokens.${model.hfToken.fromSecrets}'`,
      );
    }
    const value = pulumi.secret(hfToken);
    const secret = new k8s.core.v1.Secret(
      `${name}-hf-token`,
      {
        metadata: {
          name: pulumi.interpolate`${model.name}-hf-token-${tokenDigest(value)}`,
          namespace,
          labels: modelLabels(model.name),
        },
        immutable: true,
        // Not stringData: the API server stores data only, and a refresh could not compare.
        data: { token: value.apply((text) => Buffer.from(text).toString("base64")) },
      },
      { parent: this },
    );
    return { name: secret.metadata.name, key: "token" };
  }

  private workload(
    name: string,
    args: VllmModelArgs,
    hfToken: SecretKey | undefined,
  ): k8s.apps.v1.Deployment | k8s.apiextensions.CustomResource {
    const { model, namespace, cacheClaim, bandwidth, surges = false } = args;
    const drain = drainOf(model);
    const startupBudget = startupBudgetSeconds(model, bandwidth);
    const gracePeriod = terminationGracePeriodSeconds(drain);
    const middleware = closesConnections(model) ? args.middleware : undefined;
    const { deviceGroups = [] } = model;
    const pod = { cacheClaim, hfToken, user: userOf(args), deviceGroups, drain, startupBudget, middleware };
    // What is fetched before the server's start is outside of its probes, but not of the rollout.
    const isAhead = model.predownload === true || model.weights?.type === "image";
    const startSeconds = startupBudget + (isAhead ? transferSeconds(model, bandwidth) : 0);
    const timeouts = rolloutTimeouts(model.replicas, startSeconds, gracePeriod);
    if ((model.nodesPerReplica ?? 1) > 1) {
      const awaited = args.awaitsGroups === false ? undefined : timeouts;
      return leaderWorkerSet(name, { model, namespace, pod, surges, timeouts: awaited }, { parent: this });
    }
    return new k8s.apps.v1.Deployment(
      name,
      {
        metadata: { name: model.name, namespace, labels: modelLabels(model.name) },
        spec: {
          replicas: model.replicas,
          strategy: { type: "RollingUpdate", rollingUpdate: rollingUpdate(surges) },
          revisionHistoryLimit: 3,
          progressDeadlineSeconds: progressDeadlineSeconds(startSeconds, gracePeriod),
          selector: { matchLabels: selectorLabels(model.name) },
          template: {
            metadata: { labels: selectorLabels(model.name) },
            spec: podSpec(model, pod),
          },
        },
      },
      {
        parent: this,
        deleteBeforeReplace: true,
        customTimeouts: timeouts,
      },
    );
  }

  private service(name: string, { model, namespace }: VllmModelArgs): k8s.core.v1.Service {
    const balanced = model.service.type === "LoadBalancer";
    return new k8s.core.v1.Service(
      name,
      {
        metadata: {
          name: model.name,
          namespace,
          labels: modelLabels(model.name),
          // The provider would wait for ready pods, too: for the whole start of the model, and with 0 replicas for
          // ever. The Deployment reports those; the address is all that this Service owes.
          annotations: {
            "pulumi.com/waitFor": balanced ? "jsonpath={.status.loadBalancer.ingress}" : "jsonpath={.spec.clusterIP}",
          },
        },
        spec: {
          type: model.service.type,
          selector: serverLabels(model.name, model.nodesPerReplica),
          ports: [{ name: "http", port: model.service.port, targetPort: "http" }],
        },
      },
      { parent: this, deleteBeforeReplace: true },
    );
  }
}

/**
 * Whom the server runs as: what config says, else root for AMD GPUs, where neither `deviceGroups` nor a restricted
 * namespace speaks for another user, and 2000:0 everywhere else.
 */
function userOf({ model, podSecurity }: VllmModelArgs): ContainerUser {
  const { runAs, deviceGroups = [] } = model;
  const rootRefusedOrNeedless = podSecurity === "restricted" || deviceGroups.length > 0;
  return runAs ?? (rootRefusedOrNeedless ? "nonRoot" : defaultUser(model.gpuVendor));
}

/**
 * Names a Secret after its content: a new token is a new Secret, which rolls the pods as a change of content would not,
 * and pods that start meanwhile still find the old one. 40 bits of a SHA-256 tell nothing about a random token, so they
 * need not be secret; as a secret they would hide the whole pod template in every diff.
 */
function tokenDigest(token: pulumi.Output<string>): pulumi.Output<string> {
  return pulumi.unsecret(token.apply((value) => createHash("sha256").update(value).digest("hex").slice(0, 10)));
}

function endpointOf(service: k8s.core.v1.Service, port: number): pulumi.Output<string> {
  return pulumi.all([service.metadata, service.spec.type, service.status]).apply(([metadata, type, status]) => {
    if (type !== "LoadBalancer") {
      return `http://${metadata.name}.${metadata.namespace}.svc:${port}`;
    }
    // The status is absent while nothing has reported one, whatever the typings say.
    const ingress = (status as typeof status | undefined)?.loadBalancer?.ingress?.[0];
    const address = ingress?.ip ?? ingress?.hostname ?? "<pending>";
    return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  });
}
