import type { V1Node, V1Pod } from "@kubernetes/client-node";
import { isGpuResource } from "../../policy/demand/gpuResources";

/** GPUs, or slices of GPUs, of one kind on one node. */
export interface NodeGpus {
  readonly node: string;
  /** Extended resource, e.g. `amd.com/gpu` or `nvidia.com/mig-1g.10gb`. */
  readonly resource: string;
  readonly total: number;
  readonly used: number;
  readonly free: number;
  /** Whether models may be placed there: not cordoned, and without taints but those for GPU nodes. */
  readonly open: boolean;
}

/** Used and free GPUs, a line for each node and kind of GPU; nodes without GPUs have none. */
export function nodeGpus(nodes: readonly V1Node[], pods: readonly V1Pod[]): NodeGpus[] {
  return nodes.flatMap((node) => {
    const name = node.metadata?.name ?? "";
    const own = pods.filter(({ spec }) => spec?.nodeName === name);
    return Object.entries(node.status?.allocatable ?? {})
      .filter(([resource, quantity]) => isGpuResource(resource) && Number(quantity) > 0)
      .map(([resource, quantity]) => {
        const total = Number(quantity);
        const used = own.reduce((sum, pod) => sum + (podGpus(pod)[resource] ?? 0), 0);
        return { node: name, resource, total, used, free: total - used, open: nodeState(node) === "open" };
      });
  });
}

/** GPUs that a pod asks for, by resource; init containers run before the others, so the larger ask counts. */
export function podGpus({ spec }: V1Pod): Record<string, number> {
  const asks = (container: { resources?: { limits?: Record<string, string> } }): [string, number][] =>
    Object.entries(container.resources?.limits ?? {})
      .filter(([name]) => isGpuResource(name))
      .map(([name, quantity]) => [name, Number(quantity)]);
  const together: Record<string, number> = {};
  const init = spec?.initContainers ?? [];
  // A sidecar keeps its GPUs beside the containers.
  const lasting = [...(spec?.containers ?? []), ...init.filter(({ restartPolicy }) => restartPolicy === "Always")];
  for (const [name, count] of lasting.flatMap(asks)) {
    together[name] = (together[name] ?? 0) + count;
  }
  for (const [name, count] of init.flatMap(asks)) {
    together[name] = Math.max(together[name] ?? 0, count);
  }
  return together;
}

/** Whether models may be placed on a node, or what keeps them away. */
export type NodeState = "open" | "cordoned" | "tainted";

/** Models tolerate the taint by which vendors' guides keep other pods off GPU nodes: its key is a GPU resource. */
export function nodeState({ spec }: V1Node): NodeState {
  const keepsAway = (spec?.taints ?? []).some(
    ({ key, effect }) => effect !== "PreferNoSchedule" && !isGpuResource(key),
  );
  return spec?.unschedulable === true ? "cordoned" : keepsAway ? "tainted" : "open";
}
