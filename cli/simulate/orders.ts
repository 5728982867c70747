/** Something that keeps a number of equal pods: a Deployment or a StatefulSet. */
export interface Workload {
  readonly kind: "Deployment" | "StatefulSet";
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  /** GPUs of one pod, of all kinds together. */
  readonly gpus: number;
}

/**
 * An order in which the pods of the workloads come, a workload once for each of its pods: the smallest ask for GPUs
 * first, which leaves least room for the large ones; then the largest first; from then on mixed at random, the same
 * way in each run.
 *
 * @param place which order, from 0
 */
export function podOrder(workloads: readonly Workload[], place: number): Workload[] {
  const pods = workloads.flatMap((workload) => Array.from({ length: workload.replicas }, () => workload));
  if (place < 2) {
    return pods.sort((a, b) => (place === 0 ? a.gpus - b.gpus : b.gpus - a.gpus));
  }
  const random = generator(place);
  for (let last = pods.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [pods[last], pods[other]] = [pods[other] as Workload, pods[last] as Workload];
  }
  return pods;
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
