import type * as k8s from "../kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { ModelConfig } from "../config/schema/model";
import type { Drain } from "./lifecycle";

/** What the middleware adds to the container of a server. */
interface ContainerParts {
  readonly env: k8s.types.input.core.v1.EnvVar[];
  readonly volumeMounts: k8s.types.input.core.v1.VolumeMount[];
}

/** The middleware as `vllm serve --middleware` takes it: module and class in `scripts/connection_drain.py`. */
export const drainMiddleware = "connection_drain.ConnectionDrain";

const mountPath = "/opt/inference-stack";

/** The preStop hook touches it, and the middleware looks for it; /tmp is a volume of the pod's own. */
const marker = "/tmp/draining";

/**
 * Whether clients are made to leave their connections: as config says, else in the release images, which are known to
 * serve by uvicorn and to hold `sh`, `touch` and `sleep`.
 */
export function closesConnections({ drain, image }: Pick<ModelConfig, "drain" | "image">): boolean {
  return drain?.closeConnections ?? image === undefined;
}

/** Environment and mount of the middleware. */
export function drainContainer({ preStopSeconds }: Drain): ContainerParts {
  return {
    env: [
      { name: "PYTHONPATH", value: mountPath },
      { name: "DRAIN_MARKER", value: marker },
      { name: "DRAIN_PAUSE_SECONDS", value: `${preStopSeconds}` },
    ],
    volumeMounts: [{ name: "middleware", mountPath, readOnly: true }],
  };
}

/** The volume that `drainContainer` mounts. */
export function drainVolume(configMap: pulumi.Input<string>): k8s.types.input.core.v1.Volume {
  return { name: "middleware", configMap: { name: configMap } };
}

/** The pause, which begins with word to the middleware. A marker that cannot be made must not cost the pause. */
export function drainHook({ preStopSeconds }: Drain): k8s.types.input.core.v1.LifecycleHandler {
  return { exec: { command: ["sh", "-c", `touch ${marker}; sleep ${preStopSeconds}`] } };
}
