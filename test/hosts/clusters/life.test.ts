import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { consoleProgress } from "../../../sim/toolchain";
import { inOrder } from "../../inOrder";
import { assertSucceeded, changes } from "../../testStack";
import { Lab, type LabHost } from "../lab";
import { needsLab } from "../needsLab";
import { assertLeft, bareStack, clusterOf, eventually, labKubelet, LabCluster, NEW, OLD } from "./labCluster";
import { LabStack, type HostEntry } from "./labStack";

const roles: Record<string, HostEntry> = {
  h1: { role: "control-plane" },
  h2: { role: "worker", labels: { zone: "a" }, taints: [{ key: "lab", value: "yes", effect: "PreferNoSchedule" }] },
};
const third: Record<string, HostEntry> = { h3: { role: "worker" } };

describe("hosts: a cluster's life", function () {
  this.timeout("15m");
  inOrder(this);
  let lab: Lab;
  let stack: LabStack;
  let cluster: LabCluster;
  let controlPlane: LabHost;

  before(async function () {
    await needsLab(this);
    const hosts = [{ name: "h1", gpus: 8 }, { name: "h2" }, { name: "h3" }];
    lab = await Lab.start({ hosts, report: consoleProgress() });
    stack = await LabStack.start(lab, bareStack(lab, roles, { kubernetesVersion: OLD }));
    controlPlane = lab.host("h1");
    cluster = new LabCluster(lab, stack, controlPlane);
  });

  after(async () => {
    await stack?.stop();
    await lab?.stop();
  });

  const kubectl = (command: string): Promise<string> => cluster.kubectl(command);

  /** Names of the resources that a run changed. */
  function changed(stdout: string): string[] {
    const lines = stdout.matchAll(/^ *[-+~] +\S+ (\S+) (?:created|updated|deleted)/gm);
    return [...new Set([...lines].map(([, name]) => name ?? ""))].sort();
  }

  /** Fingerprint of the authority of the cluster that is gone. */
  let destroyed: string | undefined;

  const fingerprint = async () => (await controlPlane.run("sha256sum /etc/kubernetes/pki/ca.crt")).split(" ")[0];

  it("makes two bare hosts a cluster with Ready nodes", async () => {
    assertSucceeded(await stack.up());
    await cluster.ready("h1", "h2");
  });

  it("leaves no token and no joining host's key anywhere, and the kubeconfig encrypted", async () => {
    const tokens = "get secrets -A --field-selector type=bootstrap.kubernetes.io/token -o name";
    assert.equal(await kubectl(tokens), "");
    assert.equal(
      await lab.host("h2").run("find /etc/inference-stack/cluster -name '*.key' -o -name discovery.conf"),
      "",
    );
    const state = JSON.stringify(await stack.state());
    // The scripts, which the state holds, name such fields too.
    assert.doesNotMatch(state, /BEGIN [A-Z ]*PRIVATE KEY|client-key-data[": \\]+[A-Za-z0-9+/]{20}/);
  });

  it("gives nodes their labels and taints", async () => {
    const format = '{.metadata.labels.zone} {.spec.taints[?(@.key=="lab")].value}';
    assert.equal(await kubectl(`get node h2 -o 'jsonpath=${format}'`), "a yes");
    // It has GPUs, so pods may come, and addresses are announced from it.
    const taints = await kubectl("get node h1 -o 'jsonpath={.spec.taints[*].key} {.metadata.labels}'");
    assert.doesNotMatch(taints, /node-role\.kubernetes\.io\/control-plane:|exclude-from-external/);
  });

  it("changes nothing in a second run", async () => {
    const second = await stack.up();
    assertSucceeded(second);
    assert.deepEqual(Object.keys(changes(second)), ["unchanged"], second.stdout);
  });

  it("adds a worker, whose power is cut while it joins, and touches that host alone", async () => {
    const log = "stat -c %Y-%s /var/log/inference-stack/*";
    const before = await lab.host("h2").run(log);
    await cluster.setHosts(roles, third);
    const joining = path.join(lab.host("h3").root, "/var/lib/kubelet/kubeadm-flags.env");
    await stack.killUpWhen(() => existsSync(joining));
    await lab.host("h3").powerOff();
    await lab.host("h3").powerOn();
    await stack.recover();
    const result = await stack.up();
    assertSucceeded(result);
    await cluster.ready("h1", "h2", "h3");
    const names = changed(result.stdout).filter((name) => !name.startsWith("h3-"));
    // The interrupted run may have got to the end of the preflight.
    assert.deepEqual(
      names.filter((name) => name !== "preflight"),
      [],
      result.stdout,
    );
    assert.equal(await lab.host("h2").run(log), before);
  });

  it("takes back what the config no longer says of a node, and proves that names and the pods' network work", async () => {
    // No device plugin runs here: the validation would wait for GPUs that are declared.
    await cluster.setHosts(
      { h1: { role: "control-plane", gpus: 0 }, h2: { role: "worker", labels: { rack: "7" } } },
      third,
    );
    await stack.configure((config) => {
      clusterOf(config)["validation"] = { enabled: true };
      config["namespaces"] = [{ name: "chat", gpuQuota: 0 }];
      config["gpu"] = { vendor: "none" };
    });
    assertSucceeded(await stack.up());
    const format = "{.metadata.labels.zone} {.metadata.labels.rack} {.spec.taints[*].key}";
    assert.equal(await kubectl(`get node h2 -o 'jsonpath=${format}'`), " 7 ");
    const taint = await kubectl("get node h1 -o 'jsonpath={.spec.taints[*].key}'");
    assert.equal(taint, "node-role.kubernetes.io/control-plane");

    const findings = await stack.engine.capture(["stack", "output", "validation", "--json", "--stack", "lab"]);
    assertSucceeded(findings);
    const checks = (JSON.parse(findings.stdout) as { check: string; subject: string; passed: boolean }[]).map(
      ({ check, subject, passed }) => `${check} ${subject} ${passed}`,
    );
    assert.deepEqual(checks.sort(), [
      ...["h1", "h2", "h3"].map((name) => `dns ${name} true`),
      ...["h1", "h2", "h3"].map((name) => `node-ready ${name} true`),
      ...["h2 to h1", "h3 to h1", "h3 to h2"].map((pair) => `pod-to-pod ${pair} true`),
    ]);
  });

  it("drains, removes and resets a worker that leaves the config", async () => {
    await cluster.setHosts({ ...roles, h2: { role: "worker", labels: { rack: "7" } } });
    await stack.configure((config) => {
      const { gpu, namespaces } = bareStack(lab, roles, {});
      Object.assign(config, { gpu, namespaces });
      clusterOf(config)["validation"] = { enabled: false };
    });
    const result = await stack.up();
    assertSucceeded(result);
    await cluster.ready("h1", "h2");
    await assertLeft(lab.host("h3"));
    assert.equal((await lab.host("h3").tryRun("test -e /etc/inference-stack/cluster-id")).code, 1);
  });

  it("comes back from a reboot of the control plane and a power cut of the worker, with nothing to do", async () => {
    await lab.host("h2").powerOff();
    await controlPlane.reboot();
    await lab.host("h2").powerOn();
    await eventually("an API server", async () => void (await kubectl("get --raw /readyz")));
    await cluster.ready("h1", "h2");
    const result = await stack.up();
    assertSucceeded(result);
    assert.deepEqual(Object.keys(changes(result)), ["unchanged"], result.stdout);
  });

  it("restores etcd to a snapshot", async () => {
    await kubectl("create configmap before --from-literal=a=b");
    const taken = await controlPlane.run("inference-stack-etcd-snapshot");
    const snapshot = /snapshot (\S+\.db)/.exec(taken)?.[1];
    assert.ok(snapshot, taken);
    await kubectl("delete configmap before");
    await kubectl("create configmap after --from-literal=a=b");
    await controlPlane.run(`inference-stack-etcd-restore ${snapshot}`);
    const names = await kubectl("get configmaps -o name");
    assert.match(names, /configmap\/before/);
    assert.doesNotMatch(names, /configmap\/after/);
    await cluster.ready("h1", "h2");
    assert.match(await controlPlane.run("systemctl is-active inference-stack-etcd-snapshot.timer"), /^active/);
  });

  it(`upgrades from ${OLD} to ${NEW} (versions of one build), node by node, after a snapshot`, async () => {
    const authority = await fingerprint();
    const snapshots = "find /var/lib/inference-stack/etcd-snapshots -name '*.db' | wc -l";
    const before = Number(await controlPlane.run(snapshots));
    await stack.configure((config) => {
      clusterOf(config)["kubernetesVersion"] = NEW;
    });
    const result = await stack.up();
    assertSucceeded(result);
    await cluster.ready("h1", "h2");
    const versions = await kubectl(
      "get nodes -o 'jsonpath={.items[*].status.nodeInfo.kubeletVersion} {.items[*].spec.unschedulable}'",
    );
    assert.equal(versions.trim(), `v${NEW} v${NEW}`);
    assert.match(await kubectl("version"), new RegExp(`Server Version: v${NEW}`));
    assert.equal(Number(await controlPlane.run(snapshots)), before + 1);
    assert.equal(await fingerprint(), authority);
    assert.match(await lab.host("h2").run("apt-mark showhold"), /kubeadm\nkubectl\nkubelet/);
  });

  it("refuses to skip a minor version and to go back, before anything is changed", async () => {
    for (const [version, message] of [
      [OLD, /h1.*runs kubelet .*, which is newer than cluster\.kubernetesVersion/],
      ["1.38.0", /h1.*1\.38\.0 would skip a minor version/],
    ] as const) {
      await stack.configure((config) => {
        clusterOf(config)["kubernetesVersion"] = version;
      });
      const result = await stack.up();
      assert.notEqual(result.exitCode, 0);
      assert.match(result.stdout + result.stderr, message);
    }
    assert.match(await kubectl("version"), new RegExp(`Server Version: v${NEW}`));
    await stack.configure((config) => {
      clusterOf(config)["kubernetesVersion"] = NEW;
    });
    assertSucceeded(await stack.up());
  });

  it("renews certificates when asked, and brings a changed configuration to every node", async () => {
    const enddate = "openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -serial";
    const before = await controlPlane.run(enddate);
    await stack.configure((config) => {
      clusterOf(config)["certificateRenewal"] = "first";
      clusterOf(config)["kubelet"] = { ...labKubelet, maxPods: 77 };
    });
    // New certificates need no renewal: the first text is only remembered.
    await controlPlane.run("find /etc/kubernetes/pki -name '*.crt' -exec touch -d '2 hours ago' {} +");
    assertSucceeded(await stack.up());
    assert.notEqual(await controlPlane.run(enddate), before);
    await cluster.ready("h1", "h2");
    assert.equal(await kubectl("get nodes -o 'jsonpath={.items[*].status.capacity.pods}'"), "77 77");
  });

  it("leaves bare hosts behind when it is destroyed", async () => {
    destroyed = await fingerprint();
    assertSucceeded(await stack.destroy());
    for (const name of ["h1", "h2"]) await assertLeft(lab.host(name));
    const snapshots = await controlPlane.run("ls /var/lib/inference-stack/etcd-snapshots");
    assert.match(snapshots, /\.db\n/, "snapshots are the user's");
  });

  it("makes the same hosts another cluster afterwards", async () => {
    assertSucceeded(await stack.up());
    await cluster.ready("h1", "h2");
    assert.ok(destroyed);
    assert.notEqual(await fingerprint(), destroyed);
  });
});
