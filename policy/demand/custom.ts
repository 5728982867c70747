import { nothing, problem, sum, times, type Demand } from "./demand";
import { UNKNOWN, type Field } from "./field";
import { asksInText, isGpuResource } from "./gpuResources";
import { parseQuantity } from "./quantity";

/** API groups of custom resources that start no pods with GPUs of their own, or only through an operator's config. */
const groupsWithoutPods = new Set([
  "acme.cert-manager.io",
  "admissionregistration.k8s.io",
  "amd.com",
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "autoscaling.k8s.io",
  "cert-manager.io",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  "gateway.networking.k8s.io",
  "inference.networking.k8s.io",
  "internal.apiserver.k8s.io",
  "karpenter.sh",
  "keda.sh",
  "kueue.x-k8s.io",
  "metallb.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "projectcalico.org",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "snapshot.storage.k8s.io",
  "storage.k8s.io",
  "storagemigration.k8s.io",
]);

/**
 * API groups whose objects run pods that they do not show: what a repository or a chart holds, or GPUs that an operator
 * chooses by itself.
 */
const groupsWithHiddenPods =
  /^(argoproj\.io|helm\.cattle\.io|helm\.k0sproject\.io|helm\.crossplane\.io|kaito\.sh|apps\.nvidia\.com|kubeai\.org|inference\.llmaz\.io|production-stack\.vllm\.ai)$|(^|\.)toolkit\.fluxcd\.io$/;

/** Kinds that change what pods ask for as they are made. */
const mutators = new Set(["MutatingAdmissionPolicy", "MutatingWebhookConfiguration"]);

/** Groups that are partly or wholly Kubernetes' own: kinds without a counter in them run no pods. */
const kubernetesGroups = new Set(["", "apps", "batch"]);

/**
 * Endings of keys that hold plain values only. An unknown value under any other key of a custom resource may turn
 * out to be a pod with GPUs.
 */
const plainKey =
  /(address|annotations|arn|bucket|checksum|cidr|class|data|digest|domain|email|endpoint|hash|host|hostname|id|image|ip|issuer|key|labels|location|name|namespace|password|path|port|ref|region|revision|role|secret|subnet|tag|token|uid|uri|url|user|username|value|version|zone)s?$/i;

/** Keys by which operators ask for GPUs in words of their own, such as `gpu: 1` or `gpuCount: 8`. */
const gpuKey = /^((num|requested)_?)?(gpu|accelerator)s?([A-Z_-]?(count|num|number|limit|request|type|s)s?)?$/i;

/** Maps of labels: a node label such as nvidia.com/gpu.present is no resource. */
const labelMap = /^(nodeSelector|matchLabels|labels|annotations)$/;

export function runsNoPods(group: string): boolean {
  return kubernetesGroups.has(group) || groupsWithoutPods.has(group);
}

/**
 * GPUs asked for anywhere in a custom resource that no counter knows. The quantities are a lower bound, since how
 * often its controller multiplies them is not known: each comes with a problem that only a declared ceiling settles.
 */
export function customDemand(root: Field, kind: string, group = ""): Demand {
  const found: Demand[] = [];
  if (groupsWithHiddenPods.test(group)) {
    found.push(problem("hidden", "spec", `the pods that a ${kind} of ${group} runs do not stand in it`));
  }
  for (const [key, field] of root.entries()) {
    if (key !== "metadata" && key !== "status" && key !== "apiVersion" && key !== "kind") search(key, field, found);
  }
  const demand = sum(found);
  if (demand.gpus.size === 0) return demand.problems.length === 0 ? nothing : demand;
  const message = `how many pods a ${kind} runs is not known to the policy`;
  return times(demand, { value: 1, problems: [{ kind: "unbounded", path: root.path, message }] });
}

function search(key: string, field: Field, found: Demand[]): void {
  if (field.value === UNKNOWN) {
    if (!plainKey.test(key)) found.push(problem("unknown", field.path, "this part may ask for GPUs"));
    return;
  }
  if (labelMap.test(key)) return;
  if (asksInText(field.text() ?? "") || (gpuKey.test(key) && isAsk(field))) {
    found.push(problem("hidden", field.path, "this part seems to ask for GPUs, in a way that the policy cannot count"));
    return;
  }
  if (key === "resourceClaims" && field.items().length > 0) {
    found.push(problem("hidden", field.path, "how many devices these claims take is not known to the policy"));
    return;
  }
  if (isGpuResource(key)) {
    const parsed = parseQuantity(field.value);
    if (typeof parsed === "number") {
      if (parsed > 0) found.push({ gpus: new Map([[key, parsed]]), problems: [] });
    } else if (field.exists) {
      found.push(problem("malformed", field.path, parsed));
    }
    return;
  }
  for (const [child, value] of field.entries()) search(child, value, found);
  if (Array.isArray(field.value)) for (const item of field.items()) search(key, item, found);
}

/** Why an admission policy or webhook of the stack cannot pass: undefined for any other object. */
export function mutationProblem(kind: string): Demand | undefined {
  if (!mutators.has(kind)) return undefined;
  return problem("hidden", "spec", `a ${kind} can change what any pod asks for`);
}

function isAsk(field: Field): boolean {
  const { value } = field;
  return (typeof value === "number" && value !== 0) || (typeof value === "string" && !/^(0*|none|false)$/i.test(value));
}
