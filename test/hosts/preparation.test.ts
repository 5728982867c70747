import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { PreflightReport } from "../../components/hosts/preflight/report";
import { consoleProgress } from "../../sim/toolchain";
import { HostSteps } from "./hostSteps";
import { Lab, sudoPassword, type LabHost } from "./lab";
import { needsLab } from "./needsLab";

const clusterId = "11111111-2222-3333-4444-555555555555";
/** Runs a program of perl, which is part of every Debian, in the background. */
const perl = (program: string): string => `setsid perl -e '${program}' </dev/null >/dev/null 2>&1 &`;
/** Holds a lock as apt does. */
const holdLock = (seconds: number): string =>
  perl(
    `use Fcntl; open F, ">>/var/lib/dpkg/lock-frontend"; ` +
      `$lock = pack("s s x4 q q i", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $lock) or die; sleep ${seconds}`,
  );
const listen = (port: number): string =>
  perl(`use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => ${port}, Listen => 1) or die; sleep 600`);

/** `host id` of the findings of a level. */
const ids = (report: PreflightReport, level: "fail" | "warn" = "fail"): string[] =>
  report.findings.filter(({ severity }) => severity === level).map(({ host, id }) => `${host} ${id}`);
const found = (report: PreflightReport, id: string): string =>
  report.findings
    .filter((finding) => finding.id === id)
    .map(({ host, found: text }) => `${host}: ${text}`)
    .join("\n");

describe("Preflight and prerequisites on hosts of the lab", function () {
  this.timeout(900_000);
  let lab: Lab;
  let steps: HostSteps;
  let h1: LabHost;
  let h2: LabHost;

  before(async function () {
    await needsLab(this);
    lab = await Lab.start({ hosts: [{ name: "h1", gpus: 8 }, { name: "h2" }], report: consoleProgress() });
    steps = new HostSteps(lab, clusterId);
    [h1, h2] = [lab.host("h1"), lab.host("h2")];
  });
  after(async () => {
    // Undefined where no lab may run.
    await (lab as Lab | undefined)?.stop();
  });

  /** Every file of the host that a preflight might touch, with time and size. */
  const fileList = (host: LabHost): Promise<string> =>
    host.run("find /etc /usr /var/lib /opt -xdev -type f -printf '%p %s %T@\\n' 2>/dev/null | sort");

  describe("preflight", () => {
    it("passes bare hosts, for root and by sudo with a password, and changes nothing", async () => {
      const before = await fileList(h1);
      assert.deepEqual(ids(await steps.preflight(steps.cluster())), []);
      const bySudo = steps.cluster({}, { user: "admin" });
      assert.deepEqual(ids(await steps.preflight(bySudo, { sudoPassword })), []);
      assert.equal(await fileList(h1), before);
      assert.equal(await h1.run("ls -d /run/inference-stack* 2>/dev/null || echo none"), "none\n");
    });

    it("tells everything that is wrong with all hosts in one report", async () => {
      const uuid = await h1.run("cat /sys/class/dmi/id/product_uuid");
      await h2.override("/sys/class/dmi/id/product_uuid", uuid);
      await h2.run("hostname h1");
      await h1.override("/proc/swaps", "Filename Type Size Used Priority\n/swap.img file 99999999 88888888 -2\n");
      await h1.override("/etc/os-release", 'ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian GNU/Linux 11"\n');
      await h1.mountSmallDisk("/var/lib/containerd", 64);
      await h1.run(`${holdLock(600)} ${listen(6443)}`);
      await h2.run("mkdir -p /etc/inference-stack && echo another-cluster > /etc/inference-stack/cluster-id");
      h2.skewClock(3600);
      const podCidr = lab.network.subnet.replace(/\d+\.\d+\/\d+$/, "0.0/16");
      const faulty = steps.cluster({ podCidr, kubernetesVersion: "1.36.99" }, {});
      faulty.hosts[0]!.gpus = 4;
      const report = await steps.preflight(faulty);
      assert.deepEqual(ids(report), [
        ...["h1 os", "h1 swap", "h1 hostname-unique", "h1 product-uuid-unique", "h1 subnet-overlap", "h1 ports"],
        ...["h1 package-lock", "h1 disk", "h1 kubernetes-packages", "h1 gpu-count"],
        ...["h2 hostname-unique", "h2 product-uuid-unique", "h2 subnet-overlap", "h2 other-cluster"],
        ...["h2 clock", "h2 kubernetes-packages"],
      ]);
      assert.match(
        found(report, "package-lock"),
        /h1: \/var\/lib\/dpkg\/lock-frontend is held by process \d+ \(.*perl/,
      );
      assert.match(found(report, "ports"), /h1: port 6443 is taken by perl/);
      assert.match(found(report, "clock"), /h2: its clock is (3599|3600|3601) s ahead/);
      assert.match(found(report, "kubernetes-packages"), /has no kubelet, kubeadm, kubectl of version 1\.36\.99/);
      assert.match(found(report, "gpu-count"), /h1: has 8 AMD GPUs on PCI; the config says 4/);
      assert.equal(await h1.run("ls /etc/inference-stack 2>/dev/null || echo none"), "none\n");
      h2.skewClock(0);
      await h2.run("rm -r /etc/inference-stack");
      await Promise.all([h1.reboot(), h2.reboot()]);
    });

    it("passes again once the faults are corrected", async () => {
      assert.deepEqual(ids(await steps.preflight(steps.cluster())), []);
    });

    it("goes through a bastion, whose key is pinned as well", async () => {
      const bastion = { address: h1.address, user: "debian", hostKey: h1.hostKey };
      assert.deepEqual(ids(await steps.preflight(steps.cluster({ bastion }))), []);
      const report = await steps.preflight(steps.cluster({ bastion: { ...bastion, hostKey: h2.hostKey } }));
      assert.deepEqual(ids(report), ["h1 host-key", "h2 host-key"]);
      assert.match(found(report, "host-key"), /h2: its bastion cannot be used: shows the SSH key SHA256:/);
    });

    it("reads the key of a host at the first contact", () => {
      assert.equal(steps.firstKey("h2"), h2.hostKey.split(" ").slice(0, 2).join(" "));
    });

    it("names hosts that it cannot get into, and why", async () => {
      const failing = async (ofHosts: object, credentials = {}): Promise<string> => {
        const report = await steps.preflight(steps.cluster({}, ofHosts), credentials);
        assert.equal(report.failures, 2);
        return report.findings.map(({ id, found: text }) => `${id}: ${text}`)[0] ?? "";
      };
      const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC9hQ3Y8XTkxQzSG+QAIh5ixkThW5tk+fFh5X39EQCu4";
      assert.match(await failing({ hostKey: other }), /^host-key: shows the SSH key SHA256:.*; pinned is SHA256:/);
      assert.match(await failing({ port: 2222 }), /^unreachable: .* port 2222: connect ECONNREFUSED/);
      assert.match(await failing({ user: "stranger" }), /^login: does not let stranger log in/);
      assert.match(await failing({ user: "admin" }), /^root: does not let admin become root: .*password is required/);
      assert.match(await failing({ user: "admin" }, { sudoPassword: "wrong" }), /^root: .*incorrect password/);
    });
  });

  describe("prerequisites", () => {
    it("prepare a host by sudo with a password, and change nothing the second time", async () => {
      const cluster = steps.cluster({}, { user: "admin" });
      const progress = await steps.run("h2", cluster, /./, sudoPassword);
      assert.match(progress, /packages: installing .*kubelet=1\.36\.3-1\.1/);
      const held = await h2.run("apt-mark showhold");
      assert.deepEqual(held.trim().split("\n"), ["containerd", "kubeadm", "kubectl", "kubelet"]);
      const before = await fileList(h2);
      const unit = await h2.run("systemctl show -p LimitNOFILE,LimitMEMLOCK,NeedDaemonReload containerd");
      assert.equal(unit, "LimitNOFILE=1048576\nLimitMEMLOCK=infinity\nNeedDaemonReload=no\n");
      const containerd = await h2.run("systemctl show -p MainPID containerd");
      assert.equal(await steps.run("h2", cluster, /./, sudoPassword), "");
      assert.equal(await fileList(h2), before);
      assert.equal(await h2.run("systemctl show -p MainPID containerd"), containerd);
      assert.equal(await h2.run(`grep -rl ${sudoPassword} /etc /run /var/log 2>/dev/null | wc -l`), "0\n");
    });

    it("go on where cut connections and a power cut left them", async () => {
      const cluster = steps.cluster();
      await steps.run("h1", cluster, /system/);
      const [packages] = await steps.steps("h1", cluster, /packages/);
      for (const moment of [300, 1500, 4000]) {
        const running = packages!.run().then(
          () => "ended",
          () => "cut",
        );
        await sleep(moment);
        h1.cutConnections();
        await running;
      }
      const installing = packages!.run().catch((error: unknown) => error);
      await sleep(3000);
      await h1.powerOff();
      await h1.powerOn();
      await installing;
      await steps.run("h1", cluster);
      assert.equal(await h1.run("dpkg --audit"), "");
      assert.match(await h1.run("kubeadm version -o short"), /^v1\.36\.3$/m);
      assert.equal(await h1.run("ls /run/inference-stack"), "lock\nrunning\n");
    });

    it("install anew a package that was being unpacked when the power was cut", async () => {
      const halfUnpacked = "/^Package: kubeadm$/,/^$/ s/^Status: .*/Status: hold reinstreq half-installed/";
      await h1.run(`sed -i '${halfUnpacked}' /var/lib/dpkg/status && rm /var/lib/dpkg/info/kubeadm.* /usr/bin/kubeadm`);
      assert.match(await h1.run("dpkg --audit"), /must be reinstalled[^]* kubeadm /);
      await steps.run("h1", steps.cluster(), /packages/);
      assert.equal(await h1.run("dpkg --audit"), "");
      assert.match(await h1.run("kubeadm version -o short"), /^v1\.36\.3$/m);
      assert.match(await h1.run("apt-mark showhold"), /^kubeadm$/m);
    });

    it("wait for another program that installs packages", async () => {
      await h1.run("apt-mark unhold kubectl && dpkg --remove kubectl");
      await h1.run(holdLock(8));
      const progress = await steps.run("h1", steps.cluster(), /packages/);
      assert.match(progress, /waiting for process \d+ \(.*perl.*\), which holds the package locks/);
      assert.match(progress, /holding kubectl at 1\.36\.3-1\.1/);
    });

    it("refuse a version that no source has, and an image that no registry has", async () => {
      await h1.run("apt-mark unhold kubectl && dpkg --remove kubectl");
      await assert.rejects(
        steps.run("h1", steps.cluster({ kubernetesVersion: "1.36.99" }), /packages/),
        /h1: packages: no package source has kubectl 1\.36\.99\n {2}cause: the sources hold: .*1\.36\.3-1\.1/,
      );
      await steps.run("h1", steps.cluster(), /packages/);
      const kubeadm = { clusterConfiguration: { imageRepository: "registry.k8s.io/nowhere" } };
      await assert.rejects(
        steps.run("h1", steps.cluster({ kubeadm }), /containerd/),
        /h1: containerd: the image registry\.k8s\.io\/nowhere\/pause:3\.10\.2 cannot be pulled/,
      );
    });

    it("say that a disk is full, and go on once it is not", async () => {
      await h1.run("apt-mark unhold kubelet && dpkg --remove kubelet && apt-get clean");
      await h1.mountSmallDisk("/var/cache/apt/archives", 4);
      await assert.rejects(
        steps.run("h1", steps.cluster(), /packages/),
        /h1: packages: .*\n {2}cause: the disk is full/,
      );
      await h1.run("umount /var/cache/apt/archives");
      await steps.run("h1", steps.cluster(), /packages/);
    });

    it("take containerd's own tables, and the mirrors that the config names", async () => {
      const plugins = { "io.containerd.grpc.v1.cri": { max_concurrent_downloads: 7 } };
      const images = { "registry.k8s.io": "https://registry.k8s.io", "quay.io": "https://quay.io" };
      await steps.run("h1", steps.cluster({ containerd: { config: { plugins } }, mirrors: { images } }), /containerd/);
      assert.match(await h1.run("crictl info"), /"maxConcurrentDownloads": 7/);
      assert.match(await h1.run("cat /etc/containerd/certs.d/quay.io/hosts.toml"), /server = "https:\/\/quay\.io"/);
      await steps.run("h1", steps.cluster(), /containerd/);
      assert.doesNotMatch(await h1.run("crictl info"), /"maxConcurrentDownloads": 7/);
      assert.equal(await h1.run("find /etc/containerd/certs.d -type f"), "");
    });

    it("reboot once for settings of GPU hosts, and not for those that hold", async () => {
      const tuning = { iommuPassthrough: true, kernelParameters: ["pci=realloc=off"], reboot: "when-needed" };
      const boot = await h1.run("cat /proc/sys/kernel/random/boot_id");
      const progress = await steps.run("h1", steps.cluster({ tuning }), /tuning|reboot/);
      assert.match(progress, /rebooting for: kernel parameters .*iommu=pt pci=realloc=off/);
      const rebooted = await h1.run("cat /proc/sys/kernel/random/boot_id");
      assert.notEqual(rebooted, boot);
      assert.match(await h1.run("cat /proc/cmdline"), / iommu=pt pci=realloc=off/);
      assert.match(
        await steps.run("h1", steps.cluster({ tuning }), /tuning|reboot/),
        /rebooted for this change already/,
      );
      assert.equal(await h1.run("cat /proc/sys/kernel/random/boot_id"), rebooted);
    });

    it("do not reboot a host that is a node", async () => {
      await steps.run("h1", steps.cluster(), /system/);
      await h1.run("mkdir -p /etc/kubernetes && touch /etc/kubernetes/kubelet.conf");
      const tuning = { iommuPassthrough: true, kernelParameters: ["pcie_aspm=off"], reboot: "when-needed" };
      const boot = await h1.run("cat /proc/sys/kernel/random/boot_id");
      const progress = await steps.run("h1", steps.cluster({ tuning }), /tuning|reboot/);
      assert.match(progress, /the host is a node and is not rebooted by itself/);
      assert.equal(await h1.run("cat /proc/sys/kernel/random/boot_id"), boot);
      await h1.run("rm /etc/kubernetes/kubelet.conf");
    });

    it("refuse a host of another cluster, and give one free on delete", async () => {
      const stranger = new HostSteps(lab, "another-cluster");
      await assert.rejects(
        stranger.run("h1", stranger.cluster(), /system/),
        /h1: system: the host belongs to another cluster/,
      );
      for (const name of ["h1", "h2"]) {
        const [system] = await steps.steps(name, steps.cluster(), /system/);
        assert.equal((await system!.run("delete")).code, 0);
      }
      assert.deepEqual(ids(await stranger.preflight(stranger.cluster())), []);
    });
  });
});
