import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import type { SimulatedClusterConfig } from "../../components/config/schema/cluster";
import type { ClusterTools, Progress } from "../toolchain";
import { withLock } from "../toolchain/lock";
import { maximumAddresses, parseAddressPool, planPorts } from "./addressPool";
import { reassignAddresses } from "./addresses";
import {
  componentNames,
  componentPorts,
  endComponents,
  runningComponents,
  writePidFiles,
  type ComponentName,
} from "./components";
import { applyGivenNodes, type GivenNode } from "./givenNodes";
import { writeKubeconfig } from "./kubeconfig";
import { Kubectl } from "./kubectl";
import { kwokConfig } from "./kwokConfig";
import { runKwokctl } from "./kwokctl";
import { applyNodes } from "./nodes";
import { becomesFree, choosePorts, portOwner, type ClusterPorts } from "./ports";
import { waitForApiServer, waitForNodes } from "./readiness";
import { clusterPaths, readState, writeState, type ClusterPaths } from "./state";

export type { GivenNode, NodeTaint } from "./givenNodes";

export interface StartOptions {
  /** Directory for everything that belongs to this checkout's cluster; `.sim` usually. */
  readonly directory: string;
  /** The nodes: groups as config has them, or one by one. */
  readonly cluster: SimulatedClusterConfig | { readonly nodes: readonly GivenNode[] };
  /** Addresses for LoadBalancer Services: ranges, CIDRs or single IPv4 addresses; none leaves such Services pending. */
  readonly addressPool: readonly string[];
  readonly tools: ClusterTools;
  readonly report: Progress;
}

export interface StartedCluster {
  /** Path of the kubeconfig. */
  readonly kubeconfig: string;
  /** Name of the kubeconfig's cluster and context, unique to this checkout. */
  readonly context: string;
  readonly server: string;
  /** Components that were not running and now are; none when everything ran. */
  readonly started: readonly ComponentName[];
  readonly nodes: number;
}

export interface ClusterStatus {
  readonly state: "running" | "incomplete" | "stopped" | "absent";
  readonly components: readonly { readonly name: ComponentName; readonly pid?: number }[];
  readonly ports?: ClusterPorts;
  readonly kubeconfig: string;
}

/**
 * Brings the simulated cluster to what the config says, and starts only what does not run: a second call starts nothing,
 * a call after a killed API server starts that one, with all data kept.
 * @throws naming the port and its owner when something else took a port of ours, or the component that does not start
 */
export async function startCluster(options: StartOptions): Promise<StartedCluster> {
  const paths = clusterPaths(options.directory);
  await fs.mkdir(paths.root, { recursive: true });
  return withLock(
    paths.lock,
    { report: options.report, purpose: "starts or stops the simulated cluster" },
    async () => {
      const task = options.report.task("Simulated cluster");
      try {
        task.update("starting etcd, API server, controller manager, scheduler and kwok");
        const { started, state } = await startComponents(options, paths);
        await writeKubeconfig(paths, state.ports.apiServer);
        const kubectl = new Kubectl(options.tools.kubectl, paths.kubeconfig);
        await waitForApiServer(kubectl, paths, task);
        task.update("adding nodes");
        const nodes = await bringNodes(kubectl, options.cluster);
        await reassignAddresses(kubectl, state, options.addressPool, options.report);
        await writeState(paths, { ...state, addressPool: options.addressPool });
        await waitForNodes(kubectl, paths, nodes, task);
        task.done(`${nodes} nodes, ${describeStarted(started)}`);
        const context = `inference-stack-${paths.name}`;
        const server = `https://127.0.0.1:${state.ports.apiServer}`;
        return { kubeconfig: paths.kubeconfig, context, server, started, nodes };
      } catch (error) {
        task.failed("not started");
        throw error;
      }
    },
  );
}

/** Creates and updates the nodes; returns how many there are. */
async function bringNodes(kubectl: Kubectl, cluster: StartOptions["cluster"]): Promise<number> {
  if ("nodes" in cluster) {
    await applyGivenNodes(kubectl, cluster.nodes);
    return cluster.nodes.length;
  }
  return (await applyNodes(kubectl, cluster)).length;
}

/** Makes the nodes of a running cluster those given, and starts nothing. */
export async function updateNodes(options: {
  readonly directory: string;
  readonly nodes: readonly GivenNode[];
  readonly tools: Pick<ClusterTools, "kubectl">;
}): Promise<void> {
  await applyGivenNodes(new Kubectl(options.tools.kubectl, clusterPaths(options.directory).kubeconfig), options.nodes);
}

/** Ends every process of the cluster and removes its data, its kubeconfig and all that is remembered of it. */
export async function stopCluster(options: Pick<StartOptions, "directory" | "report">): Promise<void> {
  const paths = clusterPaths(options.directory);
  if (!(await exists(paths.root))) {
    return;
  }
  await withLock(paths.lock, { report: options.report, purpose: "starts or stops the simulated cluster" }, async () => {
    await endComponents(paths.cluster);
    for (const path of [paths.workDirectory, paths.kubectlCache, paths.kubeconfig, paths.state]) {
      await fs.rm(path, { recursive: true, force: true });
    }
  });
}

/** What of the cluster runs; changes nothing. */
export async function clusterStatus(directory: string): Promise<ClusterStatus> {
  const paths = clusterPaths(directory);
  const running = runningComponents(paths.cluster);
  const state = await readState(paths);
  return {
    state:
      running.size === componentNames.length
        ? "running"
        : running.size > 0
          ? "incomplete"
          : (await exists(paths.kwokConfig))
            ? "stopped"
            : "absent",
    components: componentNames.map((name) => ({ name, pid: running.get(name)?.[0] })),
    ports: state?.ports,
    kubeconfig: paths.kubeconfig,
  };
}

async function startComponents({ tools, addressPool, report }: StartOptions, paths: ClusterPaths) {
  const pool = parseAddressPool(addressPool);
  const size = pool.reduce((sum, range) => sum + range.count, 0);
  if (size > maximumAddresses) {
    report.note(`The simulated cluster hands out the first ${maximumAddresses} of ${size} load-balancer addresses.`);
  }
  let state = await readState(paths);
  const created = state?.configuration !== undefined && (await exists(paths.kwokConfig));
  const ports = await usablePorts(paths, created ? state?.ports : undefined);
  const config = await kwokConfig(tools, ports, planPorts(pool));
  const configuration = createHash("sha256").update(config).digest("hex");
  let running = runningComponents(paths.cluster);
  if (!created || state?.configuration !== configuration) {
    // kwokctl has no "change": it creates anew, around the etcd data and certificates that lie there.
    await endComponents(paths.cluster);
    await fs.rm(paths.kwokConfig, { force: true });
    running = new Map();
  }
  const missing = componentNames.filter((name) => !running.has(name));
  state = { directory: paths.root, ports, addressPool: state?.addressPool, configuration };
  if (missing.length > 0) {
    await writePidFiles(paths.cluster, running);
    await runKwokctl(tools.kwokctl, paths, config);
    await writeState(paths, state);
  }
  return { started: missing, state };
}

/**
 * The ports of the cluster: those remembered once it has been created, as kubeconfigs hold them, else free ones.
 * @throws when something else listens on a port of a component that does not run
 */
async function usablePorts(paths: ClusterPaths, remembered: ClusterPorts | undefined): Promise<ClusterPorts> {
  if (remembered === undefined) {
    await endComponents(paths.cluster);
    if (!(await exists(paths.cluster))) {
      // Clusters of a checkout that this one was copied or moved from.
      await fs.rm(paths.workDirectory, { recursive: true, force: true });
    }
    return choosePorts(paths.root);
  }
  const running = runningComponents(paths.cluster);
  for (const name of componentNames.filter((component) => !running.has(component))) {
    for (const port of componentPorts[name].map((key) => remembered[key])) {
      if (!(await becomesFree(port))) {
        const owner = portOwner(port) ?? "another program that this user may not look into";
        throw new Error(
          `Port ${port} on 127.0.0.1, which the simulated cluster's ${name} needs, is in use by ${owner}. ` +
            'Stop that program and run again; or run "make down" and "make up" for a new cluster on other ports.',
        );
      }
    }
  }
  return remembered;
}

function describeStarted(started: readonly ComponentName[]): string {
  return started.length === 0
    ? "everything ran already"
    : started.length === componentNames.length
      ? "started"
      : `started ${started.join(", ")}; the rest ran already`;
}

const exists = (file: string): Promise<boolean> =>
  fs.access(file).then(
    () => true,
    () => false,
  );
