import { machine, section, table } from "../markdown";
import { median } from "../measurement";
import { stages, subjects, type HostsRun, type Span, type Stage, type Subject } from "./measurement";

/** Everything measured; what `--json` writes. */
export interface HostsMeasurements {
  readonly command: string;
  readonly startedAt: string;
  /** Load averages over a minute before and after. */
  readonly load: readonly [number, number];
  readonly runs: readonly HostsRun[];
}

/** Both tables, as Markdown. */
export function renderHostsReport({ command, startedAt, load, runs }: HostsMeasurements): string {
  const count = Math.max(...subjects.map((subject) => runsOf(runs, subject).length));
  return [
    `\`${command}\`, ${startedAt.slice(0, 10)}; medians of ${count} run(s). ${machine(load)}`,
    section(
      "From bare hosts to an answered request",
      "Seconds from the start; the ratio is to the script.",
      times(runs),
    ),
    section("Where the time goes", "How long each part took, and from when to when.", stageTable(runs)),
  ].join("\n\n");
}

const figures: readonly (readonly [string, (run: HostsRun) => number | undefined])[] = [
  ["both nodes Ready", (run) => run.nodesReady],
  ["request answered", (run) => run.answered],
  ["script, or `up`, ended", (run) => run.ended],
  ["second `up`, no changes", (run) => run.secondUp],
  ["`destroy`", (run) => run.destroy],
];

function times(runs: readonly HostsRun[]): string {
  const rows = figures.map(([label, figure]) => {
    const [plain, ours] = subjects.map((subject) => medianOf(runsOf(runs, subject), figure));
    const ratio = plain === undefined || ours === undefined ? "–" : `${(ours / plain).toFixed(2)}×`;
    return [label, seconds(plain), seconds(ours), ratio];
  });
  return table(["", "plain", "ours", "ratio"], rows);
}

function stageTable(runs: readonly HostsRun[]): string {
  const rows = stages.map((stage) => [
    stage,
    ...subjects.map((subject) => {
      const span = medianSpan(runsOf(runs, subject), stage);
      return span === undefined
        ? "–"
        : `${seconds(span.to - span.from)} (${span.from.toFixed(0)} – ${span.to.toFixed(0)})`;
    }),
  ]);
  return table(["", "plain", "ours"], rows);
}

function medianSpan(runs: readonly HostsRun[], stage: Stage): Span | undefined {
  const bound = (name: keyof Span): number | undefined =>
    medianOf(runs, (run) => run.stages.find((each) => each.stage === stage)?.[name]);
  const [from, to] = [bound("from"), bound("to")];
  return from === undefined || to === undefined ? undefined : { from, to };
}

const runsOf = (runs: readonly HostsRun[], subject: Subject): HostsRun[] =>
  runs.filter((run) => run.subject === subject);

/** Of the runs that have the figure; undefined when none has. */
function medianOf(runs: readonly HostsRun[], figure: (run: HostsRun) => number | undefined): number | undefined {
  const values = runs.map(figure).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
}

const seconds = (value: number | undefined): string => (value === undefined ? "–" : `${value.toFixed(1)} s`);
