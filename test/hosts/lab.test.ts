import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { consoleProgress } from "../../sim/toolchain";
import { listProcesses } from "../../sim/toolchain/processes";
import { Lab, sudoPassword, users } from "./lab";
import { groupDirectories } from "./lab/cgroups";
import { execute } from "./lab/execute";
import { needsLab } from "./needsLab";

/** What a lab has left on this machine: anything that bears its name or its directory. */
async function leftovers({ network, directory }: Pick<Lab, "network" | "directory">): Promise<string[]> {
  const { name } = network;
  const own = new RegExp(`\\b${name}\\b`);
  const lines = async (...args: string[]): Promise<string[]> =>
    (await execute("ip", args)).split("\n").filter((line) => own.test(line));
  return [
    ...(await lines("-o", "link")),
    ...(await lines("netns", "list")),
    ...(await lines("address")),
    ...groupDirectories(name),
    ...listProcesses()
      .filter(({ command }) => command.includes(directory))
      .map(({ pid, command }) => `process ${pid}: ${command}`),
    ...readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => own.test(line) || line.includes(directory)),
    ...readdirSync("/run/systemd/nspawn", { recursive: true })
      .map(String)
      .filter((file) => own.test(file)),
    ...(existsSync(directory) ? [directory] : []),
  ];
}

describe("hosts: the lab", function () {
  this.timeout("10m");
  let lab: Lab;

  before(async function () {
    await needsLab(this);
    const hosts = [{ name: "h1", gpus: 8 }, { name: "h2" }];
    lab = await Lab.start({ hosts, world: false, report: consoleProgress() });
  });
  after(async () => {
    await lab?.stop();
  });

  it("gives each host an identity of its own", async () => {
    const files = "/etc/machine-id /sys/class/dmi/id/product_uuid /sys/class/net/eth0/address /etc/hostname";
    const [one = [], other = []] = await Promise.all(
      lab.hosts.map(async (host) => (await host.run(`cat ${files}`)).trim().split("\n")),
    );
    assert.equal(one.length, 4);
    one.forEach((value, index) => assert.notEqual(value, other[index]));
    assert.notEqual(lab.hosts[0]?.hostKey, lab.hosts[1]?.hostKey);
  });

  it("boots systemd without a failed unit", async () => {
    for (const host of lab.hosts) {
      assert.equal((await host.run("systemctl is-system-running --wait")).trim(), "running");
    }
  });

  it("shows the GPUs that were asked for, and the driver", async () => {
    const gpus = "grep -l 0x74a1 /sys/bus/pci/devices/*/device 2>/dev/null | wc -l; ls /dev | grep -c '^kfd$' || true";
    assert.equal(await lab.host("h1").run(gpus), "8\n1\n");
    assert.equal(await lab.host("h2").run(gpus), "0\n0\n");
  });

  it("has one sudo user with and one without a password", async () => {
    const host = lab.host("h1");
    assert.equal(await host.run("sudo -n id -u", { user: users.passwordless }), "0\n");
    assert.notEqual((await host.tryRun("sudo -n id -u", { user: users.withPassword })).code, 0);
    const options = { user: users.withPassword, input: `${sudoPassword}\n` };
    assert.equal(await host.run("sudo -S -p '' id -u", options), "0\n");
  });

  it("keeps sysctls, mounts and modules of a host to itself", async () => {
    const host = lab.host("h1");
    const panic = readFileSync("/proc/sys/kernel/panic", "utf8").trim();
    const other = String(Number(panic) + 7);
    await host.run(
      `sysctl -qw kernel.panic=${other} net.ipv4.ip_forward=1 && modprobe overlay && modprobe br_netfilter`,
    );
    assert.equal((await host.run("sysctl -n kernel.panic")).trim(), other);
    assert.equal((await lab.host("h2").run("sysctl -n kernel.panic")).trim(), panic);
    assert.equal(readFileSync("/proc/sys/kernel/panic", "utf8").trim(), panic);
    assert.notEqual((await host.tryRun("modprobe no_such_module")).code, 0);
  });

  it("lets hosts reach each other", async () => {
    await lab.host("h1").run(`ping -c 1 -W 5 ${lab.host("h2").address}`);
  });

  it("comes back from a reboot as another boot, with what was written", async () => {
    const host = lab.host("h1");
    const boot = await host.run("echo kept > /var/kept; cat /proc/sys/kernel/random/boot_id");
    await host.run(`echo 'GRUB_CMDLINE_LINUX="iommu=pt"' > /etc/default/grub.d/lab.cfg && update-grub`);
    assert.doesNotMatch(await host.run("cat /proc/cmdline"), /iommu=pt/);
    await host.reboot();
    assert.notEqual(await host.run("cat /proc/sys/kernel/random/boot_id"), boot);
    assert.equal(await host.run("cat /var/kept"), "kept\n");
    assert.match(await host.run("cat /proc/cmdline"), /iommu=pt/);
  });

  it("survives a power cut", async () => {
    const host = lab.host("h2");
    await host.powerOff();
    assert.equal(host.isOn, false);
    await assert.rejects(host.run("true", { timeout: 2000 }));
    await host.powerOn();
    assert.equal(await host.run("hostname"), "h2\n");
  });

  it("cuts SSH connections without ending what they started", async () => {
    const host = lab.host("h1");
    const running = host.tryRun("setsid sh -c 'sleep 2; echo done > /var/after-cut'; echo never");
    await sleep(1000);
    host.cutConnections();
    assert.deepEqual(await running, { code: undefined, stdout: "", stderr: "" });
    await sleep(1500);
    assert.equal(await host.run("cat /var/after-cut"), "done\n");
  });

  it("plays faults: a pulled cable, a wrong clock, a full disk, other contents", async () => {
    const host = lab.host("h1");
    await host.unplug();
    await assert.rejects(host.run("true", { timeout: 1000 }));
    await host.plug();
    host.skewClock(300);
    const skewed = Number(await host.run("date +%s"));
    host.skewClock(0);
    assert.ok(Math.abs(skewed - Date.now() / 1000 - 300) < 10, `${skewed}`);
    await host.mountSmallDisk("/var/lib/models", 8);
    assert.match((await host.tryRun("head -c 9M /dev/zero > /var/lib/models/file")).stderr, /No space left/);
    await host.override("/proc/swaps", "Filename Type Size Used Priority\n/dev/vda2 partition 1000 0 -2\n");
    assert.match(await host.run("swapon --show"), /vda2/);
  });

  it("says who holds a lab that another wants", async () => {
    const slot = Number(lab.network.name.replace("islab", ""));
    await assert.rejects(Lab.start({ slot, hosts: [], world: false }), new RegExp(`of process ${process.pid}`));
  });

  it("leaves nothing behind", async () => {
    await lab.stop();
    assert.deepEqual(await leftovers(lab), []);
  });
});

describe("hosts: a lab whose owner is killed with kill -9", function () {
  this.timeout("5m");

  before(async function () {
    await needsLab(this);
  });

  it("loses its power at once, and the next lab removes it", async () => {
    const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-lab-"));
    const program = `require("./test/hosts/lab").Lab.start({ directory: ${JSON.stringify(directory)}, hosts: [{ name: "h1" }], world: false })
      .then((lab) => { console.log(lab.network.name); setInterval(() => undefined, 1000); });`;
    const owner = spawn(process.execPath, ["--import=tsx", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const name = await new Promise<string>((resolve) =>
      owner.stdout.once("data", (data: Buffer) => resolve(data.toString())),
    );
    const abandoned = Lab.attach(directory);
    const host = abandoned.host("h1");
    assert.ok(host.isOn);
    owner.kill("SIGKILL");
    for (let waited = 0; host.isOn && waited < 100; waited++) {
      await sleep(100);
    }
    assert.equal(host.isOn, false);

    const next = await Lab.start({ hosts: [], world: false });
    await next.stop();
    assert.equal(abandoned.network.name, name.trim());
    assert.deepEqual(await leftovers(abandoned), []);
    rmSync(directory, { recursive: true, force: true });
  });
});
