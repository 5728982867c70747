import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { consoleProgress, ensureTools } from "../../sim/toolchain";
import { Lab } from "../../test/hosts/lab";
import { stopOnInterrupt } from "../arguments";
import { main } from "../main";
import { labDirectory, labStackDirectory, root } from "../paths";
import { Phases } from "../phases";
import { recoverInterrupted } from "../recover";
import { stopStateService } from "../stateBackend";
import { prepareLabStack } from "./stack";

/**
 * `make lab-down`: destroys the stack `lab` in order, then removes its hosts. With `--force` the hosts go without: they
 * are thrown away anyway.
 */
main(async (args) => {
  const phases = new Phases();
  stopOnInterrupt(phases, "make lab-down");
  if (existsSync(labStackDirectory) && !args.includes("--force")) {
    const exitCode = await destroy(phases);
    if (exitCode !== 0) {
      console.error(
        "\nThe stack was not destroyed; the messages above say why. The hosts are kept for another make lab-down; " +
          "npm run lab:down -- --force removes them as they are.",
      );
      return exitCode;
    }
  }
  const removed = await phases.run("remove the hosts", () =>
    Promise.resolve(
      spawnSync(process.execPath, ["--import=tsx", path.join("test", "hosts", "lab", "main.ts"), "down"], {
        cwd: root,
        stdio: "inherit",
      }).status,
    ),
  );
  if (removed !== 0) return removed ?? 1;
  await stopStateService(labStackDirectory);
  rmSync(labStackDirectory, { recursive: true, force: true });
  console.log("\nRemoved: no resource, host or process is left.");
  return 0;
});

async function destroy(phases: Phases): Promise<number> {
  const tools = await phases.run("tools", () => ensureTools({ report: consoleProgress() }));
  const engine = await prepareLabStack({ lab: Lab.attach(labDirectory), tools, directory: labStackDirectory });
  await recoverInterrupted(engine, path.join(labStackDirectory, "kubeconfig"));
  return phases.run("pulumi destroy (stack lab)", () => engine.run(["destroy", "--yes", "--skip-preview"]));
}
