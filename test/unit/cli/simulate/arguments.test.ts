import assert from "node:assert/strict";
import { parseArguments } from "../../../../cli/simulate/arguments";

describe("parseArguments of simulate", () => {
  it("has defaults for everything", () => {
    assert.deepEqual(parseArguments([]), {
      stack: "dev",
      nodes: undefined,
      pods: undefined,
      fail: 0,
      orders: 3,
      json: false,
    });
  });

  it("reads every option, in both spellings", () => {
    assert.deepEqual(
      parseArguments(["--stack=prod", "--nodes", "-", "--pods=pods.json", "--fail", "2", "--orders", "5", "--json"]),
      {
        stack: "prod",
        nodes: "-",
        pods: "pods.json",
        fail: 2,
        orders: 5,
        json: true,
      },
    );
  });

  for (const wrong of [
    ["--fail", "-1"],
    ["--fail", "one"],
    ["--fail"],
    ["--orders", "0"],
    ["--nodes", "-", "--pods", "-"],
    ["--stack", "../prod"],
    ["--node", "x"],
    ["prod"],
  ]) {
    it(`refuses ${wrong.join(" ")} with the usage`, () => {
      assert.throws(() => parseArguments(wrong), /npm run simulate -- \[--stack <stack>\]/);
    });
  }
});
