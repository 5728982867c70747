import { existsSync } from "node:fs";
import { kubeconfigPath } from "./paths";
import { readLastRun } from "./phases";
import { readStatus } from "./clusterStatus";
import { fitSection } from "./fitSection";
import { renderStatus } from "./renderStatus";
import { main } from "./main";

/** `npm run status [-- --json]`: what runs on the simulated cluster. */
main(async (args) => {
  if (!existsSync(kubeconfigPath)) {
    throw new Error("No simulated cluster is running here: start it with make up.");
  }
  const cluster = await readStatus(kubeconfigPath);
  const lastRun = readLastRun();
  const fit = lastRun && fitSection(lastRun.stack, cluster);
  const status = { ...cluster, fit, lastRun };
  console.log(args.includes("--json") ? JSON.stringify(status, null, 2) : renderStatus(status));
});
