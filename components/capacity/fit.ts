import { estimate, type Estimate } from "./estimate";
import { suggestions, type Placement, type Suggestion } from "./suggestions";

/** Whether a model fits, why, and what would make it fit. */
export interface FitReport extends Estimate {
  /** Sentences with the numbers behind the verdict. */
  readonly reasons: readonly string[];
  /** Empty when it fits. */
  readonly suggestions: readonly Suggestion[];
}

/** A size in GiB as reports show it. */
export const gib = (size: number): string => `${size.toFixed(size < 10 ? 2 : 1)} GiB`;

function reasonsOf({ gpu }: Placement, result: Estimate): string[] {
  const { options, budgetGiBPerGpu: budget, weightsGiBPerGpu: weights, overheadGiBPerGpu: overhead } = result;
  const spread = `${overhead[0].toFixed(1)} to ${overhead[1].toFixed(1)} GiB`;
  const sizes = `each ${gpu.name} gives ${gib(budget)} (${gpu.memoryGiB} GiB × ${options.gpuMemoryUtilization})`;
  const parts = `weights take ${gib(weights)} of it, the runtime ${spread}`;
  const request = `one request of ${options.maxModelLen} tokens takes ${gib(result.requestGiBPerGpu)} of KV cache`;
  const left = `${result.kvGiBPerGpu[0].toFixed(1)} to ${result.kvGiBPerGpu[1].toFixed(1)} GiB are left`;
  const reasons = [`${sizes}; ${parts}`];
  if (weights >= budget) return [...reasons, "the weights alone are larger than that"];
  reasons.push(`${request}; ${left}`);
  if (result.fits && !result.fitsForSure) {
    reasons.push("it fits in the middle of the runtime's range and not at its end: leave some room");
  }
  return reasons;
}

/** Estimates a placement, with reasons and, where it does not fit, the smallest changes that would make it. */
export function assessFit(placement: Placement): FitReport {
  const result = estimate(placement.model, placement.gpu, placement.options);
  return {
    ...result,
    reasons: reasonsOf(placement, result),
    suggestions: result.fits ? [] : suggestions(placement),
  };
}
