import { z } from "zod";
import { readList } from "./listFile";

const quantities = z.record(z.string(), z.union([z.string(), z.number()]).transform(String));
const resources = z.object({ requests: quantities.optional(), limits: quantities.optional() });

const container = z.object({
  name: z.string().min(1),
  restartPolicy: z.string().optional(),
  resources: resources.optional(),
});

const pod = z.object({
  kind: z.literal("Pod").optional(),
  metadata: z.object({
    name: z.string().min(1),
    namespace: z.string().min(1),
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().nullish(),
    ownerReferences: z
      .array(z.object({ kind: z.string(), name: z.string(), controller: z.boolean().default(false) }))
      .default([]),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    containers: z.array(container).min(1, "at least one container"),
    initContainers: z.array(container).default([]),
    resources: resources.optional(),
    overhead: quantities.optional(),
    nodeSelector: z.record(z.string(), z.string()).optional(),
    affinity: z.object({ nodeAffinity: z.record(z.string(), z.unknown()).optional() }).optional(),
    tolerations: z.array(z.record(z.string(), z.unknown())).optional(),
    priority: z.number().int().default(0),
    resourceClaims: z.array(z.unknown()).default([]),
  }),
  status: z.object({ phase: z.string().default("Running") }).default({ phase: "Running" }),
});

/** A pod of a `kubectl get pods -A -o json`, as far as it decides about room on nodes. */
export type ListedPod = z.output<typeof pod>;

const podList = z.object({ items: z.array(pod) });

/** How a list of pods is come by, for errors. */
export const howToGetPods = "Write it with: kubectl get pods -A -o json > pods.json";

/**
 * The pods of a `kubectl get pods -A -o json`.
 *
 * @param name how errors name the text, e.g. `pods.json`
 * @throws Error when it is no such list
 */
export function parsePodList(text: string, name: string): ListedPod[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error(`${name}: not JSON. ${howToGetPods}`);
  }
  const result = podList.safeParse(content);
  if (result.success) {
    return result.data.items;
  }
  const lines = result.error.issues.map((issue) => `  ${issue.path.join(".") || "."}: ${issue.message}`);
  throw new Error(`${name}: not a list of Kubernetes pods.\n${lines.join("\n")}\n${howToGetPods}`);
}

/** Reads a file for {@link parsePodList}; `-` is the standard input. */
export function readPodList(file: string): ListedPod[] {
  const { text, name } = readList("--pods", file, howToGetPods);
  return parsePodList(text, name);
}
