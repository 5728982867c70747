import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ModelConfig } from "../config/schema/model";
import type { NamespaceConfig } from "../config/schema/platform";
import { defaultUser, type ContainerUser } from "./images";
import { modelLabels, selectorLabels } from "./labels";
import {
  defaultDrain,
  progressDeadlineSeconds,
  rolloutTimeouts,
  terminationGracePeriodSeconds,
  type Drain,
} from "./lifecycle";
import { podSpec, type SecretKey } from "./podSpec";
import { startupBudgetSeconds } from "./probes";

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
  /** How replicas leave service. Defaults to a pause of 15 s, a drain of 120 s and a slack of 15 s. */
  drain?: Drain;
  /** Seconds that a replica may take to start. Defaults to an estimate from the model's size. */
  startupBudgetSeconds?: number;
  /**
   * Whom the server runs as. Defaults to root for AMD GPUs, where neither `deviceGroups` nor a restricted namespace
   * speaks for another user, and to 2000:0 everywhere else.
   */
  runAs?: ContainerUser;
  /** Pod Security Standard that the namespace enforces. Defaults to `baseline`. */
  podSecurity?: NamespaceConfig["podSecurity"];
  /** Group ids that own /dev/kfd and /dev/dri/renderD* on the hosts (`getent group render`). Defaults to none. */
  deviceGroups?: readonly number[];
}

/**
 * Serves one model with vLLM: a Deployment whose replicas hold `gpusPerReplica` GPUs each, and a Service in front of
 * them; a Secret where the stack's config holds the model's Hugging Face token.
 *
 * Needs nodes that advertise the GPUs, a namespace, a claim for weights, and for `service.type: LoadBalancer` something
 * that gives addresses. Replicas are replaced one by one, each old one before its successor starts: GPUs are rarely
 * free twice. With a single replica an update therefore interrupts service.
 *
 * Throws when `extraArgs` holds a flag that the stack manages, when `resources.sharedMemory` does not fit into
 * `resources.memory`, and when the token that `hfToken.fromSecrets` names was not passed.
 */
export class VllmModel extends pulumi.ComponentResource {
  /** Name of the Deployment and the Service. */
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
    const deployment = this.deployment(name, args, token);
    const service = this.service(name, args);

    this.name = deployment.metadata.name;
    this.endpoint = endpointOf(service, model.service.port);
    this.url = pulumi.interpolate`${this.endpoint}/v1`;
    this.gpus = model.replicas * model.gpusPerReplica;
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

  private deployment(name: string, args: VllmModelArgs, hfToken: SecretKey | undefined): k8s.apps.v1.Deployment {
    const { model, namespace, cacheClaim, drain = defaultDrain, deviceGroups = [] } = args;
    const startupBudget = args.startupBudgetSeconds ?? startupBudgetSeconds(model);
    const gracePeriod = terminationGracePeriodSeconds(drain);
    const pod = { cacheClaim, hfToken, user: userOf(args), deviceGroups, drain, startupBudget };
    return new k8s.apps.v1.Deployment(
      name,
      {
        metadata: { name: model.name, namespace, labels: modelLabels(model.name) },
        spec: {
          replicas: model.replicas,
          // Surging would need free GPUs, and quota for them.
          strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
          revisionHistoryLimit: 3,
          progressDeadlineSeconds: progressDeadlineSeconds(startupBudget, gracePeriod),
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
        customTimeouts: rolloutTimeouts(model.replicas, startupBudget, gracePeriod),
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
          selector: selectorLabels(model.name),
          ports: [{ name: "http", port: model.service.port, targetPort: "http" }],
        },
      },
      { parent: this, deleteBeforeReplace: true },
    );
  }
}

function userOf({ model, runAs, deviceGroups = [], podSecurity }: VllmModelArgs): ContainerUser {
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
