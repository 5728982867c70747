import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { goTest } from "./goTest";

interface Failure {
  readonly test: string;
  readonly message: string;
}

interface Outcome {
  passed: number;
  skipped: number;
  readonly failed: Failure[];
}

/** A layer of the tests: a command, and how its outcome is counted. */
interface Layer {
  readonly name: string;
  readonly command: readonly string[];
  /** mocha and go: count their tests. check: one test, which its exit code decides. */
  readonly kind: "mocha" | "go" | "check";
  readonly directory?: string;
}

/** Writes a line of a layer's output. */
type Print = (line: string) => void;

const mocha = (glob: string, ...more: string[]): string[] => [
  "mocha",
  "--reporter",
  "test/reporter.cjs",
  glob,
  ...more,
];

const allGoTests = goTest("-json", "./...");

/** Layers of a lane run one after the other, lanes side by side: clusters of hosts wait much of their time. */
const lanes: readonly (readonly Layer[])[] = [
  [
    { name: "types", kind: "check", command: ["tsc", "--noEmit"] },
    { name: "lint", kind: "check", command: ["npm", "run", "--silent", "lint"] },
    { name: "unit", kind: "mocha", command: ["c8", ...mocha("test/unit/**/*.test.ts", "test/policy/**/*.test.ts")] },
    { name: "go: plugins", kind: "go", command: allGoTests, directory: "sim/plugins" },
    { name: "go: state service", kind: "go", command: allGoTests, directory: "sim/backend" },
    { name: "go: lab", kind: "go", command: allGoTests, directory: "test/hosts/lab/go" },
    { name: "sim", kind: "mocha", command: mocha("test/sim/**/*.test.ts") },
    { name: "hosts", kind: "mocha", command: mocha("test/hosts/*.test.ts") },
  ],
  [{ name: "clusters", kind: "mocha", command: mocha("test/hosts/clusters/*.test.ts") }],
];

/** `npm test [-- <layer> …]`: runs the layers, all by default, and closes with the total. */
async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const names = lanes.flat().map(({ name }) => name);
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new Error(`No such layer: ${unknown.join(", ")}. There are: ${names.join(", ")}.`);
  }
  const wanted = lanes
    .map((lane) => lane.filter(({ name }) => asked.length === 0 || asked.includes(name)))
    .filter((lane) => lane.length > 0);
  const { passed, failed } = sum(await Promise.all(wanted.map((lane, index) => runLane(lane, index > 0))));
  for (const failure of failed) {
    console.log(`\n${summary(failure)}`);
  }
  console.log(`\n${passed} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 && passed > 0 ? 0 : 1;
}

/**
 * A failed test in a few lines, those that tell what went wrong: lanes and long outputs lie over all else of it. The
 * engine tells at the end what ended it, after warnings of its own.
 */
function summary({ test, message }: Failure): string {
  const lines = message.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => /error|fail|cause:|next:/i.test(line));
  const told = errors.length > 0 ? errors.slice(-6) : lines.slice(0, 6);
  return [`failed: ${test}`, ...told.map((line) => `    ${line.trim().slice(0, 300)}`)].join("\n");
}

/** @param besides whether another lane runs too, so that lines must say which layer they are of */
async function runLane(lane: readonly Layer[], besides: boolean): Promise<Outcome> {
  const all: Outcome[] = [];
  for (const layer of lane) {
    const print: Print = (line) => console.log(besides ? `${layer.name} | ${line}` : line);
    const start = performance.now();
    print(`==> ${layer.name}`);
    const outcome = await runLayer(layer, print);
    const seconds = Math.round((performance.now() - start) / 1000);
    const { passed, failed, skipped } = outcome;
    print(`==> ${layer.name}: ${passed} passed, ${failed.length} failed, ${skipped} skipped (${seconds} s)`);
    all.push(outcome);
  }
  return sum(all);
}

function sum(outcomes: readonly Outcome[]): Outcome {
  const total: Outcome = { passed: 0, skipped: 0, failed: [] };
  for (const { passed, failed, skipped } of outcomes) {
    total.passed += passed;
    total.skipped += skipped;
    total.failed.push(...failed);
  }
  return total;
}

async function runLayer({ name, kind, command, directory: cwd }: Layer, print: Print): Promise<Outcome> {
  if (kind === "go") {
    return runGo(name, command, cwd, print);
  }
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-test-"));
  const countsFile = path.join(directory, "counts.json");
  try {
    const exitCode = await run(command, { ...process.env, TEST_COUNTS: countsFile }, print);
    if (kind === "check") {
      const failed = exitCode === 0 ? [] : [{ test: name, message: `exit code ${exitCode}: see the lines of ${name}` }];
      return { passed: exitCode === 0 ? 1 : 0, skipped: 0, failed };
    }
    return readCounts(name, countsFile, exitCode);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface GoEvent {
  readonly Action: string;
  readonly Package?: string;
  readonly Test?: string;
  readonly Output?: string;
}

/** Runs `go test -json`: prints what failed, and counts tests, and packages that failed without one. */
async function runGo(
  layer: string,
  [program = "", ...args]: readonly string[],
  cwd: string | undefined,
  print: Print,
): Promise<Outcome> {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
  const outcome: Outcome = { passed: 0, skipped: 0, failed: [] };
  const output = new Map<string, string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const { Action, Package = "", Test, Output = "" } = JSON.parse(line) as GoEvent;
    const key = `${Package} ${Test ?? ""}`;
    output.set(key, (output.get(key) ?? "") + Output);
    if (Action === "pass" || Action === "skip") {
      outcome[Action === "pass" ? "passed" : "skipped"] += Test === undefined ? 0 : 1;
    } else if (Action === "fail" || Action === "build-fail") {
      const message = output.get(key) ?? "";
      outcome.failed.push({ test: `${layer}: ${key.trim()}`, message });
      print(message);
    }
  }
  return endedWith(layer, await ended, outcome);
}

function readCounts(layer: string, file: string, exitCode: number): Outcome {
  let outcome: Outcome;
  try {
    outcome = JSON.parse(readFileSync(file, "utf8")) as Outcome;
  } catch {
    const message = `The runner ended with exit code ${exitCode} before it had counted its tests.`;
    return { passed: 0, skipped: 0, failed: [{ test: layer, message }] };
  }
  return endedWith(layer, exitCode, outcome);
}

/** A runner that failed beyond its tests (coverage, a hook) counts as a failure. */
function endedWith(layer: string, exitCode: number, outcome: Outcome): Outcome {
  if (exitCode !== 0 && outcome.failed.length === 0) {
    outcome.failed.push({ test: layer, message: `exit code ${exitCode}: see the lines of ${layer}` });
  }
  return outcome;
}

async function run([name = "", ...args]: readonly string[], env: NodeJS.ProcessEnv, print: Print): Promise<number> {
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"], env });
  createInterface({ input: child.stdout }).on("line", print);
  createInterface({ input: child.stderr }).on("line", print);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
