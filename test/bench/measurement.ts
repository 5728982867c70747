import type { Backend } from "./options";

/** What is done to a stack, in this order; `kubectl` has a counterpart for each. */
export const steps = ["preview", "up", "second up", "destroy"] as const;
export type Step = (typeof steps)[number];

/** Who does it. */
export type Subject =
  { readonly tool: "pulumi"; readonly backend: Backend; readonly policy: boolean } | { readonly tool: "kubectl" };

export interface StepResult {
  readonly step: Step;
  readonly seconds: number;
  /** Absent from a step that finished: it was stopped at the time limit. */
  readonly stoppedAtLimit?: true;
  /** CPU seconds by role: the tool's processes, and those of the simulated cluster. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Peak resident memory in bytes by role. */
  readonly peakBytes: Readonly<Record<string, number>>;
}

/** One subject taken through all steps on a cluster of its own. */
export interface Run {
  readonly models: number;
  readonly subject: Subject;
  /** Objects on the cluster; without components and providers. */
  readonly objects: number;
  /** Resources in the engine's state, components included; 0 for kubectl. */
  readonly resources: number;
  readonly steps: readonly StepResult[];
}

/** One start of an empty program or of ours; times in seconds. */
export interface ProgramStart {
  readonly program: "empty" | "ours";
  /** The whole of `pulumi preview`. */
  readonly previewSeconds: number;
  /** The program's process alone, from its start to its end. */
  readonly processSeconds: number;
  /** CPU of all that the preview started, and of the program's process. */
  readonly previewCpuSeconds: number;
  readonly processCpuSeconds: number;
  readonly peakBytes: number;
}

export function subjectName(subject: Subject): string {
  if (subject.tool === "kubectl") {
    return "kubectl";
  }
  return `pulumi, ${subject.backend === "file" ? "file backend" : "state service"}${subject.policy ? "" : ", no policy pack"}`;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) {
    throw new RangeError("no median of nothing");
  }
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
