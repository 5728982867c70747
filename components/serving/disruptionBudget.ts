import * as k8s from "../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ModelConfig } from "../config/schema/model";
import { modelLabels, selectorLabels } from "./labels";

/**
 * Lets a drain of nodes evict one replica of a model at a time. None for a single replica: a budget could only forbid
 * its eviction, and with it every drain of its node, or say nothing.
 */
export function disruptionBudget(
  name: string,
  model: ModelConfig,
  namespace: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): k8s.policy.v1.PodDisruptionBudget | undefined {
  if (model.replicas < 2) return undefined;
  return new k8s.policy.v1.PodDisruptionBudget(
    name,
    {
      metadata: { name: model.name, namespace, labels: modelLabels(model.name) },
      spec: {
        maxUnavailable: 1,
        selector: { matchLabels: selectorLabels(model.name) },
        // A replica that never came up serves nobody: it must not hold back the drain of its node.
        unhealthyPodEvictionPolicy: "AlwaysAllow",
      },
    },
    { deleteBeforeReplace: true, ...opts },
  );
}
