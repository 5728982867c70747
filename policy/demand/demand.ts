/**
 * Why a demand cannot be told or must not pass:
 * `unknown`: a value is not known before the update; `unbounded`: nothing limits how many pods run;
 * `malformed`: no legal Kubernetes value; `hidden`: something the policy cannot see may ask for GPUs;
 * `excess`: more than the ceiling that the policy config declares.
 * A declared ceiling settles `unknown`, `unbounded` and `hidden`.
 */
export interface Problem {
  readonly kind: "unknown" | "unbounded" | "malformed" | "hidden" | "excess";
  readonly path: string;
  readonly message: string;
}

/** GPUs by extended resource name, e.g. `amd.com/gpu` → 16, at the moment when most pods run. */
export interface Demand {
  readonly gpus: ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
}

export const nothing: Demand = { gpus: new Map(), problems: [] };

export function demandOf(resource: string, count: number): Demand {
  return count === 0 ? nothing : { gpus: new Map([[resource, count]]), problems: [] };
}

export function problem(kind: Problem["kind"], path: string, message: string): Demand {
  return { gpus: new Map(), problems: [{ kind, path, message }] };
}

/** The demand of things that run together. */
export function sum(demands: readonly Demand[]): Demand {
  return combine(demands, (a, b) => a + b);
}

/** The demand of things of which only one runs at a time, by resource name. */
export function largest(demands: readonly Demand[]): Demand {
  return combine(demands, Math.max);
}

/** How many of something run at once: a number, and what is wrong with the fields that it comes from. */
export interface Count {
  readonly value: number;
  readonly problems: readonly Problem[];
}

export const one: Count = { value: 1, problems: [] };

/**
 * The demand of `count` copies. A demand of nothing stays nothing whatever the count; no copies leave only what is
 * malformed, since Kubernetes refuses that in any case.
 */
export function times(demand: Demand, count: Count): Demand {
  if (demand.gpus.size === 0 && demand.problems.length === 0) return nothing;
  const problems = [...demand.problems, ...count.problems];
  if (count.value === 0 && count.problems.length === 0) {
    return { gpus: new Map(), problems: problems.filter((found) => found.kind === "malformed") };
  }
  return { gpus: new Map([...demand.gpus].map(([name, gpus]) => [name, gpus * count.value])), problems };
}

function combine(demands: readonly Demand[], join: (a: number, b: number) => number): Demand {
  const gpus = new Map<string, number>();
  for (const demand of demands) {
    for (const [name, count] of demand.gpus) gpus.set(name, join(gpus.get(name) ?? 0, count));
  }
  return { gpus, problems: demands.flatMap((demand) => demand.problems) };
}
