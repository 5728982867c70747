import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { main } from "../../cli/main";
import { consoleProgress, ensureTools } from "../../sim/toolchain";
import { elapsed, interruption } from "./interruption";
import { type ProgramStart, type Run, type Subject } from "./measurement";
import { parseOptions, usage, type BenchOptions } from "./options";
import { measureProgramStart } from "./programStart";
import { renderReport, type Measurements } from "./report";
import { runSubject, type RunOptions } from "./subjectRun";

/** `make bench`: the engine beside kubectl, on simulated clusters of their own; see docs/benchmarks.md. */
main(async (args) => {
  const options = parseOptions(args);
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const tools = await ensureTools({ report: consoleProgress() });
  const interrupt = interruption("the simulated clusters");
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-bench-"));
  const started = Date.now();
  const [loadBefore = 0] = loadavg();
  const report = (line: string): void => {
    console.error(`[${elapsed(started)}] ${line}`);
  };
  try {
    report(`${tools.pluginsLine}; load before the start ${loadBefore.toFixed(1)}`);
    const { limitSeconds } = options;
    const runOptions = { tools, directory, limitSeconds, report, signal: interrupt };
    const starts = options.starts > 0 ? await startsOf(runOptions, options.starts) : [];
    const runs: Run[] = [];
    try {
      await measureAll(runOptions, options, runs);
    } finally {
      // What was measured is worth seeing even when the rest failed.
      const load = [loadBefore, loadavg()[0] ?? 0] as const;
      finish(args, { options, startedAt: new Date(started).toISOString(), runs, starts, load });
    }
    return 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

function finish(args: readonly string[], results: Omit<Measurements, "command">): void {
  const command = args.length === 0 ? "make bench" : `npm run bench -- ${args.join(" ")}`;
  const measurements: Measurements = { command, ...results };
  const { json } = results.options;
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify(measurements, null, 2)}\n`);
  }
  if (measurements.runs.length + measurements.starts.length > 0) {
    console.log(renderReport(measurements));
  }
}

async function startsOf(options: RunOptions, count: number): Promise<ProgramStart[]> {
  options.report(`program start: ${count} starts of an empty program and of ours`);
  return measureProgramStart(options, count);
}

async function measureAll(runOptions: RunOptions, options: BenchOptions, runs: Run[]): Promise<void> {
  for (const models of options.models) {
    for (let round = 0; round < options.repeat; round++) {
      // The first has to be Pulumi's, whose objects kubectl takes; the rest change places each round.
      let objects: Awaited<ReturnType<typeof runSubject>>["objects"] | undefined;
      for (const subject of inTurn(subjectsOf(options, models), round)) {
        const finished = await runSubject(runOptions, models, subject, objects);
        runs.push(finished.run);
        objects ??= finished.objects.length > 0 ? finished.objects : undefined;
      }
    }
  }
}

/** Everyone who is measured at a size; a Pulumi subject first. */
function subjectsOf({ backends, fileUpTo, withoutPolicy }: BenchOptions, models: number): Subject[] {
  const pulumi = backends
    .filter((backend) => backend === "service" || models <= fileUpTo)
    .flatMap((backend) => [
      { tool: "pulumi", backend, policy: true } as const,
      ...(withoutPolicy ? [{ tool: "pulumi", backend, policy: false } as const] : []),
    ]);
  return pulumi.length === 0 ? [] : [...pulumi, { tool: "kubectl" }];
}

/** Turns the order about in every second round, so that no subject always runs on the warmer machine. */
function inTurn(subjects: readonly Subject[], round: number): Subject[] {
  const pulumi = subjects.filter((subject) => subject.tool === "pulumi");
  const kubectl = subjects.filter((subject) => subject.tool === "kubectl");
  const [first, ...rest] = round % 2 === 0 ? pulumi : [...pulumi].reverse();
  return first === undefined ? [] : [first, ...kubectl, ...rest];
}
