import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { consoleProgress } from "../../../sim/toolchain";
import { inOrder } from "../../inOrder";
import { assertSucceeded, changes, run, type RunningUp } from "../../testStack";
import { Lab, type LabHost } from "../lab";
import { containerd2Source } from "../lab/world";
import { needsLab } from "../needsLab";
import { assertLeft, bareStack, eventually, LabCluster } from "./labCluster";
import { LabStack, type HostEntry } from "./labStack";

const names = ["h1", "h2", "h3"];
const roles: Record<string, HostEntry> = Object.fromEntries(names.map((name) => [name, { role: "control-plane" }]));
/** Each kind of step, such as the joins, is interrupted so often at the most. */
const TIMES_A_KIND = 2;
const INTERRUPTIONS = 16;

describe("hosts: three control planes with containerd 2 and a virtual IP (held by a stand-in for kube-vip)", function () {
  this.timeout("20m");
  inOrder(this);
  let lab: Lab;
  let stack: LabStack;
  let cluster: LabCluster;
  let first: LabHost;
  let virtualIp: string;

  before(async function () {
    await needsLab(this);
    const hosts = names.map((name) => ({ name, gpus: 8 }));
    lab = await Lab.start({ hosts, containerd2: true, report: consoleProgress() });
    virtualIp = lab.network.hostAddress(50);
    const containerd = { source: containerd2Source };
    stack = await LabStack.start(lab, bareStack(lab, roles, { virtualIp: { address: virtualIp }, containerd }));
    first = lab.host("h1");
    cluster = new LabCluster(lab, stack, first);
  });

  after(async () => {
    await stack?.stop();
    await lab?.stop();
  });

  /** Cuts the power of a host as soon as a command on it succeeds while `up` runs, and turns it on again. */
  const powerCut =
    (name: string, moment: string) =>
    async ({ ended, output }: RunningUp): Promise<void> => {
      const host = lab.host(name);
      const reached = host.run(`timeout 300 sh -c 'until ${moment}; do sleep 0.1; done'`).then(() => true);
      const inTime = await Promise.race([reached.catch(() => false), ended.then(() => false)]);
      assert.ok(inTime, `${name} never came to the moment of its power cut (${moment}):\n${output().slice(-4000)}`);
      await host.powerOff();
      await host.powerOn();
    };
  const etcdIsToStart = "test -e /etc/kubernetes/manifests/etcd.yaml";
  // Of two members both must agree from here on: without this host the cluster can decide nothing.
  const etcdHasAVote = `grep -qs "Waiting for the new etcd member" /run/inference-stack/join.*/detail`;
  const powerCuts = [
    { step: "h1-init", cut: powerCut("h1", etcdIsToStart) },
    { step: "h2-join", cut: powerCut("h2", etcdIsToStart) },
    { step: "h2-join", cut: powerCut("h2", etcdHasAVote) },
  ];
  // What an engine that is killed has begun goes on. The second control plane joins a second or two after these of the
  // first, and must not do so unseen before its power was cut: until then they run to their end.
  const closeToJoin = ["etcd-backup", "upgrade", "node", "kubeconfig", "admit"];
  const at: string[] = [];
  const kindOf = (step: string): string => step.replace(/^h\d-/, "");

  const mayBreakOff = (name: string): boolean =>
    at.filter((before) => kindOf(before) === kindOf(name)).length < TIMES_A_KIND &&
    (powerCuts.length === 0 || !closeToJoin.includes(kindOf(name)));

  /** The first step that a running `up` has begun and that is still to be interrupted; undefined when it ends before. */
  async function stepToInterrupt({ child, output }: RunningUp): Promise<string | undefined> {
    for (;;) {
      const begun = [...output().matchAll(/command:\w+:Command (\S+) creating/g)].map(([, name]) => name ?? "");
      const step = begun.find((name) => powerCuts.some((each) => each.step === name)) ?? begun.find(mayBreakOff);
      if (step !== undefined || child.exitCode !== null) return step;
      await sleep(50);
    }
  }

  /** Kills the engine; every other time after all SSH connections were cut again and again for a second. */
  async function breakOff(child: ChildProcess): Promise<void> {
    // Somewhere within the step.
    await sleep((at.length * 370) % 1900);
    const end = Date.now() + (at.length % 2 === 0 ? 0 : 1000);
    // An engine that finds its connections cut tries others: it gets no further than this.
    while (child.exitCode === null && Date.now() < end) {
      for (const host of lab.hosts) host.cutConnections();
      await sleep(100);
    }
    child.kill("SIGKILL");
  }

  /** Runs `up` and interrupts it. Resolves to false when nothing was left to interrupt. */
  async function interrupt(): Promise<boolean> {
    const up = stack.startUp();
    const { child, ended } = up;
    const step = await stepToInterrupt(up);
    if (step === undefined) {
      assert.equal(child.exitCode, 0, up.output());
      return false;
    }
    at.push(step);
    const next = powerCuts.findIndex((each) => each.step === step);
    await (next < 0 ? breakOff(child) : powerCuts.splice(next, 1)[0]?.cut(up));
    child.kill("SIGKILL");
    await ended;
    // What was under way on the cluster is looked for there, once its API server answers again.
    if (existsSync(path.join(first.root, "/etc/inference-stack/cluster/member"))) {
      await eventually("the API server", async () => void (await cluster.kubectl("get --raw /readyz")));
      await stack.fetchKubeconfig(first);
    }
    await stack.recover();
    return true;
  }

  const etcdMembers = async (): Promise<string[]> => {
    const members = await cluster.kubectl(
      `-n kube-system exec etcd-${cluster.controlPlane.name} -- ` +
        "etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt " +
        "--cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key member list",
    );
    const lines = members.trim().split("\n");
    // id, status, name, peer address, client address, whether it only learns
    return lines.map((line) => line.split(", ")).map(([, status, name, , , learns]) => `${name} ${status} ${learns}`);
  };

  it("goes on from 15 or more interruptions and three power cuts, and makes one cluster only", async () => {
    const authority = path.join(first.root, "/etc/kubernetes/pki/ca.crt");
    const authorities = new Set<string>();
    while ((at.length < INTERRUPTIONS || powerCuts.length > 0) && (await interrupt())) {
      if (existsSync(authority)) authorities.add(readFileSync(authority, "utf8"));
    }
    console.log(`      interrupted at ${at.join(", ")}`);
    assert.ok(at.length >= 15, `only ${at.length} interruptions`);
    assert.deepEqual(powerCuts, [], "power cuts that were not made");
    assertSucceeded(await stack.up());
    await cluster.ready(...names);
    authorities.add(readFileSync(authority, "utf8"));
    assert.equal(authorities.size, 1, "certificate authorities");
    assert.deepEqual((await etcdMembers()).sort(), ["h1 started false", "h2 started false", "h3 started false"]);
    const second = await stack.up();
    assert.deepEqual(Object.keys(changes(second)), ["unchanged"], second.stdout);
  });

  it("answers at the virtual IP when the control plane that held it loses its power", async () => {
    const holder = async (): Promise<string | undefined> => {
      for (const host of lab.hosts.filter(({ isOn }) => isOn)) {
        if ((await host.run("ip -o -4 address show dev eth0")).includes(` ${virtualIp}/32 `)) return host.name;
      }
      return undefined;
    };
    const before = await holder();
    assert.ok(before);
    await lab.host(before).powerOff();
    await eventually("an API server at the virtual IP", async () => {
      const { exitCode, stdout } = await run("curl", ["-sk", "--max-time", "3", `https://${virtualIp}:6443/readyz`]);
      assert.deepEqual([exitCode, stdout], [0, "ok"]);
    });
    assert.notEqual(await holder(), before);
    await lab.host(before).powerOn();
    await cluster.ready(...names);
  });

  it("becomes a cluster of its second control plane alone, without etcd members that are gone", async () => {
    await cluster.setHosts({ h2: roles.h2! });
    assertSucceeded(await stack.up());
    cluster = new LabCluster(lab, stack, lab.host("h2"));
    await cluster.ready("h2");
    assert.deepEqual(await etcdMembers(), ["h2 started false"]);
    for (const name of ["h1", "h3"]) await assertLeft(lab.host(name));
  });

  it("leaves a bare host behind when it is destroyed", async () => {
    assertSucceeded(await stack.destroy());
    await assertLeft(lab.host("h2"));
  });
});
