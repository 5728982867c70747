import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import type { Progress, Tools } from "../../sim/toolchain";
import { Engine } from "../engine";
import { fileBackend } from "../stateBackend";
import type { SimulatedCluster } from "./cluster";
import { isDecided, pendingPods } from "./decisions";
import type { Session } from "./session";
import type { StackCopy } from "./stackCopy";

/** Milliseconds without a step after which an update that waits for a pod which fits nowhere is ended. */
const stuckTime = 8_000;

/** Milliseconds between two looks. */
const interval = 500;

/** How the program's update on the simulated cluster ended. */
export interface BringUp {
  /** URNs of the steps that the engine was waiting in when it was ended; none when it came to its end. */
  readonly unfinished: readonly string[];
}

/**
 * Runs `pulumi up` of the project's own program. When pods fit nowhere, the engine would wait for them until its
 * time-outs; it is ended as soon as nothing else is under way.
 *
 * @throws with what the engine printed when the program or a resource fails for another reason
 */
export async function bringUp(
  session: Session,
  options: { readonly tools: Tools; readonly stack: string; readonly copy: StackCopy },
  cluster: SimulatedCluster,
  report: Progress,
): Promise<BringUp> {
  const task = report.task(`pulumi up of stack ${options.stack}`);
  const engine = await prepareEngine(session, options);
  const eventLog = path.join(session.directory, "events.jsonl");
  const child = session.adopt(
    engine.start(["up", "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs", "--event-log", eventLog]),
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  }
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
  const stuck = await waitForEndOrStuck(ended, eventLog, cluster);
  if (stuck !== undefined) {
    child.kill("SIGINT");
    await ended;
    task.done("ended, as pods fit nowhere");
    return { unfinished: stuck };
  }
  if ((await ended) !== 0) {
    task.failed("failed");
    throw new Error(`The program did not come up on the simulated cluster:\n${output.trim()}`);
  }
  task.done("everything is there");
  return { unfinished: [] };
}

async function prepareEngine(
  session: Session,
  { tools, stack, copy }: { readonly tools: Tools; readonly stack: string; readonly copy: StackCopy },
): Promise<Engine> {
  const { directory } = session;
  const configFile = session.write("stack-config.yaml", stringify({ config: copy.config }));
  const { environment } = fileBackend(directory);
  // Nothing goes on from this state, so it need not be written after each step.
  const unsaved = { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" };
  const backend = { environment: { ...environment, ...unsaved } };
  const engine = new Engine({ tools, stack, directory, configFile, backend });
  await engine.prepare();
  const secrets = Object.entries(copy.secrets).map(([key, value]) => ["--secret", `${key}=${value}`]);
  if (secrets.length > 0) {
    const file = path.join(directory, `Pulumi.${stack}.yaml`);
    const where = ["--stack", stack, "--config-file", file, "--path"];
    const set = await engine.capture(["config", "set-all", ...where, ...secrets.flat()]);
    if (set.exitCode !== 0) {
      throw new Error(`The made-up secrets could not be set:\n${set.stderr}`);
    }
  }
  return engine;
}

/** Resolves to undefined at the end of the engine, or to the steps under way once all that they wait for fits nowhere. */
async function waitForEndOrStuck(
  ended: Promise<number>,
  eventLog: string,
  cluster: SimulatedCluster,
): Promise<readonly string[] | undefined> {
  let over = false;
  const end = ended.finally(() => (over = true));
  let seen = -1;
  let since = Date.now();
  while (!over) {
    await Promise.race([end, sleep(interval)]);
    await cluster.provisionVolumes();
    await cluster.reportGroups();
    const { steps, underWay } = readSteps(eventLog);
    const snapshot = await cluster.snapshot();
    if (steps !== seen || !isDecided(snapshot) || pendingPods(snapshot).length === 0) {
      seen = steps;
      since = Date.now();
    } else if (Date.now() - since >= stuckTime && !over) {
      return underWay;
    }
  }
  return undefined;
}

interface StepEvent {
  readonly resourcePreEvent?: { readonly metadata: { readonly urn: string; readonly op: string } };
  readonly resOutputsEvent?: { readonly metadata: { readonly urn: string } };
  readonly resOpFailedEvent?: { readonly metadata: { readonly urn: string } };
}

/** How many steps the engine has begun and ended, and those begun and not ended, components left out. */
export function readSteps(eventLog: string): { readonly steps: number; readonly underWay: readonly string[] } {
  const text = existsSync(eventLog) ? readFileSync(eventLog, "utf8") : "";
  // The last line may be half written.
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  const underWay = new Set<string>();
  let steps = 0;
  for (const line of lines.filter((one) => one !== "")) {
    const { resourcePreEvent, resOutputsEvent, resOpFailedEvent } = JSON.parse(line) as StepEvent;
    const done = resOutputsEvent ?? resOpFailedEvent;
    if (resourcePreEvent !== undefined && isWaitedFor(resourcePreEvent.metadata.urn)) {
      underWay.add(resourcePreEvent.metadata.urn);
    }
    if (done !== undefined) {
      underWay.delete(done.metadata.urn);
    }
    steps += resourcePreEvent === undefined && done === undefined ? 0 : 1;
  }
  return { steps, underWay: [...underWay] };
}

/** Objects of the cluster are; the stack and its components only end when all of their children have. */
const isWaitedFor = (urn: string): boolean => (urn.split("::")[2]?.split("$").pop() ?? "").startsWith("kubernetes:");
