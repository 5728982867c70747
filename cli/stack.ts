import path from "node:path";
import { resolveAddressPool } from "../components/config/addressPool";
import type { StackConfig } from "../components/config/schema/stack";
import type { SimulatedClusterConfig } from "../components/config/schema/cluster";
import { loadStackFile } from "../components/config/stackFile";
import { simulatedNodes } from "../components/config/nodes";
import { startCluster } from "../sim/cluster";
import { consoleProgress, ensureTools, type Progress, type Tools } from "../sim/toolchain";
import { Engine } from "./engine";
import { root, simDirectory, stackFile } from "./paths";
import type { Phases } from "./phases";
import { fileBackend, startStateService, type StateBackend } from "./stateBackend";

export type SimulatedConfig = StackConfig & { readonly cluster: SimulatedClusterConfig };

/** A stack on the simulated cluster, ready for the engine. */
export interface SimulatedStack {
  readonly engine: Engine;
  readonly tools: Tools;
  /** Arguments that every preview and update takes. */
  readonly policyArguments: readonly string[];
}

/** The stack's config, or one error that lists everything wrong with it. */
export function readSimulatedConfig(stack: string, file = stackFile(stack)): SimulatedConfig {
  const config = loadStackFile(file);
  const { cluster } = config;
  if (cluster.source !== "simulated") {
    throw new Error(
      `Stack ${stack} has cluster.source: ${cluster.source}; these commands are for simulated stacks. ` +
        `Use the Pulumi CLI: pulumi preview --stack ${stack}.`,
    );
  }
  return { ...config, cluster };
}

/** Everything before the engine: config checked first, then tools, then the cluster. */
export async function startSimulatedStack(
  stack: string,
  phases: Phases,
  report: Progress = consoleProgress(),
): Promise<SimulatedStack> {
  const config = readSimulatedConfig(stack);
  const tools = await phases.run("tools", () => ensureTools({ report }));
  report.note(tools.pluginsLine);
  await phases.run("simulated cluster", () =>
    startCluster({ directory: simDirectory, cluster: config.cluster, addressPool: addressPool(config), tools, report }),
  );
  const engine = new Engine({ tools, stack, backend: await startBackend(tools, simDirectory) });
  await engine.prepare();
  return { engine, tools, policyArguments: policyArguments(stack) };
}

/** The state service where it could be built, files elsewhere. */
export function startBackend(tools: Tools, directory: string): Promise<StateBackend> {
  return tools.stateService === undefined
    ? Promise.resolve(fileBackend(directory))
    : startStateService(tools.stateService, directory);
}

/** The addresses that LoadBalancer Services of the simulated cluster get. */
export function addressPool(config: SimulatedConfig): string[] {
  return resolveAddressPool({
    addresses: config.loadBalancer.addresses,
    subnet: config.loadBalancer.subnet ?? config.cluster.subnet,
    nodeAddresses: simulatedNodes(config.cluster).map((node) => node.address),
  });
}

/** The policy pack with the stack's config for it. */
export function policyArguments(stack: string): string[] {
  const policy = path.join(root, "policy");
  return ["--policy-pack", policy, "--policy-pack-config", path.join(policy, `policy-config.${stack}.json`)];
}
