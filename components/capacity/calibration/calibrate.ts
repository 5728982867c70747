import * as fs from "node:fs";
import * as path from "node:path";
import { compare, summary, type Comparison, type RangeComparison } from "./compare";
import type { Observation } from "./observation";

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

function printErrors(title: string, comparisons: readonly Comparison[], isVerbose: boolean): void {
  if (comparisons.length === 0) return console.log(`${title}: nothing to compare`);
  const { median, worst } = summary(comparisons);
  console.log(
    `${title}: ${comparisons.length} rows, median ${percent(median)}, worst ${percent(worst.error)} (${worst.id})`,
  );
  if (!isVerbose) return;
  for (const { id, estimated, observed, error } of comparisons) {
    console.log(`  ${id}  estimated ${estimated.toFixed(2)}  logged ${observed.toFixed(2)}  ${percent(error)}`);
  }
}

function printRanges(title: string, comparisons: readonly RangeComparison[], isVerbose: boolean): void {
  const inside = comparisons.filter(({ isInside }) => isInside).length;
  console.log(`${title}: ${inside} of ${comparisons.length} rows inside the range`);
  for (const { id, range, observed, isInside } of comparisons) {
    if (isInside && !isVerbose) continue;
    const [low, high] = range;
    const verdict = isInside ? "" : "  OUTSIDE";
    console.log(`  ${id}  ${low.toFixed(2)} to ${high.toFixed(2)}  logged ${observed.toFixed(2)}${verdict}`);
  }
}

/** `npx tsx components/capacity/calibration/calibrate.ts [observations.json] [--verbose]`. */
const isVerbose = process.argv.includes("--verbose");
const [file = path.join(__dirname, "observations.json")] = process.argv
  .slice(2)
  .filter((word) => !word.startsWith("--"));
const result = compare(JSON.parse(fs.readFileSync(file, "utf8")) as Observation[]);
printErrors("weights per GPU", result.weights, isVerbose);
printErrors("KV bytes per token", result.kvBytesPerToken, isVerbose);
printErrors("concurrency of a given cache", result.concurrency, isVerbose);
printRanges("overhead", result.overhead, isVerbose);
printRanges("KV memory", result.kvMemory, isVerbose);
const right = result.outcomes.filter(({ fits, started }) => fits === started);
console.log(`started or refused: ${right.length} of ${result.outcomes.length} foretold`);
for (const { id, fits, started } of result.outcomes) {
  if (fits !== started)
    console.log(`  ${id}  estimated ${fits ? "fits" : "does not fit"}, and it ${started ? "started" : "did not"}`);
}
