import assert from "node:assert/strict";
import { parse } from "smol-toml";
import { consoleProgress } from "../../sim/toolchain";
import { HostSteps } from "./hostSteps";
import { Lab, type LabHost } from "./lab";
import { containerd2Source, releases } from "./lab/world";
import { needsLab } from "./needsLab";

const mirror = "mirror.example.test";
const pause = "registry.k8s.io/pause:3.10.2";

/** A table of a TOML or JSON document. */
type Table = Record<string, unknown>;
const at = (table: Table, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Table | undefined)?.[key], table);

describe("containerd 2 on hosts of the lab", function () {
  this.timeout(600_000);
  let lab: Lab;
  let steps: HostSteps;
  let h1: LabHost;
  let h2: LabHost;

  before(async function () {
    await needsLab(this);
    lab = await Lab.start({ hosts: [{ name: "h1" }, { name: "h2" }], containerd2: true, report: consoleProgress() });
    steps = new HostSteps(lab, "22222222-3333-4444-5555-666666666666");
    [h1, h2] = [lab.host("h1"), lab.host("h2")];
  });
  after(async () => {
    // Undefined where no lab may run.
    await (lab as Lab | undefined)?.stop();
  });

  const cluster = () =>
    steps.cluster({
      containerd: {
        source: containerd2Source,
        config: { plugins: { "io.containerd.cri.v1.images": { max_concurrent_downloads: 7 } } },
      },
      mirrors: { images: { "registry.k8s.io": `https://${mirror}` } },
    });

  /** Starts a pod that shares the host's network, as no CNI plugin is configured. */
  async function startPod(host: LabHost, name: string): Promise<string> {
    const metadata = { name, namespace: "default", uid: name, attempt: 1 };
    const linux = { cgroup_parent: "kubepods.slice", security_context: { namespace_options: { network: 2 } } };
    const sandbox = { metadata, linux };
    const id = await host.run("cat > /tmp/pod.json && crictl runp /tmp/pod.json", { input: JSON.stringify(sandbox) });
    return id.trim();
  }
  const pods = (host: LabHost) => host.run("crictl pods --state ready --quiet --no-trunc");

  it("comes from its repository, and pulls the pause image through the mirror", async () => {
    lab.world.set({ unreachable: ["registry.k8s.io"] });
    const progress = await steps.run("h1", cluster());
    assert.match(progress, /packages: installing .*containerd\.io/);
    assert.match(
      await h1.run("containerd --version"),
      new RegExp(`^containerd containerd\\.io v${releases.containerd} `),
    );
    assert.equal(await h1.run("apt-mark showhold | head -n 1"), "containerd.io\n");
    const asked = lab.world.requests().filter(({ client, host }) => client === h1.address && host === mirror);
    assert.ok(asked.some(({ path, status }) => path?.startsWith("/v2/pause/blobs/sha256:") && status === 200));
    lab.world.set({});
  });

  it("is configured by a file of version 3, which is in force", async () => {
    assert.match(await h1.run("cat /etc/containerd/config.toml"), /^version = 3$/m);
    const dump = parse(await h1.run("containerd config dump")) as Table;
    const images = at(dump, "plugins", "io.containerd.cri.v1.images") as Table;
    assert.equal(at(images, "pinned_images", "sandbox"), pause);
    assert.equal(at(images, "registry", "config_path"), "/etc/containerd/certs.d");
    assert.equal(at(images, "image_pull_progress_timeout"), "30m");
    assert.equal(at(images, "max_concurrent_downloads"), 7);
    const runtime = at(dump, "plugins", "io.containerd.cri.v1.runtime") as Table;
    assert.deepEqual(at(runtime, "cni", "bin_dirs"), ["/opt/cni/bin"]);
    // What the process that runs has made of it.
    const { config } = JSON.parse(await h1.run("crictl info")) as { config: Table };
    assert.equal(at(config, "containerd", "runtimes", "runc", "options", "SystemdCgroup"), true);
    assert.deepEqual(at(config, "cni", "binDirs"), ["/opt/cni/bin"]);
    assert.match(await h1.run("systemctl show -p LimitNOFILE containerd"), /=1048576$/m);
  });

  it("runs a pod in a systemd scope, with the pinned pause image", async () => {
    const id = await startPod(h1, "one");
    assert.match(await h1.run(`crictl inspectp ${id}`), /"image": "registry\.k8s\.io\/pause:3\.10\.2"/);
    assert.match(await h1.run("crictl images --output json"), /"pinned": +true/);
    assert.match(await h1.run("cat /proc/$(pgrep -x pause)/cgroup"), /cri-containerd-[0-9a-f]{64}\.scope/);
    await h1.run("crictl --timeout 60s rmp --force --all");
  });

  it("changes nothing in a second run", async () => {
    const process = await h1.run("systemctl show -p MainPID containerd");
    assert.equal(await steps.run("h1", cluster()), "");
    assert.equal(await h1.run("systemctl show -p MainPID containerd"), process);
  });

  it("takes the place of the distribution's, whose pods run on", async () => {
    await steps.run("h2", steps.cluster());
    assert.match(await h2.run("containerd --version"), / 1\.6\./);
    const pod = await startPod(h2, "one");
    const progress = await steps.run("h2", cluster());
    assert.match(progress, /containerd\.io takes the place of containerd/);
    assert.match(await h2.run("crictl version"), new RegExp(`RuntimeVersion: *v${releases.containerd}`));
    assert.equal(await pods(h2), `${pod}\n`);
    await startPod(h2, "two");
    assert.equal((await pods(h2)).trim().split("\n").length, 2);
    await h2.run("crictl --timeout 60s rmp --force --all");
    assert.equal(await h2.run("apt-mark showhold | head -n 1"), "containerd.io\n");
    assert.equal(await steps.run("h2", cluster()), "");
  });
});
