import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const root = path.join(__dirname, "../../..");

/** Scripts that run on hosts: the stack's own, and the one that it is measured against. */
const scripts = ["components/hosts", "test/bench/hosts"].flatMap((folder) =>
  fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".sh"))
    .map((file) => path.join(folder, file)),
);

describe("scripts of hosts", () => {
  it("are clean for shellcheck", function () {
    this.timeout(120_000);
    if (spawnSync("shellcheck", ["--version"]).error) {
      console.log("      skipped: shellcheck is not installed (apt-get install shellcheck)");
      this.skip();
    }
    assert.ok(scripts.length > 5);
    const { stdout } = spawnSync("shellcheck", scripts, { cwd: root, encoding: "utf8" });
    assert.equal(stdout, "");
  });

  it("name the shell they are for, since they are sent without a first line", () => {
    for (const file of scripts) {
      const [first = ""] = fs.readFileSync(path.join(root, file), "utf8").split("\n");
      assert.match(first, /^(# shellcheck shell=bash|#!\/bin\/(ba)?sh|#!\/usr\/bin\/env bash)/, file);
    }
  });
});
