import { machine, section, table } from "./markdown";
import { median, steps, subjectName, type ProgramStart, type Run, type Step, type StepResult } from "./measurement";
import type { BenchOptions } from "./options";

/** Everything measured; what `--json` writes. */
export interface Measurements {
  readonly command: string;
  readonly options: BenchOptions;
  readonly startedAt: string;
  readonly runs: readonly Run[];
  readonly starts: readonly ProgramStart[];
  /** Load averages over a minute before and after. */
  readonly load: readonly [number, number];
}

/** All tables, as Markdown. */
export function renderReport(measurements: Measurements): string {
  const { runs, starts } = measurements;
  return [
    machineLine(measurements),
    ...(runs.length > 0
      ? [timesTable, allCpuTable, growthTable, policyTable, memoryTable, cpuTable].map((render) => render(runs))
      : []),
    ...(starts.length > 0 ? [startTable(starts)] : []),
  ]
    .filter((section) => section !== "")
    .join("\n\n");
}

function machineLine({ command, startedAt, options, load }: Measurements): string {
  return `\`${command}\`, ${startedAt.slice(0, 10)}; medians of ${options.repeat} run(s). ${machine(load)}`;
}

interface Group {
  readonly models: number;
  readonly name: string;
  readonly runs: readonly Run[];
}

/** Runs of the same subject and size. */
function groups(runs: readonly Run[]): Group[] {
  const found = new Map<string, Run[]>();
  for (const run of runs) {
    const key = `${run.models} ${subjectName(run.subject)}`;
    found.set(key, [...(found.get(key) ?? []), run]);
  }
  return [...found.values()]
    .map((members) => ({ models: members[0]!.models, name: subjectName(members[0]!.subject), runs: members }))
    .sort((a, b) => a.models - b.models || order(a.name) - order(b.name) || a.name.localeCompare(b.name));
}

const order = (name: string): number => (name === "kubectl" ? 0 : 1);

/** The median of a figure of a step; undefined when a run did not finish the step. */
function stepMedian(group: Group, step: Step, figure: (result: StepResult) => number): number | undefined {
  const results = group.runs.flatMap((run) => run.steps.filter((result) => result.step === step));
  const finished = results.filter((result) => result.stoppedAtLimit === undefined);
  return finished.length < group.runs.length ? undefined : median(finished.map(figure));
}

function stoppedAfter(group: Group, step: Step): string {
  const stopped = group.runs
    .flatMap((run) => run.steps)
    .find((result) => result.step === step && result.stoppedAtLimit);
  return stopped === undefined ? "–" : `> ${stopped.seconds.toFixed(0)} s`;
}

/** A row a group, a column a step; each figure with its ratio to kubectl's at the same size. */
function stepTable(runs: readonly Run[], title: string, note: string, figure: (result: StepResult) => number): string {
  const all = groups(runs);
  const rows = all.map((group) => {
    const baseline = all.find(({ models, name }) => models === group.models && name === "kubectl");
    const { objects, resources } = group.runs[0]!;
    const cells = steps.map((step) => {
      const seconds = stepMedian(group, step, figure);
      if (seconds === undefined) return stoppedAfter(group, step);
      const reference = baseline && stepMedian(baseline, step, figure);
      const ratio = group === baseline || reference === undefined ? "" : ` (${(seconds / reference).toFixed(2)}×)`;
      return `${seconds.toFixed(1)} s${ratio}`;
    });
    return [String(group.models), resources > 0 ? `${objects} / ${resources}` : String(objects), group.name, ...cells];
  });
  return section(title, note, table(["models", "objects", "", ...steps], rows));
}

const ratioNote = "Ratios are to kubectl in the same run.";

function timesTable(runs: readonly Run[]): string {
  const note = `${ratioNote} Objects / resources in the engine's state.`;
  return stepTable(runs, "Times", note, (result) => result.seconds);
}

function allCpuTable(runs: readonly Run[]): string {
  const note = `${ratioNote} The tool's processes and the cluster's; on a busy machine they say more than the times.`;
  return stepTable(runs, "CPU seconds", note, allCpu);
}

/** How much longer a step takes per model than at the size before: 1 is linear growth, less is better. */
function growthTable(runs: readonly Run[]): string {
  const all = groups(runs);
  const rows = all.flatMap((group) => {
    const smaller = all.filter(({ models, name }) => name === group.name && models < group.models).at(-1);
    if (smaller === undefined) return [];
    const growth = (step: Step, figure: (result: StepResult) => number): string => {
      const [before, after] = [stepMedian(smaller, step, figure), stepMedian(group, step, figure)];
      return before === undefined || after === undefined
        ? "–"
        : (after / group.models / (before / smaller.models)).toFixed(2);
    };
    const cells = steps.map((step) => `${growth(step, (result) => result.seconds)} / ${growth(step, allCpu)}`);
    return [[`${smaller.models} → ${group.models}`, group.name, ...cells]];
  });
  if (rows.length === 0) return "";
  const note = "Time / CPU per model, relative to the size before: 1 is linear growth, less is better.";
  return section("Growth", note, table(["models", "", ...steps], rows));
}

const allCpu = (result: StepResult): number => Object.values(result.cpuSeconds).reduce((sum, value) => sum + value, 0);

function policyTable(runs: readonly Run[]): string {
  const all = groups(runs);
  const rows = all.flatMap((group) => {
    const without = all.find(({ models, name }) => models === group.models && name === `${group.name}, no policy pack`);
    if (without === undefined) return [];
    const resources = group.runs[0]!.resources;
    return (["preview", "up", "second up"] as const).flatMap((step) => {
      const seconds = stepMedian(group, step, (result) => result.seconds);
      const base = stepMedian(without, step, (result) => result.seconds);
      const cpu = stepMedian(group, step, (result) => result.cpuSeconds["policy pack"] ?? 0);
      if (seconds === undefined || base === undefined || cpu === undefined || resources === 0) return [];
      const extra = seconds - base;
      const share = `${((100 * extra) / seconds).toFixed(0)} %`;
      const perThousand = `${((1000 * extra) / resources).toFixed(1)} s`;
      return [
        [String(group.models), group.name, step, `${extra.toFixed(1)} s`, share, perThousand, `${cpu.toFixed(1)} s`],
      ];
    });
  });
  if (rows.length === 0) return "";
  const head = ["models", "", "step", "policy pack adds", "share", "per 1,000 resources", "its CPU"];
  return section("Policy pack", "The difference between a run with it and one without.", table(head, rows));
}

/** Figures of every role, a column a role that has any. */
function roleTable(group: readonly Group[], step: Step, figure: Figure, title: string, note: string): string {
  const roles = [...new Set(group.flatMap((entry) => entry.runs.flatMap((run) => run.steps.flatMap(figure.roles))))];
  const value = (entry: Group, role: string): string => {
    const number = stepMedian(entry, step, (result) => figure.of(result, role));
    return number === undefined || number === 0 ? "–" : figure.show(number);
  };
  const shown = roles.filter((role) => group.some((entry) => value(entry, role) !== "–"));
  const rows = group.map((entry) => [String(entry.models), entry.name, ...shown.map((role) => value(entry, role))]);
  return section(title, note, table(["models", "", ...shown], rows));
}

interface Figure {
  readonly roles: (result: StepResult) => string[];
  readonly of: (result: StepResult, role: string) => number;
  readonly show: (value: number) => string;
}

function memoryTable(runs: readonly Run[]): string {
  const figure: Figure = {
    roles: (result) => Object.keys(result.peakBytes),
    of: (result, role) => result.peakBytes[role] ?? 0,
    show: (bytes) => `${Math.round(bytes / 2 ** 20)}`,
  };
  return roleTable(groups(runs), "up", figure, "Peak memory of `up`, MiB", "Resident memory, shared pages included.");
}

function cpuTable(runs: readonly Run[]): string {
  const figure: Figure = {
    roles: (result) => ["all", ...Object.keys(result.cpuSeconds)],
    of: (result, role) => (role === "all" ? allCpu(result) : (result.cpuSeconds[role] ?? 0)),
    show: (seconds) => seconds.toFixed(1),
  };
  const note = "By process, the simulated cluster's included.";
  return steps.map((step) => roleTable(groups(runs), step, figure, `CPU seconds of \`${step}\``, note)).join("\n\n");
}

function startTable(starts: readonly ProgramStart[]): string {
  const of = (program: ProgramStart["program"], figure: (start: ProgramStart) => number): number =>
    median(starts.filter((start) => start.program === program).map(figure));
  const row = (label: string, figure: (start: ProgramStart) => number, show: (value: number) => string): string[] => {
    const [empty, ours] = [of("empty", figure), of("ours", figure)];
    return [label, show(empty), show(ours), `${(ours / empty).toFixed(2)}×`];
  };
  const seconds = (value: number): string => `${value.toFixed(2)} s`;
  return section(
    "Program start",
    `\`pulumi preview\` of an empty program and of ours with one model, medians of ${starts.length / 2} alternating starts.`,
    table(
      ["", "empty", "ours", "ratio"],
      [
        row("whole preview", (start) => start.previewSeconds, seconds),
        row("the program's process", (start) => start.processSeconds, seconds),
        row("CPU of the whole preview", (start) => start.previewCpuSeconds, seconds),
        row("CPU of the program's process", (start) => start.processCpuSeconds, seconds),
        row(
          "its peak memory",
          (start) => start.peakBytes,
          (value) => `${Math.round(value / 2 ** 20)} MiB`,
        ),
      ],
    ),
  );
}
