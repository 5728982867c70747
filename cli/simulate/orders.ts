/** Something that keeps a number of equal pods. */
export interface Workload {
  readonly kind: "Deployment" | "StatefulSet" | "ReplicaSet";
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  /** GPUs of one pod, of all kinds together. */
  readonly gpus: number;
  /** The group whose pods come one right after the other; a ReplicaSet is part of one. */
  readonly group?: string;
}

/**
 * An order in which the pods of the workloads come, a workload once for each of its pods: the smallest ask for GPUs
 * first, which leaves least room for the large ones; then the largest first; from then on mixed at random, the same
 * way in each run. Pods of a group stay together, and ask for what they ask for together.
 *
 * @param place which order, from 0
 */
export function podOrder(workloads: readonly Workload[], place: number): Workload[] {
  const replicas = replicasOf(workloads);
  if (place < 2) {
    const gpus = (pods: readonly Workload[]): number => pods.reduce((total, one) => total + one.gpus, 0);
    return replicas.sort((a, b) => (place === 0 ? gpus(a) - gpus(b) : gpus(b) - gpus(a))).flat();
  }
  const random = generator(place);
  for (let last = replicas.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [replicas[last], replicas[other]] = [replicas[other] as Workload[], replicas[last] as Workload[]];
  }
  return replicas.flat();
}

/** What comes together: a pod, or all pods of a group, each by its workload. */
function replicasOf(workloads: readonly Workload[]): Workload[][] {
  const groups = new Map<string, Workload[]>();
  for (const workload of workloads) {
    for (let replica = 0; replica < workload.replicas; replica++) {
      const key = workload.group ?? `${workload.kind}/${workload.namespace}/${workload.name}/${replica}`;
      groups.set(key, [...(groups.get(key) ?? []), workload]);
    }
  }
  return [...groups.values()];
}

/** Numbers from 0 up to 1, always the same for a seed: a linear congruential generator with glibc's constants. */
function generator(seed: number): () => number {
  const modulus = 2 ** 31;
  let state = seed;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % modulus) / modulus;
  // The first numbers of neighbouring seeds are alike.
  next();
  next();
  return next;
}
