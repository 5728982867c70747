import assert from "node:assert/strict";
import { combinations, countCombinations, first } from "../../../../cli/simulate/combinations";

describe("combinations", () => {
  it("gives every choice once, those of earlier items first", () => {
    assert.deepEqual(
      [...combinations(["a", "b", "c", "d"], 2)].map((choice) => choice.join("")),
      ["ab", "ac", "ad", "bc", "bd", "cd"],
    );
  });

  it("gives one empty choice of nothing, and none of more than there is", () => {
    assert.deepEqual([...combinations(["a"], 0)], [[]]);
    assert.deepEqual([...combinations(["a"], 2)], []);
  });

  it("is as long as countCombinations says", () => {
    for (let count = 0; count <= 8; count++) {
      for (let size = 0; size <= 8; size++) {
        const items = Array.from({ length: count }, (_, index) => index);
        assert.equal([...combinations(items, size)].length, countCombinations(count, size), `${size} of ${count}`);
      }
    }
  });

  it("counts what nobody could try", () => {
    assert.equal(countCombinations(1000, 3), 166_167_000);
    assert.equal(countCombinations(100, 50) > 1e28, true);
  });

  it("takes only as many as asked, without making the others", () => {
    const thousand = Array.from({ length: 1000 }, (_, index) => index);
    assert.deepEqual([...first(combinations(thousand, 500), 2)].length, 2);
    assert.deepEqual([...first([1, 2], 5)], [1, 2]);
  });
});
