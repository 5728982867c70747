import { flagName, managedFlags } from "../engineFlags";
import type { Check, CheckContext, CheckProblem } from "./context";

function argumentProblem({ problem }: CheckContext, argument: string, model: number, index: number): CheckProblem[] {
  const path = ["models", model, "extraArgs", index];
  const flag = flagName(argument);
  const remedy = flag === undefined ? undefined : managedFlags.get(flag);
  if (remedy !== undefined)
    return [problem(path, `flags that the stack does not set itself; ${flag} is set by it`, remedy)];
  const hasTwoWords = flag !== undefined && /^-{1,2}[\w-]+\s+\S/.test(argument.trim());
  if (!hasTwoWords) return [];
  const next = `write ["${flag}", "<value>"] or ["${flag}=<value>"]`;
  return [problem(path, "one argument an entry: no shell splits them", next)];
}

/** Extra arguments leave alone what the stack manages, and are arguments each. */
export const checkExtraArgs: Check = (context) =>
  context.config.models.flatMap(({ extraArgs }, model) =>
    extraArgs.flatMap((argument, index) => argumentProblem(context, argument, model, index)),
  );
