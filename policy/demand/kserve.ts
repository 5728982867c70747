import { customDemand } from "./custom";
import { largest, nothing, problem, sum, times, type Count, type Demand } from "./demand";
import type { Field } from "./field";
import { isGpuResource } from "./gpuResources";
import { podDemand, resourceDemand } from "./pod";
import { addCounts, largestOf, readCount, unbounded } from "./quantity";
import { withSurge, type CountContext, type Counter } from "./workloads";

/** Annotation values with which KServe makes a plain Deployment; otherwise Knative runs the service. */
const plainModes = new Set(["RawDeployment", "Standard"]);

/** KServe InferenceService: predictor, transformer and explainer, each at its largest scale. */
export const inferenceService: Counter = (root, context) => {
  const mode = root.get("metadata", "annotations", "serving.kserve.io/deploymentMode").text();
  const plain = mode !== undefined && plainModes.has(mode);
  const spec = root.get("spec");
  if (spec.isUnknown) return problem("unknown", spec.path, "the service is not known at preview");
  const parts = ["predictor", "transformer", "explainer"].map((part) => {
    const component = spec.get(part);
    return times(componentPods(component, context), componentReplicas(component, plain));
  });
  return sum(parts);
};

/** A service of which its presets (`baseRefs`) may hold the pods; how many it runs is its operator's decision. */
export const llmInferenceService: Counter = (root) =>
  sum([
    customDemand(root, "LLMInferenceService"),
    problem("hidden", "spec", "presets of the cluster may add GPUs to an LLMInferenceService"),
  ]);

/** One replica: the pod, and the workers beside it where the model spans several nodes. */
function componentPods(component: Field, context: CountContext): Demand {
  const frameworks = component
    .entries()
    .filter(([key]) => key !== "containers" && key !== "initContainers" && key !== "workerSpec")
    .map(([key, framework]) =>
      sum([resourceDemand(framework.get("resources"), context), runtimeProblem(key, framework)]),
    );
  const head = sum([podDemand(component, context), ...frameworks]);
  const worker = component.get("workerSpec");
  if (!worker.exists) return head;
  const perWorker = largest([head, podDemand(worker, context)]);
  const pipeline = worker.get("pipelineParallelSize");
  const size = pipeline.exists
    ? readCount(pipeline, 1)
    : unbounded(pipeline.path, "without pipelineParallelSize the number of workers is not known");
  return sum([head, times(perWorker, { value: Math.max(size.value - 1, 0), problems: size.problems })]);
}

/** A rollout of a Deployment surges; Knative runs a whole second revision before it stops the first. */
function componentReplicas(component: Field, plain: boolean): Count {
  const maximum = component.get("maxReplicas");
  const minimum = readCount(component.get("minReplicas"), 1);
  if (plain) {
    const surge = component.get("deploymentStrategy", "rollingUpdate", "maxSurge");
    return withSurge(largestOf(minimum, readCount(maximum, 1)), surge, "25%");
  }
  // Knative reads a maximum of 0 as no maximum.
  if (!maximum.exists || maximum.value === 0) {
    return unbounded(maximum.path, "without maxReplicas above 0 Knative scales without limit");
  }
  const count = largestOf(minimum, readCount(maximum, 1));
  return addCounts(count, count);
}

/** The serving runtime of a model adds its own resources to those that the service does not name. */
function runtimeProblem(key: string, framework: Field): Demand {
  if (key !== "model" && !framework.get("runtime").exists) return nothing;
  const names = ["limits", "requests"].flatMap((side) => framework.get("resources", side).entries());
  if (names.some(([name]) => isGpuResource(name))) return nothing;
  const path = framework.get("resources").path;
  return problem("hidden", path, "its serving runtime may ask for GPUs; name them here, with 0 where there are none");
}
