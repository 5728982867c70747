import type { NodeGpus } from "./gpus";

/** How the free GPUs of one kind lie. */
export interface Fragmentation {
  readonly resource: string;
  readonly free: number;
  /** The most GPUs that one more replica could have: free GPUs of the node with most of them. */
  readonly largestReplica: number;
  /** GPUs of a replica of the models that use this kind, without repetition, ascending. */
  readonly sizes: readonly number[];
  /** Free GPUs that replicas of none of these sizes, in any number, could take. */
  readonly unusable: number;
  /** Nodes that hold unusable GPUs. */
  readonly nodes: readonly { readonly node: string; readonly unusable: number }[];
}

/**
 * Fragmentation by kind of GPU. It looks at GPUs alone and only at nodes that are open to models: CPUs and memory may
 * run out before them.
 *
 * @param sizes GPUs of a replica, by resource, of each model that uses it
 */
export function fragmentation(
  gpus: readonly NodeGpus[],
  sizes: Readonly<Record<string, readonly number[]>>,
): Fragmentation[] {
  const resources = [...new Set(gpus.map(({ resource }) => resource))].sort();
  return resources.map((resource) => {
    const open = gpus.filter((one) => one.resource === resource && one.open && one.free > 0);
    const own = [...new Set(sizes[resource] ?? [])].filter((size) => size > 0).sort((a, b) => a - b);
    const nodes = open
      .map(({ node, free }) => ({ node, unusable: free - mostUsable(free, own) }))
      .filter(({ unusable }) => unusable > 0);
    return {
      resource,
      free: sum(open.map(({ free }) => free)),
      largestReplica: Math.max(0, ...open.map(({ free }) => free)),
      sizes: own,
      unusable: sum(nodes.map(({ unusable }) => unusable)),
      nodes,
    };
  });
}

/** The most of `free` GPUs that replicas of these sizes can fill, each size any number of times. */
export function mostUsable(free: number, sizes: readonly number[]): number {
  const reachable = [true];
  for (let count = 1; count <= free; count++) {
    reachable[count] = sizes.some((size) => size <= count && reachable[count - size] === true);
  }
  return reachable.lastIndexOf(true);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
