import { readInput, type PreflightInput } from "./input";
import { reportText } from "./report";
import { runPreflight } from "./run";

/**
 * The preflight as the engine runs it: the plan and the key by standard input, findings to standard error, the report
 * as JSON to standard output. Exit code 1 when a row fails.
 */
async function main(): Promise<void> {
  const report = await runPreflight(await readInput<PreflightInput>());
  console.error(reportText(report));
  if (report.passed) console.log(JSON.stringify(report));
  process.exitCode = report.passed ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(`preflight: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
