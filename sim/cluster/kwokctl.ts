import * as fs from "node:fs/promises";
import * as path from "node:path";
import { runCommand } from "../toolchain/command";
import { componentNames, lastLogLines, runningComponents } from "./components";
import type { ClusterPaths } from "./state";

/**
 * Has kwokctl create the cluster where it does not exist, and start every component that does not run. Etcd data and
 * certificates that are there already are kept.
 */
export async function runKwokctl(kwokctl: string, paths: ClusterPaths, config: string): Promise<void> {
  const configFile = path.join(paths.workDirectory, "config.yaml");
  await fs.mkdir(paths.workDirectory, { recursive: true });
  await fs.writeFile(configFile, config);
  // An empty kubeconfig keeps kwokctl's hands off the user's own.
  const create = ["create", "cluster", "--name", paths.name, "--config", configFile, "--kubeconfig", ""];
  const result = await runCommand(kwokctl, create, {
    env: { ...process.env, KWOK_WORKDIR: paths.workDirectory, KUBECACHEDIR: paths.kubectlCache, KUBECONFIG: "" },
    timeout: 180_000,
  });
  if (result.code === 0) {
    return;
  }
  const running = runningComponents(paths.cluster);
  const [dead] = componentNames.filter((name) => !running.has(name));
  const log = dead === undefined ? "" : `\nLast lines of ${await lastLogLines(paths.cluster, dead)}`;
  throw new Error(`kwokctl could not start the simulated cluster: ${errors(result.output)}${log}`);
}

/** kwokctl logs JSON lines; the errors among them say what went wrong. */
function errors(output: readonly string[]): string {
  const messages = output.map((line) => {
    try {
      const { level, msg, err } = JSON.parse(line) as { level?: string; msg?: string; err?: string };
      return level === "ERROR" ? `${msg}: ${err}` : undefined;
    } catch {
      return line;
    }
  });
  return messages.filter((message) => message !== undefined).join("; ") || output.slice(-3).join("; ");
}
