import type { ModelConfig } from "../config/schema/model";
import { drainSchema } from "../config/schema/scheduling";
import { hasFlag } from "../config/vllmRelease";

/** How a replica leaves service, in seconds. */
export interface Drain {
  /**
   * Pause before SIGTERM, while Kubernetes takes the pod out of the Service. vLLM refuses new requests once it drains
   * but goes on answering /health with 200, so neither readiness nor the server can keep late requests away.
   */
  readonly preStopSeconds: number;
  /** Time for in-flight requests after SIGTERM: `--shutdown-timeout`, 0 in vLLM, which aborts them. */
  readonly drainSeconds: number;
  /** Time to stop workers and free GPU memory after the drain, before SIGKILL. */
  readonly slackSeconds: number;
  /** Whether clients are made to leave their connections; see `closesConnections` for the default. */
  readonly closeConnections?: boolean;
}

/**
 * 15 s for endpoints to reach every kube-proxy and gateway, 120 s for generations in flight (about 3,600 tokens at 30
 * tokens a second), 15 s to stop.
 */
export const defaultDrain: Drain = drainSchema.parse({});

/**
 * How replicas of an image leave service. Releases before 0.18 abort what is in flight on SIGTERM: there the pause takes
 * the drain's place, as the pod gets no new requests in it either.
 */
export function drainOf({ drain = defaultDrain, image }: Pick<ModelConfig, "drain" | "image">): Drain {
  if (hasFlag(image, "--shutdown-timeout")) return drain;
  return { ...drain, preStopSeconds: drain.preStopSeconds + drain.drainSeconds, drainSeconds: 0 };
}

/**
 * Seconds from the wish to stop a pod to SIGKILL. Kubernetes counts preStop in it, so it has to hold the pause, the
 * drain and some slack: with less, requests are cut off in mid-answer.
 *
 * @throws when a part is not a whole number, or there is no slack
 */
export function terminationGracePeriodSeconds(drain: Drain): number {
  const least = { preStopSeconds: 0, drainSeconds: 0, slackSeconds: 1 };
  for (const part of Object.keys(least) as (keyof typeof least)[]) {
    if (!Number.isInteger(drain[part]) || drain[part] < least[part]) {
      throw new Error(`${part} is ${drain[part]}: allowed is a whole number of seconds from ${least[part]} up`);
    }
  }
  return drain.preStopSeconds + drain.drainSeconds + drain.slackSeconds;
}

/** Seconds to pull an image: vLLM's hold 10 to 20 GB, which takes about 13 minutes at 200 Mbit/s. */
export const imagePullSeconds = 900;

/**
 * Seconds without progress after which Kubernetes calls a rollout stuck: one step stops an old pod, pulls the image
 * and loads the model, and nothing less may count as stuck.
 */
export function progressDeadlineSeconds(startupBudget: number, gracePeriod: number): number {
  return gracePeriod + imagePullSeconds + startupBudget;
}

/** What `pulumi up` waits for, as `customTimeouts` takes it. */
export interface RolloutTimeouts {
  readonly create: string;
  readonly update: string;
  readonly delete: string;
}

/**
 * Time-outs of the Deployment. They lie a minute beyond Kubernetes' own deadline, so that a stuck rollout is reported
 * with its reason rather than as a time-out. New replicas start side by side; an update replaces them one by one.
 */
export function rolloutTimeouts(replicas: number, startupBudget: number, gracePeriod: number): RolloutTimeouts {
  const step = progressDeadlineSeconds(startupBudget, gracePeriod);
  const margin = 60;
  return {
    create: `${step + margin}s`,
    update: `${Math.max(1, replicas) * step + margin}s`,
    delete: `${gracePeriod + 5 * margin}s`,
  };
}
