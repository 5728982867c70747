import * as assert from "node:assert/strict";
import { parseQuantity } from "../../../components/capacity/quantity";

describe("parseQuantity", () => {
  const cases: readonly (readonly [string | number, number])[] = [
    [8, 8],
    ["8", 8],
    ["500m", 0.5],
    ["1.5", 1.5],
    ["64Gi", 64 * 1024 ** 3],
    ["1536Gi", 1.5 * 1024 ** 4],
    ["2k", 2000],
    ["3M", 3e6],
  ];
  for (const [text, value] of cases) {
    it(`reads ${text}`, () => {
      assert.equal(parseQuantity(text), value);
    });
  }
  for (const text of ["", "Gi", "1 Gi", "1GiB", "-1", "1e3", "64gi", "1toString"]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseQuantity(text), /no Kubernetes quantity/);
    });
  }
});
