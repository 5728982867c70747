import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { goEnvironment } from "../../../../sim/toolchain";
import { versions } from "../../../../sim/toolchain/versions";
import { versionsOf } from "./goVersions";

const { workspace } = goEnvironment();
const sim = path.dirname(workspace);
const selected = (modules: readonly string[]) => Object.fromEntries(versionsOf({ workspace, directory: sim }, modules));

describe("go.work", function () {
  // On a fresh machine Go loads what modules say of each other first.
  this.timeout("3m");

  it("holds every Go module of the toolchain, so that what two of them need is compiled once", () => {
    const used = [...fs.readFileSync(workspace, "utf8").matchAll(/^\t\.\/(\S+)$/gm)].map(([, directory]) => directory);
    const all = fs
      .readdirSync(sim, { recursive: true, encoding: "utf8" })
      .filter((file) => path.basename(file) === "go.mod")
      .map((file) => path.dirname(file));
    assert.deepEqual(used.sort(), all.sort());
  });

  it("gives everything that is built its pinned version, whatever the others ask for", () => {
    const kubernetes = `v0.${versions.tools.kubernetes.version.slice(2)}`;
    const wanted: Record<string, string> = {
      ...Object.fromEntries(Object.values(versions.tools).map((tool) => [tool.build.module, `v${tool.version}`])),
      "go.etcd.io/etcd/client/v3": `v${versions.tools.etcd.version}`,
      "go.etcd.io/etcd/etcdctl/v3": `v${versions.tools.etcd.version}`,
      "go.etcd.io/etcd/etcdutl/v3": `v${versions.tools.etcd.version}`,
      ...Object.fromEntries(
        ["api", "apimachinery", "apiserver", "client-go", "kubectl"].map((name) => [`k8s.io/${name}`, kubernetes]),
      ),
    };
    assert.deepEqual(selected(Object.keys(wanted)), wanted);
  });

  it("leaves the API server those libraries of its release that decide what it answers", () => {
    const release = fs.readFileSync(path.join(sim, "toolchain", "go", "kubernetes", "go.mod"), "utf8");
    const names = ["k8s.io/kube-openapi", "sigs.k8s.io/structured-merge-diff/v6", "github.com/google/cel-go"];
    const wanted = names.map((name) => [name, new RegExp(`^\\t${name} (\\S+)`, "m").exec(release)?.[1]]);
    assert.deepEqual(selected(names), Object.fromEntries(wanted));
  });
});
