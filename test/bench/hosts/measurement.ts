/** Who makes a cluster of the hosts: a shell script after the official documents, or the stack. */
export const subjects = ["plain", "ours"] as const;
export type Subject = (typeof subjects)[number];

/** Parts of the way from bare hosts to a served model, in the order in which they begin. */
export const stages = [
  "engine and program start",
  "preflight",
  "prerequisites",
  "control plane",
  "worker",
  "pod network",
  "add-ons",
  "model",
  "validation",
] as const;
export type Stage = (typeof stages)[number];

/** When something began and ended, in seconds since the start. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface StageSpan extends Span {
  readonly stage: Stage;
}

/** One resource that the engine made. */
export interface ResourceSpan extends Span {
  readonly urn: string;
}

/** What was seen from outside, in seconds since the start. */
export interface Milestones {
  /** All hosts are Ready nodes. */
  readonly nodesReady: number;
  /** The first request got its answer. */
  readonly answered: number;
}

/** One subject on a fresh lab; times in seconds. */
export interface HostsRun extends Milestones {
  readonly subject: Subject;
  /** The script, or `pulumi up`, has ended. */
  readonly ended: number;
  readonly stages: readonly StageSpan[];
  /** Of the stack alone: every resource that was made, an `up` that changes nothing, and `destroy`. */
  readonly resources?: readonly ResourceSpan[];
  readonly secondUp?: number;
  readonly destroy?: number;
}
