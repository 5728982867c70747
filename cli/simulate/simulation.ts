import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { configuredSubnet } from "../../components/config/nodes";
import { readStackFile, type StackFile } from "../../components/config/stackFile";
import { ensureTools, type Progress } from "../../sim/toolchain";
import type { SimulateArguments } from "./arguments";
import { bringUp } from "./bringUp";
import { SimulatedCluster, type Snapshot } from "./cluster";
import { pendingPods, podCount } from "./decisions";
import { byUse, failNodes, fixedPods, restore, type Failures } from "./failures";
import { groupSets } from "./groups";
import { groupNodes, hostNodes } from "./hostNodes";
import { isRunning, statedWorkload } from "./marks";
import { readNodeList, type NodeList } from "./nodeList";
import { podOrder } from "./orders";
import { readPodList, type ListedPod } from "./podList";
import { placeAnew, placementOf, withPlenty } from "./placement";
import { describePlacement, type Orders, type SimulationResult } from "./result";
import { runningPods, type RunningPods } from "./runningPods";
import { Session } from "./session";
import { takeRoom } from "./takeRoom";
import { checkOriginal, copyForSimulation, type StackCopy } from "./stackCopy";

/** Where the project has the stand-in charts, which render the same pods as the real ones and can always be had. */
const charts = "./sim/charts";

export interface SimulationOptions extends Omit<SimulateArguments, "json"> {
  /** The stack's config file. */
  readonly file: string;
}

interface Plan extends NodeList {
  /** Where the nodes come from, in words. */
  readonly source: string;
  /** Subnet of these nodes as the stack's config has it. */
  readonly subnet?: string;
}

/**
 * Brings the stack's own program up on a simulated cluster with these nodes, and lets the scheduler place its pods.
 * Nothing of it is left behind.
 *
 * @throws Error when the config or the node list is broken, or the program fails for another reason than pods that wait
 */
export async function simulate(options: SimulationOptions, report: Progress): Promise<SimulationResult> {
  const { stack } = options;
  const name = path.basename(options.file);
  if (!existsSync(options.file)) {
    throw new Error(`--stack ${stack}: there is no ${name}; give the name of a stack that has such a file`);
  }
  const file = readStackFile(options.file);
  const plan = planNodes(options, file, name);
  const copy = (kubeconfig: string): StackCopy =>
    copyForSimulation(file, name, { kubeconfig, chartSource: charts, subnet: plan.subnet });
  // All that can be wrong with the config is told before anything starts; the kubeconfig's path is not looked at.
  copy("kubeconfig");
  const listed = options.pods === undefined ? undefined : readPodList(options.pods);
  const tools = await ensureTools({ report });
  return Session.run(tools, report, async (session) => {
    await session.start(withPlenty(plan.nodes), report);
    const cluster = new SimulatedCluster(session.kubeconfig);
    const program = { tools, stack, copy: copy(session.kubeconfig) };
    const { unfinished } = await bringUp(session, program, cluster, report);
    await bindClaims(cluster);
    await cluster.createReplicaSets((await cluster.leaderWorkerSets()).flatMap(groupSets));
    const running = await addRunning(cluster, listed, options, plan.nodes, report);
    const { worst, orders } = await place(session, cluster, { ...plan, orders: options.orders, running }, report);
    const failures = options.fail > 0 ? await fail(cluster, worst, options.fail, report) : undefined;
    const notes = [...plan.notes, ...running.notes, ...displaced(running, worst)];
    return { stack, source: plan.source, ...describePlacement(worst), orders, failures, unfinished, notes };
  });
}

/** Milliseconds for claims to be bound; pods of one that is not are Pending, and the scheduler says so. */
const claimPatience = 30_000;

/** Claims that the program made last may still wait, as no pod of a group has waited for them. */
async function bindClaims(cluster: SimulatedCluster): Promise<void> {
  const deadline = Date.now() + claimPatience;
  while (!(await cluster.provisionVolumes()) && Date.now() < deadline) {
    await sleep(200);
  }
}

const noPods: RunningPods = { pods: [], sets: [], priorities: new Map(), notes: [] };

/** Puts the pods of the list onto their nodes. */
async function addRunning(
  cluster: SimulatedCluster,
  listed: readonly ListedPod[] | undefined,
  { pods: file }: SimulationOptions,
  nodes: Plan["nodes"],
  report: Progress,
): Promise<RunningPods> {
  if (listed === undefined) {
    return noPods;
  }
  const task = report.task("Running pods");
  const names = new Set(nodes.map(({ name }) => name));
  const source = file === "-" ? "standard input" : (file ?? "");
  const running = runningPods(listed, { source, nodes: names, made: await cluster.madeWorkloads() });
  await takeRoom(cluster, running);
  task.done(`${running.pods.length + running.sets.length} on their nodes`);
  return running;
}

/** Says which running pods a pod with a higher priority displaced for good. */
function displaced({ pods }: RunningPods, { pods: left }: Snapshot): string[] {
  const names = new Set(left.filter(isRunning).map(({ metadata }) => metadata?.name));
  const lost = pods.filter(({ metadata }) => !names.has(metadata?.name));
  const shown = lost.map(({ metadata }) => Object.values(statedWorkload(metadata) ?? {}).join("/"));
  return lost.length === 0 ? [] : [`Displaced by pods of a higher priority, and gone: ${shown.join(", ")}.`];
}

/** Places all pods several times, in different orders, and keeps the placement with most of them Pending. */
async function place(
  session: Session,
  cluster: SimulatedCluster,
  { nodes, orders: wanted, running }: Plan & Pick<SimulationOptions, "orders"> & { readonly running: RunningPods },
  report: Progress,
): Promise<{ readonly worst: Snapshot; readonly orders: Orders }> {
  const task = report.task("Scheduler");
  const workloads = await cluster.workloads();
  const before = placementOf(await cluster.snapshot(), isRunning);
  const prepareNodes = async (): Promise<void> => {
    // Pods of a higher priority may have displaced some.
    await cluster.createPods(running.pods);
    if (before.size > 0) {
      await restore(
        cluster,
        before,
        nodes.map(({ name }) => name),
      );
    }
    await session.setNodes(nodes);
  };
  const placements: Snapshot[] = [];
  for (let place = 0; place < wanted; place++) {
    task.update(`placing all pods, order ${place + 1} of ${wanted}`);
    const order = podOrder(workloads, place);
    placements.push(await placeAnew(cluster, workloads, order, prepareNodes));
  }
  const pending = placements.map((placement) => podCount(pendingPods(placement)));
  const most = pending.indexOf(Math.max(...pending));
  if (most < placements.length - 1) {
    task.update("bringing back the placement with most pods Pending");
    const worst = placements[most] as Snapshot;
    await restore(cluster, placementOf(worst), byUse(worst));
    await cluster.createPods(fixedPods(worst));
  }
  task.done("every pod has a node, or a reason to have none");
  const orders = { tried: wanted, withPending: pending.filter((count) => count > 0).length };
  return { worst: placements[most] as Snapshot, orders };
}

async function fail(cluster: SimulatedCluster, placed: Snapshot, count: number, report: Progress): Promise<Failures> {
  const task = report.task("Node failures");
  const failures = await failNodes(cluster, placed, count, (done, of) => task.update(`${done} of ${of} combinations`));
  task.done(`${failures.tried} of ${failures.combinations} combinations`);
  return failures;
}

/** The nodes to simulate: those of the list, or those that the stack's config describes. */
function planNodes({ nodes, stack }: SimulationOptions, file: StackFile, name: string): Plan {
  if (nodes !== undefined) {
    return { ...readNodeList(nodes), source: nodes === "-" ? "standard input" : nodes };
  }
  const { cluster, gpu, loadBalancer } = checkOriginal(file, name);
  const subnet = configuredSubnet(cluster, loadBalancer);
  switch (cluster.source) {
    case "hosts":
      return { ...hostNodes(cluster, gpu.vendor === "nvidia" ? "nvidia" : "amd"), source: `hosts of ${name}`, subnet };
    case "simulated":
      return { ...groupNodes(cluster), source: `node groups of ${name}`, subnet };
    case "kubeconfig":
      throw new Error(
        `Stack ${stack} has cluster.source: kubeconfig, whose nodes its config does not tell. ` +
          `Next: kubectl get nodes -o json > nodes.json, then npm run simulate -- --stack ${stack} --nodes nodes.json`,
      );
  }
}
