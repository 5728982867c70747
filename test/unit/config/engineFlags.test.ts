import * as assert from "node:assert/strict";
import { flagName, managedFlags } from "../../../components/config/engineFlags";
import { goodConfig, linesOf, withValue } from "./support";

describe("flagName", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["--max-model-len", "--max-model-len"],
    ["--max_model_len=8", "--max-model-len"],
    [" --port 80", "--port"],
    ["--compilation-config.level=3", "--compilation-config"],
    ["-tp=2", "--tensor-parallel-size"],
    ["-O3", "-O3"],
    ["8", undefined],
    ["-1", undefined],
    ["value", undefined],
  ];
  for (const [argument, flag] of cases) {
    it(`of ${argument} is ${flag ?? "none"}`, () => {
      assert.equal(flagName(argument), flag);
    });
  }
});

describe("managed flags", () => {
  for (const flag of new Set([...managedFlags.keys(), "-tp", "-pp", "-dp", "-n", "-r"])) {
    it(`${flag} is refused in extraArgs, in every spelling`, () => {
      for (const argument of [
        flag,
        `${flag}=1`,
        flag.startsWith("--") ? `--${flag.slice(2).replaceAll("-", "_")}` : flag,
      ]) {
        const lines = linesOf(withValue(goodConfig(), ["models", 0, "extraArgs"], [argument]));
        assert.equal(lines.length, 1, lines.join("\n"));
        assert.match(lines[0]!, /^inference-stack:models\[0\]\.extraArgs\[0\]: .*Next: (set|remove) /);
      }
    });
  }

  it("leave alone what only starts like one", () => {
    for (const argument of ["--model-impl=auto", "--hf-config-path", "--no-enable-prefix-caching", "-O3"]) {
      assert.deepEqual(linesOf(withValue(goodConfig(), ["models", 0, "extraArgs"], [argument])), []);
    }
  });
});
