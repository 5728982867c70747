import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Engine } from "../../cli/engine";
import { root } from "../../cli/paths";
import { consoleProgress, ensureTools } from "../../sim/toolchain";
import { assertSucceeded } from "../testStack";

const password = "correct-horse-battery";

/** A step as hosts get it: a secret line of its input, then a script that tells what it does. This one tells too much. */
const program = `
const pulumi = require("@pulumi/pulumi");
const { local } = require("@pulumi/command");
const secrets = new pulumi.Config("inference-stack").requireSecretObject("secrets");
new local.Command("step", {
  create: "IFS= read -r word; cat >/dev/null; echo 'packages: installing' >&2; echo \\"it read $word\\" >&2; echo facts",
  stdin: secrets.apply(({ sudoPassword }) => sudoPassword + "\\n# step\\n:\\n"),
  logging: "stderr",
});
`;

describe("sim: a step whose input holds sudo's password", function () {
  this.timeout("5m");
  let directory: string;
  let engine: Engine;

  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "inference-stack-progress-"));
    const tools = await ensureTools({ report: consoleProgress() });
    const configFile = path.join(directory, "stack-config.yaml");
    writeFileSync(configFile, "config: {}\n");
    writeFileSync(path.join(directory, "index.js"), program);
    symlinkSync(path.join(root, "node_modules"), path.join(directory, "node_modules"));
    writeFileSync(path.join(directory, "Pulumi.yaml"), "name: inference-stack\nruntime: nodejs\nmain: index.js\n");
    const state = path.join(directory, "state");
    engine = new Engine({ tools, stack: "dev", directory: state, project: directory, configFile });
    await engine.prepare();
    await engine.setSecret("secrets.sudoPassword", password);
  });
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it("shows its progress, with the password taken out, and no facts", async () => {
    const result = await engine.capture(["up", "--yes", "--skip-preview", "--non-interactive"]);
    assertSucceeded(result);
    assert.match(result.stdout, /packages: installing/);
    assert.match(result.stdout, /it read \[secret\]/);
    assert.doesNotMatch(result.stdout + result.stderr, /facts|correct-horse/);
  });

  it("keeps the password out of the state", async () => {
    const { stdout } = await engine.capture(["stack", "export"]);
    assert.doesNotMatch(stdout, new RegExp(password));
  });
});
