import assert from "node:assert/strict";
import { controlFile, packagesFile, packagesStanza, type PackageSpec } from "../../../../hosts/lab/world/debianPackage";
import {
  dockerRepositories,
  kubernetesRepositories,
  otherPackages,
  packagesOf,
} from "../../../../hosts/lab/world/packages";
import { kubernetesReleases, releases } from "../../../../hosts/lab/world/releases";
import type { Binaries } from "../../../../hosts/lab/world/binaries";

const spec: PackageSpec = {
  name: "kubelet",
  version: "1.36.3",
  description: "Node agent",
  relations: { Depends: "mount", Recommends: "iptables" },
  files: {},
};

const binaries: Binaries = {
  kubernetes: Object.fromEntries(kubernetesReleases.map((release) => [release, `/bin-${release}`])),
  agnhost: "/agnhost",
  etcd: "/etcd",
  coredns: "/coredns",
  flannel: "/flannel",
  cniPlugins: "/cni",
  crictl: "/crictl",
  metallb: "/metallb",
  small: "/small",
  world: "/world",
};

describe("lab packages", () => {
  it("have a control file with one field a line", () => {
    assert.equal(
      controlFile(spec, "amd64"),
      "Package: kubelet\nVersion: 1.36.3-1.1\nArchitecture: amd64\n" +
        "Maintainer: inference-stack test lab <lab@example.test>\nSection: admin\nPriority: optional\n" +
        "Depends: mount\nRecommends: iptables\nDescription: Node agent (test build)\n",
    );
  });

  it("are listed in stanzas that an empty line separates", () => {
    const control = "Package: a\n";
    const index = packagesFile([
      packagesStanza(control, "amd64/a.deb", { size: 3, sha256: "00" }),
      packagesStanza(control, "amd64/b.deb", { size: 4, sha256: "01" }),
    ]);
    assert.equal(
      index,
      "Package: a\nFilename: amd64/a.deb\nSize: 3\nSHA256: 00\n\n" +
        "Package: a\nFilename: amd64/b.deb\nSize: 4\nSHA256: 01\n",
    );
  });

  it("offer kubelet, kubeadm and kubectl in every release, each from its own programs", () => {
    const packages = packagesOf(binaries);
    for (const release of kubernetesReleases) {
      const names = packages.filter(({ version }) => version === release).map(({ name }) => name);
      assert.deepEqual(names, ["kubelet", "kubeadm", "kubectl"]);
    }
    for (const { name, version, files } of packages) {
      assert.equal(files[`/usr/bin/${name}`]!.source, `/bin-${version}/${name}`);
    }
  });

  it("put what kubeadm and the kubelet read where the official packages have it", () => {
    const paths = [...packagesOf(binaries), ...otherPackages(binaries)].flatMap(({ files }) => Object.keys(files));
    for (const path of [
      "/usr/lib/systemd/system/kubelet.service",
      "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
      "/etc/default/kubelet",
      "/opt/cni/bin/bridge",
      "/usr/bin/crictl",
    ]) {
      assert.ok(paths.includes(path), path);
    }
  });

  it("are in the repository of their minor version, beside what all of them have", () => {
    const repositories = kubernetesRepositories(binaries);
    const kubernetes = kubernetesReleases.flatMap(() => ["kubelet", "kubeadm", "kubectl"]);
    assert.deepEqual(
      repositories.map(({ root, packages }) => [root, packages.map(({ name }) => name)]),
      [[`v${kubernetesReleases[0]!.replace(/\.\d+$/, "")}`, [...kubernetes, "kubernetes-cni", "cri-tools"]]],
    );
  });

  it("offer containerd 2 as Docker does, which the distribution's containerd gives way to", () => {
    const [repository] = dockerRepositories("/containerd");
    assert.match(repository!.index, /^dists\/bookworm\/stable\/binary-\w+\/Packages$/);
    const control = controlFile(repository!.packages[0]!, "amd64");
    assert.match(control, new RegExp(`^Version: ${releases.containerd}-1~debian\\.12~bookworm$`, "m"));
    assert.match(control, /^Conflicts: containerd$/m);
  });

  it("release versions that an upgrade may step between", () => {
    const [previous, current] = kubernetesReleases.map((release) => release.split(".").map(Number));
    assert.deepEqual(previous!.slice(0, 2), current!.slice(0, 2));
    assert.equal(previous![2]! + 1, current![2]!);
  });
});
