import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as path from "node:path";

const root = path.join(__dirname, "../../..");

/** What the command says and how it ends. */
function preflight(...args: string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync("node", ["--import=tsx", "cli/preflight.ts", ...args], {
    cwd: root,
    encoding: "utf8",
  });
  return { status, said: stdout + stderr };
}

describe("npm run preflight", function () {
  this.timeout(60_000);

  it("needs neither models' nor the stack's secrets, but a key that can be used", () => {
    const { status, said } = preflight("--stack", "prod", "--key", "package.json");
    assert.equal(status, 1);
    assert.match(said, /secrets\.sshPrivateKey cannot be used: .*Give an OpenSSH or PEM private key/);
  });

  it("says so where a stack has no hosts", () => {
    const { status, said } = preflight("--stack", "dev");
    assert.equal(status, 1);
    assert.match(said, /Pulumi\.dev\.yaml: cluster\.source is simulated; preflight looks at hosts/);
  });
});
