import assert from "node:assert/strict";
import flags033 from "../../../components/config/vllmFlags/0.33.json";
import { hasFlag, releaseOf, unknownFlag } from "../../../components/config/vllmRelease";
import { managedFlags } from "../../../components/config/engineFlags";

const digest = `sha256:${"0".repeat(64)}`;

describe("releaseOf", () => {
  const cases: [string | undefined, string | undefined][] = [
    [undefined, "0.33"],
    ["vllm/vllm-openai:v0.33.0", "0.33"],
    ["vllm/vllm-openai-rocm:0.9.2", "0.9"],
    [`localhost:5000/vllm/vllm-openai:v0.17.1@${digest}`, "0.17"],
    ["rocm/vllm:rocm7.0.0_vllm_0.11.1_20251103", "0.11"],
    ["vllm/vllm-openai:v0.18.0rc1", "0.18"],
    [`vllm/vllm-openai@${digest}`, undefined],
    ["vllm/vllm-openai:nightly", undefined],
    ["localhost:5000/vllm:v1", undefined],
    ["registry.example.org/model-server:2.4.0", undefined],
  ];
  for (const [image, release] of cases) {
    it(`of ${image ?? "the default image"} is ${release ?? "unknown"}`, () => {
      assert.equal(releaseOf(image)?.join("."), release);
    });
  }
});

describe("hasFlag", () => {
  const cases: [string | undefined, boolean][] = [
    [undefined, true],
    ["vllm/vllm-openai:v0.17.9", false],
    ["vllm/vllm-openai:v0.18.0", true],
    ["vllm/vllm-openai:v0.9.0", false],
    ["vllm/vllm-openai:v1.0.0", true],
    [`vllm/vllm-openai@${digest}`, true],
  ];
  for (const [image, expected] of cases) {
    it(`lets ${image ?? "the default image"} ${expected ? "drain" : "not drain"}`, () => {
      assert.equal(hasFlag(image, "--shutdown-timeout"), expected);
    });
  }
});

describe("unknownFlag", () => {
  const cases: [string, string | undefined][] = [
    ["--enable-prefix-cachin", "--enable-prefix-caching"],
    ["--max-num-batch-tokens", "--max-num-batched-tokens"],
    ["--no-enable-prefix-cache", "--no-enable-prefix-caching"],
    ["--shutdown-drain-timeout", "--shutdown-timeout"],
    ["--no-max-model-len", undefined],
    ["--x", undefined],
  ];
  for (const [flag, suggestion] of cases) {
    it(`refuses ${flag}${suggestion === undefined ? "" : ` and suggests ${suggestion}`}`, () => {
      const found = unknownFlag(flag, undefined);
      assert.equal(found?.release, "0.33");
      if (suggestion !== undefined) assert.equal(found.suggestion, suggestion);
    });
  }

  it("accepts the front end's flags, negated switches and short forms", () => {
    for (const flag of ["--chat-template", "--tool-call-parser", "--no-enable-prefix-caching", "-O3", "-q", "-cc"]) {
      assert.equal(unknownFlag(flag, undefined), undefined, flag);
    }
  });

  it("says nothing about releases without a list", () => {
    assert.equal(unknownFlag("--whatever", "vllm/vllm-openai:v0.20.0"), undefined);
    assert.equal(unknownFlag("--whatever", `vllm/vllm-openai@${digest}`), undefined);
  });
});

describe("the flags of 0.33", () => {
  it("hold each flag once, switches and short forms among them, and every flag that the stack manages", () => {
    const all = [...flags033.engine, ...flags033.frontEnd];
    assert.equal(new Set(all).size, all.length);
    for (const flag of [...flags033.switches, ...Object.values(flags033.short), ...managedFlags.keys()]) {
      assert.ok(all.includes(flag), flag);
    }
  });
});
