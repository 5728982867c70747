import * as assert from "node:assert/strict";
import type { Path } from "../../../components/config/paths";
import { formatProblem } from "../../../components/config/problem";
import { goodConfig, linesOf, problemsOf, withValue } from "./support";

// Put together here so that scanners of leaked credentials pass this file by.
const token = `hf_${"aB3".repeat(12)}`;
const privateKey = `-----BEGIN OPENSSH ${"PRIVATE KEY"}-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH ${"PRIVATE KEY"}-----\n`;

/** Places where someone might put a credential, the key that is blamed, and what the user is told to do. */
const misplaced: readonly (readonly [place: string, config: unknown, key: string, next: RegExp, secret: string])[] = [
  [
    "a token as hfToken",
    withValue(goodConfig(), ["models", 0, "hfToken"], token),
    "models[0].hfToken",
    /secrets/,
    token,
  ],
  [
    "a token as revision",
    withValue(goodConfig(), ["models", 0, "revision"], token),
    "models[0].revision",
    /revoke/,
    token,
  ],
  [
    "a token inside a text",
    withValue(goodConfig(), ["chartSource"], `https://x/${token}`),
    "chartSource",
    /revoke/,
    token,
  ],
  [
    "a token under an unknown key",
    withValue(goodConfig(), ["models", 0, "env"], { T: token }),
    "models[0].env.T",
    /revoke/,
    token,
  ],
  [
    "a token in a list",
    withValue(goodConfig(), ["models", 0, "extraArgs"], [`--x=${token}`]),
    "models[0].extraArgs[0]",
    /revoke/,
    token,
  ],
  [
    "a token as name of a key",
    withValue(goodConfig(), ["secrets"], { hfTokens: { [token]: "x" } }),
    "secrets.hfTokens.[secret]",
    /name it otherwise/,
    token,
  ],
  [
    "a private key",
    withValue(goodConfig(), ["cluster", "subnet"], privateKey),
    "cluster.subnet",
    /revoke/,
    "b3BlbnNzaC1rZXk",
  ],
  [
    "a password in a URL",
    withValue(goodConfig(), ["chartSource"], "https://me:hunter2@charts.example.org"),
    "chartSource",
    /revoke/,
    "hunter2",
  ],
  [
    "--hf-token=…",
    withValue(goodConfig(), ["models", 0, "extraArgs"], ["--hf-token=tiny-one"]),
    "models[0].extraArgs[0]",
    /hfToken\.fromSecrets/,
    "tiny-one",
  ],
  [
    "--hf_token …",
    withValue(goodConfig(), ["models", 0, "extraArgs"], ["--hf_token", "tiny-one"]),
    "models[0].extraArgs[0]",
    /hfToken\.fromSecrets/,
    "tiny-one",
  ],
  [
    "--api-key …",
    withValue(goodConfig(), ["models", 0, "extraArgs"], ["--seed=1", "--api-key", "tiny-one"]),
    "models[0].extraArgs[1]",
    /gateway/,
    "tiny-one",
  ],
  [
    "--api-key … in one argument",
    withValue(goodConfig(), ["models", 0, "extraArgs"], ["--api-key tiny-one"]),
    "models[0].extraArgs[0]",
    /gateway/,
    "tiny-one",
  ],
];

describe("credentials in plain text", () => {
  for (const [place, config, key, next, secret] of misplaced) {
    it(`refuses ${place} without printing it`, () => {
      const lines = linesOf(config);
      const found = lines.find((line) => line.startsWith(`inference-stack:${key}: `));
      assert.ok(found, `nothing at ${key}, but:\n${lines.join("\n")}`);
      assert.match(found.slice(found.indexOf("Next: ")), next);
      assert.ok(!lines.join("\n").includes(secret));
      assert.ok(!JSON.stringify(problemsOf(config).map(({ value, allowed }) => [value, allowed])).includes(secret));
    });
  }

  it("never prints the value of a key that sounds secret, nor what follows a credential flag", () => {
    const config = withValue(goodConfig(), ["models", 0, "apiKey"], "hunter2");
    withValue(config, ["models", 0, "hfToken"], "hunter3");
    withValue(config, ["models", 0, "extraArgs"], ["--api-key", 12345678]);
    withValue(config, ["secrets"], { kubeconfig: 7654321, password: "hunter4" });
    const text = linesOf(config).join("\n");
    assert.match(text, /models\[0\]\.apiKey: unknown key, with value \[secret\]/);
    assert.match(text, /models\[0\]\.hfToken: \[secret\]/);
    assert.match(text, /secrets\.kubeconfig: \[secret\]/);
    assert.match(text, /secrets\.password: unknown key, with value \[secret\]/);
    assert.doesNotMatch(text, /hunter|12345678|7654321/);
  });
});

describe("secrets", () => {
  const secrets = { hfTokens: { main: "value-one", team: "value-two" }, sshPrivateKey: "value-three" };
  const config = (): unknown => withValue(goodConfig(), ["secrets"], secrets);

  it("are refused in plain text, each with the command that encrypts it", () => {
    const lines = linesOf(config(), []);
    assert.equal(lines.length, 3);
    assert.match(
      lines[0]!,
      /^inference-stack:secrets\.hfTokens\.main: \[secret\] in plain text\..*`pulumi config set --secret --path 'secrets\.hfTokens\.main'`/,
    );
    assert.match(lines[2]!, /--path 'secrets\.sshPrivateKey' < ~\/\.ssh\/id_ed25519`/);
    assert.doesNotMatch(lines.join("\n"), /value-/);
  });

  it("are refused where only one of them is encrypted", () => {
    const encrypted: Path[] = [
      ["secrets", "hfTokens", "main"],
      ["secrets", "sshPrivateKey"],
    ];
    assert.deepEqual(
      problemsOf(config(), encrypted).map(({ path }) => path.join(".")),
      ["secrets.hfTokens.team"],
    );
  });

  it("are accepted encrypted", () => {
    assert.deepEqual(problemsOf(config(), [["secrets"]]), []);
  });

  it("are refused under any other key, encrypted or not", () => {
    const [problem, ...others] = problemsOf(config(), [["secrets"], ["models"]]);
    assert.equal(others.length, 0);
    assert.match(
      formatProblem(problem!),
      /^inference-stack:models: an encrypted value\. Allowed: encrypted values under secrets only/,
    );
  });

  it("need no spaces or line breaks in a token", () => {
    const lines = linesOf(withValue(goodConfig(), ["secrets"], { hfTokens: { main: "value-one\n" } }));
    assert.equal(lines.length, 1);
    assert.match(
      lines[0]!,
      /^inference-stack:secrets\.hfTokens\.main: \[secret\]\. Allowed: a token without spaces or line breaks/,
    );
  });
});
