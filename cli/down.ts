import { existsSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { startSimulatedStack } from "./stack";
import { stackArgument, stopOnInterrupt } from "./arguments";
import { main } from "./main";
import { kubeconfigPath, labDirectory, labStackDirectory, simDirectory } from "./paths";
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
  forgetSimulation();
  console.log("\nRemoved: no resource, process or port is left.");
  return 0;
});

/** Removes all but what belongs to make lab-up, whose hosts go on running. */
function forgetSimulation(): void {
  const lab = [labDirectory, labStackDirectory].map((directory) => path.basename(directory));
  const names = readdirSync(simDirectory);
  for (const name of names.filter((each) => !lab.includes(each))) {
    rmSync(path.join(simDirectory, name), { recursive: true, force: true });
  }
  if (!names.some((name) => lab.includes(name))) rmSync(simDirectory, { recursive: true, force: true });
}
