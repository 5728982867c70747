import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { goEnvironment } from "../../../../sim/toolchain";
import { workspaceOf } from "../../../../sim/toolchain/goBuild";
import { toolNames, versions } from "../../../../sim/toolchain/versions";
import { versionsOf } from "./goVersions";

const { workspace } = goEnvironment();
const sim = path.dirname(workspace);
const selected = (modules: readonly string[]) => Object.fromEntries(versionsOf({ workspace, directory: sim }, modules));

describe("go.work", function () {
  // On a fresh machine Go loads what modules say of each other first.
  this.timeout("3m");

  it("holds every Go module of sim but actionlint's, so that what two of them need is compiled once", async () => {
    const outside: string[] = [];
    for (const file of fs.readdirSync(sim, { recursive: true, encoding: "utf8" })) {
      const module = path.dirname(file);
      if (path.basename(file) === "go.mod" && (await workspaceOf(path.join(sim, module), goEnvironment())) === "off") {
        outside.push(module);
      }
    }
    // It does not compile with the yaml that the others need.
    assert.deepEqual(outside, ["toolchain/go/actionlint"]);
  });

  it("gives everything that is built its pinned version, whatever the others ask for", () => {
    const kubernetes = `v0.${versions.tools.kubernetes.version.slice(2)}`;
    const wanted: Record<string, string> = {
      ...Object.fromEntries(
        toolNames.map((name) => [versions.tools[name].build.module, `v${versions.tools[name].version}`]),
      ),
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
