import type { ResourceValidationPolicy } from "@pulumi/policy";
import type { ObjectValue } from "./demand/field";
import { kubeObjects } from "./demand/objects";
import { gpuPods } from "./pack/podSpecs";
import { objectPolicy } from "./pack/rule";
import { snapshot } from "./pack/snapshot";
import { plainValue } from "./server/values";

/**
 * A Service named vllm puts VLLM_PORT=tcp://… into every pod of its namespace, which vLLM takes for its own setting.
 * With the enforcement level `remediate` the pack sets `enableServiceLinks: false` itself.
 */
export const serviceLinks: ResourceValidationPolicy = {
  ...objectPolicy({
    name: "service-links",
    description: "GPU pods must not get environment variables from the Services of their namespace.",
    severity: "low",
    enforcementLevel: "remediate",
    check: (object) =>
      gpuPods(object).flatMap((pod) => {
        const field = pod.spec.get("enableServiceLinks");
        if (field.value === false || object.isPatch) return [];
        return [`${pod.spec.path}.enableServiceLinks is not false. Set it.`];
      }),
  }),
  remediateResource: (args) => {
    const path = templatePath[args.type];
    const spec = path?.reduce<unknown>(childOf, args.props);
    if (path === undefined || !isRecord(spec) || spec.enableServiceLinks === false) return undefined;
    const pods = kubeObjects(snapshot(args, plainValue(args.props) as ObjectValue)).flatMap(gpuPods);
    if (!pods.some((pod) => pod.spec.path === path.join("."))) return undefined;
    spec.enableServiceLinks = false;
    return args.props;
  },
};

/** Where each kind keeps its pod. */
const templatePath: Readonly<Record<string, readonly string[]>> = {
  "kubernetes:core/v1:Pod": ["spec"],
  "kubernetes:apps/v1:Deployment": ["spec", "template", "spec"],
  "kubernetes:apps/v1:StatefulSet": ["spec", "template", "spec"],
  "kubernetes:apps/v1:DaemonSet": ["spec", "template", "spec"],
  "kubernetes:batch/v1:Job": ["spec", "template", "spec"],
  "kubernetes:batch/v1:CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
};

function childOf(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
