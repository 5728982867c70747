import { valueAt, type Path } from "../paths";
import { renderValue, type Problem } from "../problem";
import type { ModelConfig } from "../schema/model";
import type { RawStackConfig } from "../schema/stack";

/** A problem with the places that its judgement rests on beside its own. */
export interface CheckProblem extends Problem {
  readonly basis: readonly Path[];
}

/** What every check gets. */
export interface CheckContext {
  readonly config: RawStackConfig;
  /** The models with everything derived filled in, in the order of the config. */
  readonly models: readonly ModelConfig[];
  /** Makes a problem whose value is rendered as the user wrote it, or as the default that applies. */
  readonly problem: (path: Path, allowed: string, next: string, basis?: readonly Path[]) => CheckProblem;
}

/** Finds everything that breaks one rule. */
export type Check = (context: CheckContext) => CheckProblem[];

/** What a context is made of. */
export interface ContextArgs {
  /** The config as the user wrote it. */
  readonly raw: unknown;
  readonly config: RawStackConfig;
  readonly models: readonly ModelConfig[];
  readonly render: (path: Path) => string;
}

export function createContext({ raw, config, models, render }: ContextArgs): CheckContext {
  const show = (path: Path): string => {
    const byDefault = valueAt(config, path);
    if (valueAt(raw, path) !== undefined || byDefault === undefined) return render(path);
    return `${renderValue(byDefault)} by default`;
  };
  return {
    config,
    models,
    problem: (path, allowed, next, basis = []) => ({ path, value: show(path), allowed, next, basis }),
  };
}
