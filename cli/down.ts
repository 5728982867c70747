import { existsSync, rmSync } from "node:fs";
import { startSimulatedStack } from "./stack";
import { stackArgument, stopOnInterrupt } from "./arguments";
import { main } from "./main";
import { kubeconfigPath, simDirectory } from "./paths";
import { Phases } from "./phases";
import { recoverInterrupted } from "./recover";
import { stopStateService } from "./stateBackend";
import { stopCluster } from "../sim/cluster";
import { consoleProgress } from "../sim/toolchain";

/** `make down`: destroys the stack in order, then stops the simulated cluster and forgets it. */
main(async (args) => {
  if (!existsSync(simDirectory)) {
    console.log("Nothing to remove: no simulated cluster has been started here.");
    return 0;
  }
  const stack = stackArgument(args);
  const phases = new Phases();
  stopOnInterrupt(phases, "make down");
  if (existsSync(kubeconfigPath)) {
    const { engine } = await startSimulatedStack(stack, phases);
    await recoverInterrupted(engine, kubeconfigPath);
    const exitCode = await phases.run(`pulumi destroy (stack ${stack})`, () =>
      engine.run(["destroy", "--yes", "--skip-preview"]),
    );
    if (exitCode !== 0) {
      console.error(
        "\nThe stack was not destroyed; the messages above say why. The cluster is kept for another make down.",
      );
      return exitCode;
    }
  }
  await phases.run("stop the simulated cluster", () =>
    stopCluster({ directory: simDirectory, report: consoleProgress() }),
  );
  await stopStateService(simDirectory);
  rmSync(simDirectory, { recursive: true, force: true });
  console.log("\nRemoved: no resource, process or port is left.");
  return 0;
});
