import * as assert from "node:assert/strict";
import { editDistance, nearest } from "../../../components/config/nearest";
import { formatKey, isWithin, valueAt } from "../../../components/config/paths";
import { formatProblem, renderValue } from "../../../components/config/problem";
import { credentialIn, redact } from "../../../components/config/redact";

describe("editDistance", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["kitten", "sitting", 3],
    ["caht", "chat", 1],
    ["replica", "replicas", 1],
  ];
  for (const [a, b, distance] of cases) {
    it(`${a || "nothing"} to ${b || "nothing"} is ${distance}, both ways`, () => {
      assert.equal(editDistance(a, b), distance);
      assert.equal(editDistance(b, a), distance);
    });
  }
});

describe("nearest", () => {
  it("suggests what is close, whatever its case and separators", () => {
    assert.equal(nearest("max_model_len", ["maxModelLen", "model"]), "maxModelLen");
    assert.equal(nearest("modles", ["model", "models"]), "models");
  });
  it("suggests nothing that is far", () => {
    assert.equal(nearest("password", ["model", "models", "image"]), undefined);
    assert.equal(nearest("x", []), undefined);
  });
});

describe("paths", () => {
  it("are written as pulumi config --path reads them", () => {
    assert.equal(formatKey(["models", 1, "replicas"]), "inference-stack:models[1].replicas");
    assert.equal(formatKey(["secrets", "hfTokens", 'a."b']), 'inference-stack:secrets.hfTokens["a.\\"b"]');
  });
  it("find values, and nothing where there is none", () => {
    assert.equal(valueAt({ a: [{ b: 1 }] }, ["a", 0, "b"]), 1);
    assert.equal(valueAt({ a: "text" }, ["a", "length"]), undefined);
    assert.equal(valueAt({}, ["toString"]), undefined);
  });
  it("lie within others or not", () => {
    assert.ok(isWithin(["a", 1, "b"], ["a", 1]));
    assert.ok(!isWithin(["a"], ["a", 1]));
    assert.ok(!isWithin(["a", 2], ["a", 1]));
  });
});

describe("redact", () => {
  const secrets = [
    `hf_${"x".repeat(30)}`,
    `ghp_${"x".repeat(36)}`,
    `nvapi-${"x".repeat(30)}`,
    `sk-${"x".repeat(30)}`,
    `AKIA${"A".repeat(16)}`,
  ];
  for (const secret of secrets) {
    it(`hides ${secret.slice(0, 5)}…`, () => {
      assert.ok(credentialIn(`before ${secret} after`));
      assert.equal(redact(`before ${secret} after`), "before [secret] after");
    });
  }
  it("hides a private key that is cut off", () => {
    assert.equal(redact(`x -----BEGIN RSA ${"PRIVATE KEY"}-----\nabc`), "x [secret]");
  });
  it("hides every one of several", () => {
    assert.equal(redact(`${secrets[0]!} ${secrets[0]!}`), "[secret] [secret]");
  });
  for (const harmless of [
    "hf_short",
    "Qwen/Qwen3-8B",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
    "https://example.org/a",
    "risk-assessment-of-very-long-names",
  ]) {
    it(`leaves ${harmless} alone`, () => {
      assert.equal(credentialIn(harmless), undefined);
      assert.equal(redact(harmless), harmless);
    });
  }
});

describe("problems", () => {
  it("show values by kind and never whole structures", () => {
    assert.deepEqual([undefined, null, "a", 1, true, [1], [], { a: 1 }].map(renderValue), [
      "not set",
      "null",
      '"a"',
      "1",
      "true",
      "a list of 1 entry",
      "a list of 0 entries",
      "an object",
    ]);
    assert.equal(renderValue("x".repeat(500)).length, 120);
    assert.ok(!renderValue(`${"-".repeat(100)}hf_${"x".repeat(30)}`).includes("hf_"));
  });
  it("are one line each", () => {
    const problem = { path: ["models", 0], value: '"a"', allowed: "one\n  thing", next: "do it" };
    assert.equal(formatProblem(problem), 'inference-stack:models[0]: "a". Allowed: one thing. Next: do it.');
  });
});
