import { stackArgument, stopOnInterrupt } from "./arguments";
import { main } from "./main";
import { kubeconfigPath } from "./paths";
import { Phases } from "./phases";
import { recoverInterrupted } from "./recover";
import { startSimulatedStack } from "./stack";

/** `make preview`: what `make up` would change, judged by the policy pack. Changes nothing in the stack. */
main(async (args) => {
  const stack = stackArgument(args);
  const phases = new Phases();
  stopOnInterrupt(phases, "make preview");
  const { engine, policyArguments } = await startSimulatedStack(stack, phases);
  await recoverInterrupted(engine, kubeconfigPath);
  const diff = args.includes("--diff") ? ["--diff"] : [];
  return phases.run(`pulumi preview (stack ${stack}, with the policy pack)`, () =>
    engine.run(["preview", ...diff, ...policyArguments]),
  );
});
