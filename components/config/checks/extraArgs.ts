import { flagName, remedyFor } from "../engineFlags";
import { unknownFlag } from "../vllmRelease";
import type { Check, CheckContext, CheckProblem } from "./context";

function argumentProblem({ problem, config }: CheckContext, model: number, index: number): CheckProblem[] {
  const { extraArgs, image } = config.models[model]!;
  const argument = extraArgs[index]!;
  const path = ["models", model, "extraArgs", index];
  const flag = flagName(argument);
  const remedy = flag === undefined ? undefined : remedyFor(flag);
  if (remedy !== undefined)
    return [problem(path, `flags that the stack does not set itself; ${flag} is set by it`, remedy)];
  if (flag === undefined) return [];
  if (/^-{1,2}[\w-]+\s+\S/.test(argument.trim())) {
    const next = `write ["${flag}", "<value>"] or ["${flag}=<value>"]`;
    return [problem(path, "one argument an entry: no shell splits them", next)];
  }
  const unknown = unknownFlag(flag, image);
  if (unknown === undefined) return [];
  const { release, suggestion } = unknown;
  const next = suggestion === undefined ? "remove it, or correct its name" : `did you mean ${suggestion}?`;
  const allowed = `flags that vllm serve ${release} knows: it stops at any other`;
  return [problem(path, allowed, next, [["models", model, "image"]])];
}

/** Extra arguments leave alone what the stack manages, are arguments each, and name flags that the server knows. */
export const checkExtraArgs: Check = (context) =>
  context.config.models.flatMap(({ extraArgs }, model) =>
    extraArgs.flatMap((_, index) => argumentProblem(context, model, index)),
  );
