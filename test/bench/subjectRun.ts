import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { addressPool, readSimulatedConfig } from "../../cli/stack";
import { fileBackend, startStateService, stopStateService } from "../../cli/stateBackend";
import { clusterStatus, startCluster, stopCluster } from "../../sim/cluster";
import { recordedProgress, type Tools } from "../../sim/toolchain";
import type { CommandResult } from "./command";
import { KubectlObjects } from "./kubectlObjects";
import { steps, subjectName, type Run, type Step, type StepResult, type Subject } from "./measurement";
import { cpuSecondsOf, peakOf } from "./processMeter";
import { PulumiStack, type KubernetesInputs } from "./pulumiStack";
import { writeWorkload, type Workload } from "./workload";

export interface RunOptions {
  readonly tools: Tools;
  /** Directory that each run gets one of its own in. */
  readonly directory: string;
  readonly limitSeconds: number;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
}

/** What a run leaves for the next: the objects that kubectl is to apply. */
export interface FinishedRun {
  readonly run: Run;
  readonly objects: readonly KubernetesInputs[];
}

const quiet = recordedProgress();

/** Takes one subject through all steps on a fresh simulated cluster. */
export async function runSubject(
  options: RunOptions,
  models: number,
  subject: Subject,
  objects: readonly KubernetesInputs[] = [],
): Promise<FinishedRun> {
  const directory = mkdtempSync(path.join(options.directory, "cluster-"));
  try {
    const workload = writeWorkload(directory, models);
    const config = readSimulatedConfig("bench", workload.configFile);
    const { tools } = options;
    options.signal.throwIfAborted();
    await startCluster({ directory, cluster: config.cluster, addressPool: addressPool(config), tools, report: quiet });
    options.signal.throwIfAborted();
    return subject.tool === "kubectl"
      ? await runKubectl({ ...options, directory }, models, subject, objects)
      : await runPulumi({ ...options, directory }, models, subject, workload);
  } finally {
    await stopCluster({ directory, report: quiet });
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runKubectl(
  options: RunOptions,
  models: number,
  subject: Subject,
  objects: readonly KubernetesInputs[],
): Promise<FinishedRun> {
  const kubectl = new KubectlObjects(options, objects);
  const results: StepResult[] = [];
  for (const step of steps) {
    const result = await runStep(options, models, subject, step, () => kubectl.run(step));
    results.push(result);
    if (result.stoppedAtLimit) break;
  }
  return { run: { models, subject, objects: objects.length, resources: 0, steps: results }, objects };
}

async function runPulumi(
  options: RunOptions,
  models: number,
  subject: Subject & { tool: "pulumi" },
  workload: Workload,
): Promise<FinishedRun> {
  const { directory, tools } = options;
  try {
    const usesService = subject.backend === "service";
    const stack = new PulumiStack({
      ...options,
      configFile: workload.configFile,
      policyConfigFile: subject.policy ? workload.policyConfigFile : undefined,
      backend: usesService ? await startService(tools, directory) : fileBackend(directory),
    });
    await stack.initialize();
    const servicePid = usesService ? readServicePid(directory) : undefined;
    let state: Awaited<ReturnType<PulumiStack["state"]>> = { resources: 0, objects: [] };
    const results: StepResult[] = [];
    for (const step of steps) {
      const result = await runStep(options, models, subject, step, () => stack.run(step), servicePid);
      results.push(result);
      if (result.stoppedAtLimit) break;
      if (step === "up") state = await stack.state();
    }
    const { resources, objects } = state;
    return { run: { models, subject, objects: objects.length, resources, steps: results }, objects };
  } finally {
    await stopStateService(directory);
  }
}

function startService({ stateService }: Tools, directory: string): ReturnType<typeof startStateService> {
  if (stateService === undefined) {
    throw new Error("The state service cannot be built here; measure the file backend alone: --backends file.");
  }
  return startStateService(stateService, directory);
}

/** The service's lock file holds its process id. */
function readServicePid(directory: string): number {
  return Number(readFileSync(path.join(directory, "state-service", "data", "lock"), "utf8"));
}

/** Measures a step, and what the cluster and the state service spend on it meanwhile. */
async function runStep(
  { directory, report }: RunOptions,
  models: number,
  subject: Subject,
  step: Step,
  action: () => Promise<CommandResult>,
  servicePid?: number,
): Promise<StepResult> {
  const { components } = await clusterStatus(directory);
  const bystanders = new Map<string, number>();
  for (const { name, pid } of components) {
    if (pid !== undefined) bystanders.set(name, pid);
  }
  if (servicePid !== undefined) {
    bystanders.set("state service", servicePid);
  }
  const before = cpuSecondsOf(bystanders);
  const { seconds, cpuSeconds, peakBytes, stoppedAtLimit } = await action();
  const after = cpuSecondsOf(bystanders);
  const spent = Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)] as const);
  const label = `${models} models, ${subjectName(subject)}, ${step}`;
  report(`${label}: ${stoppedAtLimit ? "stopped after " : ""}${seconds.toFixed(1)} s`);
  return {
    step,
    seconds,
    ...(stoppedAtLimit ? { stoppedAtLimit } : {}),
    cpuSeconds: { ...cpuSeconds, ...Object.fromEntries(spent) },
    peakBytes: { ...peakBytes, ...(servicePid === undefined ? {} : { "state service": peakOf(servicePid) }) },
  };
}
