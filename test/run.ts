import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** A layer of the tests: a command, and how its outcome is counted. */
interface Layer {
  readonly name: string;
  readonly command: readonly string[];
  /** mocha and go: count their tests. check: one test, which its exit code decides. */
  readonly kind: "mocha" | "go" | "check";
  readonly directory?: string;
}

const mocha = (glob: string, ...more: string[]): string[] => [
  "mocha",
  "--reporter",
  "test/reporter.cjs",
  glob,
  ...more,
];

const layers: readonly Layer[] = [
  { name: "types", kind: "check", command: ["tsc", "--noEmit"] },
  { name: "lint", kind: "check", command: ["npm", "run", "--silent", "lint"] },
  { name: "unit", kind: "mocha", command: ["c8", ...mocha("test/unit/**/*.test.ts", "test/policy/**/*.test.ts")] },
  { name: "go: plugins", kind: "go", command: ["go", "test", "-json", "./..."], directory: "sim/plugins" },
  { name: "go: state service", kind: "go", command: ["go", "test", "-json", "./..."], directory: "sim/backend" },
  {
    name: "go: lab",
    kind: "go",
    // As the lab's programs are compiled, so that the compiler finds the packages that they share in its cache.
    command: ["env", "CGO_ENABLED=0", "go", "test", "-trimpath", "-json", "./..."],
    directory: "test/hosts/lab/go",
  },
  { name: "sim", kind: "mocha", command: mocha("test/sim/**/*.test.ts") },
  { name: "hosts", kind: "mocha", command: mocha("test/hosts/**/*.test.ts") },
];

/** `npm test [-- <layer> …]`: runs the layers, all by default, and closes with the total. */
async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !layers.some((layer) => layer.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `No such layer: ${unknown.join(", ")}. There are: ${layers.map((layer) => layer.name).join(", ")}.`,
    );
  }
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const layer of layers.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
    const start = performance.now();
    console.log(`\n==> ${layer.name}`);
    const counts = await runLayer(layer);
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(
      `==> ${layer.name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${seconds} s)`,
    );
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

async function runLayer({ command, kind, directory: cwd }: Layer): Promise<Counts> {
  if (kind === "go") {
    return runGo(command, cwd);
  }
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-test-"));
  const countsFile = path.join(directory, "counts.json");
  try {
    const exitCode = await run(command, { ...process.env, TEST_COUNTS: countsFile });
    if (kind === "check") {
      return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 };
    }
    return readCounts(countsFile, exitCode);
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
async function runGo([name = "", ...args]: readonly string[], cwd: string | undefined): Promise<Counts> {
  const child = spawn(name, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const output = new Map<string, string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const { Action, Package = "", Test, Output = "" } = JSON.parse(line) as GoEvent;
    const key = `${Package} ${Test ?? ""}`;
    output.set(key, (output.get(key) ?? "") + Output);
    if (Action === "pass" || Action === "skip") {
      counts[Action === "pass" ? "passed" : "skipped"] += Test === undefined ? 0 : 1;
    } else if (Action === "fail" || Action === "build-fail") {
      counts.failed += 1;
      console.error(output.get(key));
    }
  }
  return (await ended) !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** A runner that died before its end, or that failed beyond its tests (coverage, a hook), counts as a failure. */
function readCounts(file: string, exitCode: number): Counts {
  let counts: Counts;
  try {
    counts = JSON.parse(readFileSync(file, "utf8")) as Counts;
  } catch {
    console.error(`The runner ended with exit code ${exitCode} before it had counted its tests.`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function run([name = "", ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(name, args, { stdio: ["ignore", "inherit", "inherit"], env });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
