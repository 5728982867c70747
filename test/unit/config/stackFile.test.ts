import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { checkStackConfig } from "../../../components/config/check";
import { configuredNodes, simulatedNodes } from "../../../components/config/nodes";
import { formatProblem } from "../../../components/config/problem";
import { loadStackFile, parseStackFile, readStackFile, secretPlaceholder } from "../../../components/config/stackFile";

const root = path.join(__dirname, "..", "..", "..");
const prod = path.join(root, "Pulumi.prod.yaml");
const dev = path.join(root, "Pulumi.dev.yaml");

/** The text of Pulumi.prod.yaml after the commands that it asks for. */
function prodWithSecrets(): string {
  const secrets = [
    "  inference-stack:secrets:",
    "    sshPrivateKey: {secure: v1:aaa}",
    "    hfTokens: {main: {secure: v1:bbb}}",
  ];
  return `${fs.readFileSync(prod, "utf8")}\n${secrets.join("\n")}\nencryptionsalt: v1:abc\n`;
}

describe("Pulumi.dev.yaml", () => {
  const config = loadStackFile(dev);

  it("is four simulated nodes with eight MI300X each", () => {
    assert.ok(config.cluster.source === "simulated");
    assert.equal(simulatedNodes(config.cluster).length, 4);
    assert.deepEqual(
      configuredNodes(config.cluster, config.gpu)?.map(({ gpus }) => gpus),
      [{ amd: 8 }],
    );
    assert.ok(config.cluster.nodeGroups.every(({ product }) => product === "MI300X"));
  });

  it("serves models of 1, 2 and 8 GPUs a replica, one of them twice", () => {
    assert.deepEqual(
      config.models.map(({ gpusPerReplica, replicas }) => [gpusPerReplica, replicas]),
      [
        [1, 2],
        [2, 1],
        [8, 1],
      ],
    );
  });

  it("needs no secret, so that no passphrase guards anything", () => {
    assert.deepEqual(readStackFile(dev).encrypted, []);
  });
});

describe("Pulumi.prod.yaml", () => {
  it("asks for exactly the secrets that are missing, with their commands", () => {
    const lines = (() => {
      const { values, encrypted } = readStackFile(prod);
      return (checkStackConfig(values, encrypted).problems ?? []).map(formatProblem);
    })();
    assert.equal(lines.length, 2);
    assert.match(lines.join("\n"), /run `pulumi config set --secret --path 'secrets\.hfTokens\.main'`/);
    assert.match(
      lines.join("\n"),
      /run `pulumi config set --secret --path 'secrets\.sshPrivateKey' < ~\/\.ssh\/id_ed25519`/,
    );
    assert.throws(() => loadStackFile(prod), /^Error: The config of Pulumi\.prod\.yaml has 2 problems/);
  });

  it("is accepted once they are set: two hosts with eight MI300X each", () => {
    const { values, encrypted, foreign } = parseStackFile(prodWithSecrets(), "Pulumi.prod.yaml");
    const { config, problems } = checkStackConfig(values, encrypted);
    assert.deepEqual([problems, foreign], [undefined, []]);
    assert.ok(config?.cluster.source === "hosts");
    assert.deepEqual(
      config.cluster.hosts.map(({ gpus, product }) => [gpus, product]),
      [
        [8, "MI300X"],
        [8, "MI300X"],
      ],
    );
  });
});

describe("readStackFile", () => {
  it("gives a placeholder for what is encrypted, and its path", () => {
    const { values, encrypted } = parseStackFile(prodWithSecrets(), "Pulumi.prod.yaml");
    assert.deepEqual(values.secrets, { sshPrivateKey: secretPlaceholder, hfTokens: { main: secretPlaceholder } });
    assert.deepEqual(encrypted, [
      ["secrets", "sshPrivateKey"],
      ["secrets", "hfTokens", "main"],
    ]);
  });

  it("tells the place of bad YAML, without the line", () => {
    const text = "config:\n  inference-stack:secrets: {sshPrivateKey: hunter2\n  x: }}\n";
    assert.throws(
      () => parseStackFile(text, "Pulumi.x.yaml"),
      (error: Error) =>
        /^Pulumi\.x\.yaml, line \d+, column \d+: not valid YAML/.test(error.message) &&
        !error.message.includes("hunter2"),
    );
  });

  it("refuses a file without config", () => {
    for (const text of ["", "encryptionsalt: a\n", "config: 5\n", "config: []\n"]) {
      assert.throws(() => parseStackFile(text, "Pulumi.x.yaml"), /Pulumi\.x\.yaml: no config/);
    }
  });

  it("tells keys of a namespace that is nearly ours, keys of none, and credentials in others", () => {
    const token = `hf_${"x".repeat(30)}`;
    const text = `config:\n  inference-stak:modles: []\n  models: []\n  other:a: ${token}\n  other:b: fine\n  other:c: {secure: v1:a}\n`;
    const { foreign } = parseStackFile(text, "Pulumi.x.yaml");
    assert.equal(foreign.length, 3);
    assert.match(foreign[0]!, /^inference-stak:modles: .*Next: write inference-stack:models\.$/);
    assert.match(foreign[1]!, /^models: .*Next: write inference-stack:models\.$/);
    assert.match(foreign[2]!, /^other:a: \[secret\]\..*pulumi config set --secret 'other:a'/);
    assert.ok(!foreign.join().includes(token));
  });

  it("names the file with every problem in it", () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "stack-file-"));
    try {
      const file = path.join(directory, "Pulumi.x.yaml");
      fs.writeFileSync(file, "config:\n  inference-stack:gpus: 1\n  inference-stak:gpu: 1\n");
      assert.throws(() => loadStackFile(file), /^Error: The config of Pulumi\.x\.yaml has 4 problems/);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
});
