import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as k8s from "../kubernetes";
import type * as pulumi from "@pulumi/pulumi";

const fileName = "connection_drain.py";

/**
 * The middleware's source, for the models of one namespace. Named after its content: a new text is a new ConfigMap,
 * which rolls the pods, and those that start meanwhile still find the old one.
 */
export function drainConfigMap(
  name: string,
  namespace: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.ConfigMap {
  const source = readFileSync(path.join(__dirname, "scripts", fileName), "utf8");
  const digest = createHash("sha256").update(source).digest("hex").slice(0, 10);
  return new k8s.core.v1.ConfigMap(
    name,
    {
      metadata: {
        name: `vllm-connection-drain-${digest}`,
        namespace,
        labels: { "app.kubernetes.io/part-of": "inference-stack", "app.kubernetes.io/managed-by": "pulumi" },
      },
      immutable: true,
      data: { [fileName]: source },
    },
    opts,
  );
}
