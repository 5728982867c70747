import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Engine } from "../../../cli/engine";
import { prepareLabStack } from "../../../cli/lab/stack";
import { root } from "../../../cli/paths";
import { policyArguments } from "../../../cli/stack";
import { stopStateService } from "../../../cli/stateBackend";
import type { Lab } from "../../hosts/lab";
import { measure, type CommandResult } from "../command";
import { pulumiRole } from "../pulumiStack";
import { EventStamps, resourceSpans, type StampedEvent } from "./engineEvents";
import type { HostsRun } from "./measurement";
import { modelObjects, type ModelObjects, type StateResource } from "./plainInputs";
import { withLab, type RunOptions, type Target } from "./runOptions";
import { stagesOfResources } from "./stages";
import { watch, type Watched } from "./watch";

/** The stack on fresh hosts: up until it has ended, up again, destroy. */
export async function runOurs(
  options: RunOptions,
  target: Target,
): Promise<{ readonly run: HostsRun; readonly objects: ModelObjects }> {
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-bench-"));
  try {
    return await withLab(target, (lab) => measureStack(options, target, lab, directory));
  } finally {
    await stopStateService(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureStack(options: RunOptions, target: Target, lab: Lab, directory: string) {
  const engine = await prepareLabStack({ lab, tools: options.tools, directory });
  const eventLog = path.join(directory, "events.jsonl");
  const pulumi = (args: readonly string[], signal = options.signal): Promise<CommandResult> =>
    runEngine({ ...options, signal }, engine, args);
  const up = ["up", "--yes", "--skip-preview", ...policyArguments("lab")];
  const { nodesReady, answered, result } = await watch({ ...options, ...target, lab }, async ({ signal, now }) => {
    const events = await withStamps(eventLog, now, () => pulumi([...up, "--event-log", eventLog], signal));
    return { ended: now(), resources: resourceSpans(events) };
  });
  const exported = await engine.capture(["stack", "export"]);
  const { deployment } = JSON.parse(exported.stdout) as { deployment: { resources: StateResource[] } };
  const second = await pulumi([...up, "--expect-no-changes"]);
  const destroy = await pulumi(["destroy", "--yes", "--skip-preview"]);
  const run: HostsRun = {
    subject: "ours",
    ...{ nodesReady, answered, ...result },
    stages: stagesOfResources(result.resources),
    secondUp: second.seconds,
    destroy: destroy.seconds,
  };
  return { run, objects: { subnet: lab.network.subnet, objects: modelObjects(deployment.resources) } };
}

async function withStamps(
  eventLog: string,
  now: Watched["now"],
  action: () => Promise<unknown>,
): Promise<readonly StampedEvent[]> {
  const stamps = new EventStamps(eventLog, now);
  try {
    await action();
  } finally {
    stamps.stop();
  }
  return stamps.stop();
}

/** @throws when it fails, and when it has not ended within the limit */
async function runEngine(
  { tools, limitSeconds, signal }: RunOptions,
  engine: Engine,
  args: readonly string[],
): Promise<CommandResult> {
  const config = ["--stack", "lab", "--config-file", path.join(engine.directory, "Pulumi.lab.yaml")];
  const result = await measure({
    binary: tools.pulumi,
    args: [...args, "--non-interactive", "--suppress-outputs", ...config],
    cwd: root,
    env: engine.environment(),
    classify: pulumiRole,
    // It is looked at to end its processes, not to account for them.
    sampleMilliseconds: 1000,
    limitSeconds,
    signal,
  });
  if (result.stoppedAtLimit) {
    throw new Error(`pulumi ${args[0]} did not end within ${limitSeconds} s. Next: raise --limit.`);
  }
  return result;
}
