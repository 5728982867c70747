import * as assert from "node:assert/strict";
import { compare, summary } from "../../../components/capacity/calibration/compare";
import observations from "../../../components/capacity/calibration/observations.json";

describe("the estimator beside vLLM's logs", () => {
  const { weights, kvBytesPerToken, concurrency, overhead, kvMemory, outcomes } = compare(observations);
  const coverage = (rows: readonly { readonly isInside: boolean }[]): number =>
    rows.filter(({ isInside }) => isInside).length / rows.length;

  it("weights: the median error is below 2%", () => {
    assert.ok(weights.length >= 20, String(weights.length));
    assert.ok(summary(weights).median < 0.02, String(summary(weights).median));
  });
  it("cache of a token, and concurrency of a given cache: the median error is below 1%, the worst below 3%", () => {
    for (const rows of [kvBytesPerToken, concurrency]) {
      assert.ok(rows.length >= 15, String(rows.length));
      assert.ok(summary(rows).median < 0.01);
      assert.ok(Math.abs(summary(rows).worst.error) < 0.03, summary(rows).worst.id);
    }
  });
  it("overhead and cache: most observations lie in the range", () => {
    assert.ok(overhead.length >= 10 && kvMemory.length >= 15);
    assert.ok(coverage(overhead) >= 0.85, String(coverage(overhead)));
    assert.ok(coverage(kvMemory) >= 0.85, String(coverage(kvMemory)));
  });
  it("tells what started from what was refused, in nine of ten cases", () => {
    const right = outcomes.filter(({ fits, started }) => fits === started);
    assert.ok(outcomes.some(({ started }) => started) && outcomes.some(({ started }) => !started));
    assert.ok(right.length >= 0.9 * outcomes.length, `${right.length} of ${outcomes.length}`);
  });
});
