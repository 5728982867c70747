import { existsSync } from "node:fs";
import path from "node:path";
import { configuredSubnet } from "../../components/config/nodes";
import { readStackFile, type StackFile } from "../../components/config/stackFile";
import { ensureTools, type Progress } from "../../sim/toolchain";
import type { SimulateArguments } from "./arguments";
import { bringUp } from "./bringUp";
import { SimulatedCluster, type Snapshot } from "./cluster";
import { pendingPods, podCount } from "./decisions";
import { byUse, failNodes, restore, type Failures } from "./failures";
import { groupNodes, hostNodes } from "./hostNodes";
import { readNodeList, type NodeList } from "./nodeList";
import { podOrder } from "./orders";
import { placeAnew, placementOf, withPlenty } from "./placement";
import { describePlacement, type Orders, type SimulationResult } from "./result";
import { Session } from "./session";
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
  const tools = await ensureTools({ report });
  return Session.run(tools, report, async (session) => {
    await session.start(withPlenty(plan.nodes), report);
    const cluster = new SimulatedCluster(session.kubeconfig);
    const program = { tools, stack, copy: copy(session.kubeconfig) };
    const { unfinished } = await bringUp(session, program, cluster, report);
    const { worst, orders } = await place(session, cluster, { ...plan, orders: options.orders }, report);
    const failures = options.fail > 0 ? await fail(cluster, worst, options.fail, report) : undefined;
    const { source, notes } = plan;
    return { stack, source, ...describePlacement(worst), orders, failures, unfinished, notes };
  });
}

/** Places all pods several times, in different orders, and keeps the placement with most of them Pending. */
async function place(
  session: Session,
  cluster: SimulatedCluster,
  { nodes, orders: wanted }: Plan & Pick<SimulationOptions, "orders">,
  report: Progress,
): Promise<{ readonly worst: Snapshot; readonly orders: Orders }> {
  const task = report.task("Scheduler");
  const workloads = await cluster.workloads();
  const placements: Snapshot[] = [];
  for (let place = 0; place < wanted; place++) {
    task.update(`placing all pods, order ${place + 1} of ${wanted}`);
    const order = podOrder(workloads, place);
    placements.push(await placeAnew(cluster, workloads, order, () => session.setNodes(nodes)));
  }
  const pending = placements.map((placement) => podCount(pendingPods(placement)));
  const most = pending.indexOf(Math.max(...pending));
  if (most < placements.length - 1) {
    task.update("bringing back the placement with most pods Pending");
    await restore(cluster, placementOf(placements[most] as Snapshot), byUse(placements[most] as Snapshot));
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
