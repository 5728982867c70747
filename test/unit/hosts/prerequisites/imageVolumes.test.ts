import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readScript } from "../../../../components/hosts/shell";

/** The check of `containerd.sh` alone, with a containerd that says this version and a `fail` that only prints. */
function check(version: string, imageVolumes = "yes"): string {
  const script = readScript("scripts/containerd.sh");
  const [first] = /^readonly FIRST_WITH_IMAGE_VOLUMES=.*$/m.exec(script) ?? [];
  const [body] = /^check_image_volumes\(\) \{[^]*?^\}$/m.exec(script) ?? [];
  assert.ok(first !== undefined && body !== undefined);
  const program = [
    "set -euo pipefail",
    `containerd() { echo 'containerd ${version}'; }`,
    "fail() { printf '%s|' \"$@\"; exit 1; }",
    `IMAGE_VOLUMES=${imageVolumes}`,
    first,
    body,
    "check_image_volumes",
  ];
  const { stdout, stderr } = spawnSync("bash", ["-c", program.join("\n")], { encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout;
}

describe("a containerd that is to mount images as volumes", () => {
  it("is refused before 2.1, with what to do", () => {
    for (const version of ["github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+b1", "containerd.io v2.0.7 abc"]) {
      assert.match(check(version), /does not mount images as volumes\|.*2\.1\|.*cluster\.containerd\.source/, version);
    }
  });

  it("is taken from 2.1 on, and whatever it is where no weights come from an image", () => {
    for (const version of ["containerd.io v2.1.0 abc", "containerd.io v2.2.1 abc", "debian 2.10.1~ds1 x"]) {
      assert.equal(check(version), "", version);
    }
    assert.equal(check("debian 1.7.24~ds1 x", "no"), "");
  });
});
