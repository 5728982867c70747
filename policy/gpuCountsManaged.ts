import { isAutoscaler, readAutoscaler } from "./demand/autoscalers";
import { objectKey, type KubeObject } from "./demand/objects";
import type { Ledger } from "./pack/ledger";
import { gpuPods } from "./pack/podSpecs";
import { labelOf, stackPolicy } from "./pack/rule";

/** Paths of `ignoreChanges` that let the cluster keep another number of pods, or other pods, than the program says. */
const countingPath = /^(\*|spec\b(?!\.template\.metadata\b).*)$/;

/** Those of an object that limits others: KEDA takes replicas from an annotation, too. */
const limitingPath = /^(\*|spec\b.*|metadata|metadata\.(\*|annotations\b.*))$/;

/** What the program says of a GPU workload is what runs: replicas may be ignored only where an autoscaler sets them. */
export const gpuCountsManaged = (ledger: Ledger) =>
  stackPolicy(ledger, {
    name: "gpu-counts-managed",
    description: "GPU workloads must not ignore changes of what decides about their GPUs.",
    severity: "high",
    check: () => {
      const objects = ledger.objects();
      const scaled = new Set(objects.filter(isAutoscaler).map((object) => readAutoscaler(object).target));
      return objects
        .filter((object) => limits(object) || gpuPods(object).length > 0)
        .flatMap((object) => {
          const isScaled = scaled.has(objectKey(object));
          const paths = limits(object) ? limitingPath : countingPath;
          return ledger
            .ignoredChanges(object.resource.urn)
            .map((path) => path.replaceAll(/\["([^"]+)"\]/g, ".$1"))
            .filter((path) => paths.test(path) && !(isScaled && path === "spec.replicas"))
            .map((path) => ({
              label: labelOf(object),
              urn: object.resource.urn,
              message: `ignores changes of ${path}, so that the cluster may hold more than is counted. Remove the path from ignoreChanges, or let an autoscaler of this stack set the replicas.`,
            }));
        });
    },
  });

/** Whether an object sets how many GPUs others may have. */
function limits(object: KubeObject): boolean {
  return isAutoscaler(object) || (object.group === "" && object.kind === "ResourceQuota");
}
