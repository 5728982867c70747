import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { main } from "../../cli/main";
import { consoleProgress, ensureTools } from "../../sim/toolchain";
import { whyNoLab } from "../hosts/lab";
import { ensureSupplies } from "../hosts/lab/world/supplies";
import type { HostsRun, Subject } from "./hosts/measurement";
import { parseHostsOptions, usage, type HostsBenchOptions } from "./hosts/options";
import { runOurs } from "./hosts/ours";
import { runPlain, warmUp } from "./hosts/plain";
import type { ModelObjects } from "./hosts/plainInputs";
import { renderHostsReport, type HostsMeasurements } from "./hosts/report";
import { readTarget, type RunOptions } from "./hosts/runOptions";
import { elapsed, interruption } from "./interruption";

/** `npm run bench:hosts`: from bare hosts to an answered request, beside a shell script; see docs/benchmarks.md. */
main(async (args) => {
  const options = parseHostsOptions(args);
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const reason = whyNoLab();
  if (reason !== undefined) {
    throw new Error(`No lab on this machine: ${reason}.`);
  }
  const progress = consoleProgress();
  const tools = await ensureTools({ report: progress });
  await ensureSupplies(progress, false);
  const signal = interruption("the lab's hosts");
  const [loadBefore = 0] = loadavg();
  const startedAt = new Date().toISOString();
  const runs: HostsRun[] = [];
  try {
    await measureAll({ tools, limitSeconds: options.limitSeconds, signal }, options, runs);
  } finally {
    const command = ["npm run bench:hosts", ...(args.length === 0 ? [] : ["--", ...args])].join(" ");
    // What was measured is worth seeing even when the rest failed.
    finish(options, { command, startedAt, load: [loadBefore, loadavg()[0] ?? 0], runs });
  }
  return 0;
});

async function measureAll(options: RunOptions, { repeat }: HostsBenchOptions, runs: HostsRun[]): Promise<void> {
  const started = Date.now();
  const report = (line: string): void => console.error(`[${elapsed(started)}] ${line}`);
  const target = readTarget();
  report("warm-up: the packages of a host come from the cache afterwards");
  await warmUp(options, target);
  let objects: ModelObjects | undefined;
  for (let round = 0; round < repeat; round++) {
    for (const subject of inTurn(round)) {
      report(`${subject}: run ${round + 1} of ${repeat}`);
      if (subject === "ours" || objects === undefined) {
        const finished = await runOurs(options, target);
        objects = finished.objects;
        runs.push(finished.run);
      } else {
        runs.push(await runPlain(options, target, objects));
      }
      report(describe(runs.at(-1)!));
    }
  }
}

/** The stack goes first, since the script applies its objects; then they change places each round. */
function inTurn(round: number): readonly Subject[] {
  return round % 2 === 0 ? ["ours", "plain"] : ["plain", "ours"];
}

function describe({ subject, nodesReady, answered, ended }: HostsRun): string {
  const [ready, answer, end] = [nodesReady, answered, ended].map((value) => `${value.toFixed(1)} s`);
  return `${subject}: nodes Ready after ${ready}, request answered after ${answer}, ended after ${end}`;
}

function finish({ json }: HostsBenchOptions, measurements: HostsMeasurements): void {
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify(measurements, null, 2)}\n`);
  }
  if (measurements.runs.length > 0) {
    console.log(renderHostsReport(measurements));
  }
}
