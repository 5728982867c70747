import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { compare, summary } from "../../../components/capacity/calibration/compare";
import observations from "../../../components/capacity/calibration/observations.json";
import { gpus } from "../../../components/capacity/gpus";
import { modelIds } from "../../../components/capacity/modelCatalog";

describe("docs/capacity.md", () => {
  const text = fs.readFileSync(path.join(__dirname, "..", "..", "..", "docs", "capacity.md"), "utf8");

  it("lists every model and every GPU of the catalogues", () => {
    for (const id of modelIds()) assert.ok(text.includes(`\`${id}\``), id);
    for (const { name, memoryGiB } of gpus) assert.match(text, new RegExp(`\\| ${name} +\\| ${memoryGiB} GiB`), name);
  });
  it("reports the errors that the calibration has", () => {
    const result = compare(observations);
    const rows = [result.weights, result.kvBytesPerToken, result.concurrency];
    for (const comparisons of rows) {
      const median = `${(summary(comparisons).median * 100).toFixed(2)}%`;
      assert.match(text, new RegExp(`\\| ${comparisons.length} +\\| ${median}`));
    }
    const inside = result.overhead.filter(({ isInside }) => isInside).length;
    assert.ok(text.includes(`${inside} of ${result.overhead.length}`));
  });
});
