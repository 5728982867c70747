import path from "node:path";
import { rmSync } from "node:fs";
import { readStatus } from "./clusterStatus";
import { readPolicyResult } from "./events";
import { main } from "./main";
import { stackArgument, stopOnInterrupt } from "./arguments";
import { kubeconfigPath } from "./paths";
import { Phases, writeLastRun } from "./phases";
import { recoverInterrupted } from "./recover";
import { renderStatus } from "./renderStatus";
import { startSimulatedStack } from "./stack";

/** `make up`: tools, simulated cluster, the stack with the policy pack, and what came of it. */
main(async (args) => {
  const stack = stackArgument(args);
  const phases = new Phases();
  stopOnInterrupt(phases, "make up");
  const { engine, policyArguments } = await startSimulatedStack(stack, phases);
  await recoverInterrupted(engine, kubeconfigPath);
  const eventLog = path.join(engine.directory, "events.jsonl");
  rmSync(eventLog, { force: true });
  const exitCode = await phases.run(`pulumi up (stack ${stack}, with the policy pack)`, () =>
    engine.run(["up", "--yes", "--suppress-outputs", "--event-log", eventLog, ...policyArguments]),
  );
  if (exitCode !== 0) {
    console.error(`\npulumi up did not finish (exit code ${exitCode}). What the cluster holds now: make status.`);
    return exitCode;
  }
  const lastRun = {
    stack,
    finishedAt: new Date().toISOString(),
    phases: phases.times,
    policy: readPolicyResult(eventLog),
  };
  writeLastRun(lastRun);
  console.log("\n" + renderStatus({ ...(await readStatus(kubeconfigPath)), lastRun }));
  console.log(
    "\nkubectl --kubeconfig .sim/kubeconfig …  looks closer;  make status  shows this again;  make down  removes it.",
  );
  return 0;
});
