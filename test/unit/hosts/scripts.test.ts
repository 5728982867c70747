import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const folder = path.join(__dirname, "../../../components/hosts");

/** The project's scripts below a directory. */
function scripts(directory: string): string[] {
  return fs.readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sh"));
}

describe("scripts of hosts", () => {
  it("are clean for shellcheck", function () {
    this.timeout(120_000);
    if (spawnSync("shellcheck", ["--version"]).error) {
      console.log("      skipped: shellcheck is not installed (apt-get install shellcheck)");
      this.skip();
    }
    const files = scripts(folder);
    assert.ok(files.length > 5);
    const { stdout } = spawnSync("shellcheck", files, { cwd: folder, encoding: "utf8" });
    assert.equal(stdout, "");
  });

  it("name the shell they are for, since they are sent without a first line", () => {
    for (const file of scripts(folder)) {
      const [first = ""] = fs.readFileSync(path.join(folder, file), "utf8").split("\n");
      assert.match(first, /^(# shellcheck shell=bash|#!\/bin\/(ba)?sh|#!\/usr\/bin\/env bash)/, file);
    }
  });
});
