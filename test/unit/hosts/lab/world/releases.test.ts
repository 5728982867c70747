import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { charts } from "../../../../../components/addons/charts";
import { kubeVipManifest } from "../../../../../components/hosts/cluster/kubeVip";
import { goEnvironment } from "../../../../../sim/toolchain";
import { olderThan } from "../../../../../sim/toolchain/goBuild";
import { versions } from "../../../../../sim/toolchain/versions";
import { releases } from "../../../../hosts/lab/world/releases";
import { versionsBelow } from "../../../sim/toolchain/goVersions";

const modules = path.join(__dirname, "..", "..", "..", "..", "hosts", "lab", "go");
const goMod = (...module: string[]): string => readFileSync(path.join(modules, ...module, "go.mod"), "utf8");

describe("lab releases", () => {
  const pinned: readonly (readonly [string, string, string])[] = [
    ["github.com/containernetworking/plugins", releases.cniPlugins, goMod()],
    ["github.com/containerd/containerd/v2", releases.containerd, goMod("containerd")],
    ["github.com/coredns/coredns", releases.coredns, goMod()],
    ["github.com/flannel-io/flannel", releases.flannel, goMod()],
    ["go.universe.tf/metallb", releases.metallb, goMod("metallb")],
    ["k8s.io/client-go", `0.${versions.tools.kubernetes.version.slice(2)}`, goMod()],
    ["sigs.k8s.io/cri-tools", releases.criTools, goMod()],
  ];
  for (const [module, version, file] of pinned) {
    it(`${module} is what go.mod pins`, () => assert.match(file, new RegExp(`\\s${module} v${version}\\s`)));
  }

  it("are compiled by the oldest Go that the project asks for", () => {
    for (const file of [goMod(), goMod("containerd"), goMod("metallb")]) {
      assert.equal(olderThan(versions.go, /^go (\S+)$/m.exec(file)![1]!), false);
    }
  });

  it("offer the MetalLB of the chart", () => assert.equal(releases.metallb, charts.metalLb.version));

  it("compile client-go with the same modules as sim/toolchain does, so that it is compiled once", function () {
    // On a fresh machine Go loads them first.
    this.timeout("3m");
    const { workspace } = goEnvironment();
    const clients = ["k8s.io/client-go/kubernetes", "k8s.io/client-go/informers"];
    const sim = versionsBelow({ workspace, directory: path.dirname(workspace) }, clients);
    const lab = versionsBelow({ workspace: "off", directory: modules }, clients);
    assert.ok(lab.size > 20);
    assert.deepEqual(
      [...lab].filter(([module, version]) => sim.get(module) !== version),
      [],
    );
  });

  it("offer the kube-vip that the hosts ask for", () => {
    const manifest = kubeVipManifest({ virtualIp: { address: "10.0.0.5" } } as never, 6443);
    assert.ok(manifest.includes(`kube-vip:v${releases.kubeVip}`));
  });
});
