import * as k8s from "../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ModelConfig } from "../config/schema/model";
import { modelLabels, selectorLabels } from "./labels";
import type { RolloutTimeouts } from "./lifecycle";
import { podSpec, type PodOptions } from "./podSpec";
import { rollingUpdate } from "./rollout";

/** What a model on several nodes is made of. */
export interface LeaderWorkerSetArgs {
  readonly model: ModelConfig;
  readonly namespace: pulumi.Input<string>;
  readonly pod: PodOptions;
  /** Start a new replica before an old one stops. */
  readonly surges: boolean;
  /** What to wait for; nothing where no controller reports on groups. */
  readonly timeouts?: RolloutTimeouts;
}

/**
 * A model whose replicas have a pod on each of several nodes: a leader, which serves, and workers. The pods of a replica
 * start together, and together again when one of them fails, as the ranks of a broken group cannot go on.
 */
export function leaderWorkerSet(
  name: string,
  { model, namespace, pod, surges, timeouts }: LeaderWorkerSetArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.apiextensions.CustomResource {
  const metadata = { labels: selectorLabels(model.name) };
  return new k8s.apiextensions.CustomResource(
    name,
    {
      apiVersion: "leaderworkerset.x-k8s.io/v1",
      kind: "LeaderWorkerSet",
      metadata: {
        name: model.name,
        namespace,
        labels: modelLabels(model.name),
        // The provider takes a custom resource for ready once it is stored. The controller says that all replicas are.
        ...(timeouts === undefined ? {} : { annotations: { "pulumi.com/waitFor": "condition=Available" } }),
      },
      spec: {
        replicas: model.replicas,
        // A leader is Ready only once its workers have joined it.
        startupPolicy: "LeaderCreated",
        rolloutStrategy: { type: "RollingUpdate", rollingUpdateConfiguration: rollingUpdate(surges) },
        leaderWorkerTemplate: {
          size: model.nodesPerReplica,
          restartPolicy: "RecreateGroupOnPodRestart",
          leaderTemplate: { metadata, spec: podSpec(model, { ...pod, rank: "leader" }) },
          workerTemplate: { metadata, spec: podSpec(model, { ...pod, rank: "worker", middleware: undefined }) },
        },
      },
    },
    { deleteBeforeReplace: true, customTimeouts: timeouts, ...opts },
  );
}
