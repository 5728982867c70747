import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { connectTo, type FleetConnection } from "../../../../components/hosts/connection";
import { Prerequisites } from "../../../../components/hosts/prerequisites";
import { recordProgram, type RecordedProgram, type RecordedResource } from "../../mocks";
import { cluster } from "../preflight/fixtures";

const REMOTE = "command:remote:Command";
const LOCAL = "command:local:Command";

function run(overrides: Readonly<Record<string, unknown>> = {}, fleetOverrides: Partial<FleetConnection> = {}) {
  const config = cluster(overrides);
  const fleet: FleetConnection = { privateKey: pulumi.secret("key"), clusterId: "c0ffee", ...fleetOverrides };
  const hostKeys = Object.fromEntries(config.hosts.map(({ name }) => [name, "ssh-ed25519 AAAA"]));
  return recordProgram(() => {
    const preflight = new (class extends pulumi.CustomResource {})("test:index:Preflight", "preflight");
    const connections = new Map(config.hosts.map((host) => [host.name, connectTo(host, hostKeys[host.name]!, fleet)]));
    return new Prerequisites("prerequisites", { cluster: config, connections, hostKeys, fleet, after: [preflight] });
  });
}

const after = (program: RecordedProgram<Prerequisites>, resource: RecordedResource): string[] =>
  program.names(resource.dependencies);
const stdin = ({ inputs }: RecordedResource): string => String(inputs.stdin);
const line = (resource: RecordedResource, name: string): string | undefined =>
  new RegExp(`^${name}='(.*)'$`, "m").exec(stdin(resource))?.[1];
const file = (resource: RecordedResource, name: string): string =>
  Buffer.from(
    new RegExp(`^printf %s '([^']*)' \\| base64 -d >"\\$FILES"/'${name}'$`, "m").exec(stdin(resource))![1]!,
    "base64",
  ).toString();

describe("Prerequisites", () => {
  it("prepares each host in order, and hosts independently of each other", async () => {
    const program = await run();
    const order = Object.fromEntries(program.all(REMOTE).map((step) => [step.name, after(program, step)]));
    assert.deepEqual(order, {
      "gpu-1-system": ["preflight"],
      "gpu-1-packages": ["gpu-1-system"],
      "gpu-1-containerd": ["gpu-1-packages"],
      "gpu-2-system": ["preflight"],
      "gpu-2-packages": ["gpu-2-system"],
      "gpu-2-containerd": ["gpu-2-packages"],
    });
    assert.deepEqual([...program.result.ready.keys()], ["gpu-1", "gpu-2"]);
    assert.ok(program.all(REMOTE).every((step) => program.parentName(step) === "prerequisites"));
  });

  it("gives the host free when it is deleted, and leaves packages and settings", async () => {
    const withDelete = (await run()).all(REMOTE).filter(({ inputs }) => inputs.delete !== undefined);
    assert.deepEqual(
      withDelete.map(({ name }) => name),
      ["gpu-1-system", "gpu-2-system"],
    );
  });

  it("takes packages of the release from the official repository and the distribution", async () => {
    const packages = (await run({ kubernetesVersion: "1.35.2" })).one(REMOTE, "gpu-1-packages");
    assert.equal(line(packages, "KUBERNETES_VERSION"), "1.35.2");
    assert.equal(line(packages, "KUBERNETES_REPOSITORY"), "https://pkgs.k8s.io/core:/stable:/v1.35/deb");
    assert.equal(line(packages, "KUBERNETES_KEY"), "https://pkgs.k8s.io/core:/stable:/v1.35/deb/Release.key");
    assert.equal(line(packages, "CONTAINERD_PACKAGE"), "containerd");
    assert.equal(line(packages, "CONTAINERD_REPOSITORY"), "");
    assert.deepEqual(packages.secrets, ["connection"]);
  });

  it("takes them from mirrors and another repository where the config says so", async () => {
    const repository = "https://download.docker.com/linux/ubuntu";
    const packages = (
      await run({
        mirrors: { apt: { kubernetes: "http://m/k8s", kubernetesKey: "http://m/key.asc", ubuntu: "http://m/ubuntu" } },
        containerd: { source: { repository, key: `${repository}/gpg` }, version: "2.2.1-1" },
      })
    ).one(REMOTE, "gpu-1-packages");
    assert.equal(line(packages, "KUBERNETES_REPOSITORY"), "http://m/k8s/v1.36/deb");
    assert.equal(line(packages, "KUBERNETES_KEY"), "http://m/key.asc");
    assert.equal(line(packages, "UBUNTU_MIRROR"), "http://m/ubuntu");
    assert.equal(line(packages, "CONTAINERD_PACKAGE"), "containerd.io");
    assert.equal(line(packages, "CONTAINERD_VERSION"), "2.2.1-1");
    assert.equal(line(packages, "CONTAINERD_COMPONENT"), "stable");
  });

  it("configures containerd with mirrors, and keeps a proxy's password secret", async () => {
    const program = await run({
      mirrors: { images: { "registry.k8s.io": "https://m/k8s", "docker.io": "https://m/hub" } },
      proxy: { https: "http://me:secret@proxy:3128", noProxy: [] },
    });
    const containerd = program.one(REMOTE, "gpu-2-containerd");
    assert.match(stdin(containerd), /^REGISTRIES='registry\.k8s\.io\ndocker\.io'$/m);
    assert.match(file(containerd, "hosts-1.toml"), /registry-1\.docker\.io/);
    assert.match(file(containerd, "service.conf"), /HTTPS_PROXY=http:\/\/me:secret@proxy:3128/);
    assert.deepEqual(containerd.secrets, ["connection", "stdin"]);
    assert.deepEqual(program.one(REMOTE, "gpu-2-packages").secrets, ["connection", "stdin"]);
  });

  it("tunes GPU hosts before packages, and takes the settings back on delete", async () => {
    const program = await run({
      tuning: { iommuPassthrough: true, hugePages: { size: "1Gi", count: 16 }, kernelParameters: ["pci=realloc=off"] },
    });
    const tuning = program.one(REMOTE, "gpu-1-gpu-tuning");
    assert.deepEqual(after(program, tuning), ["gpu-1-system"]);
    assert.deepEqual(after(program, program.one(REMOTE, "gpu-1-packages")), ["gpu-1-gpu-tuning"]);
    assert.equal(line(tuning, "IOMMU_PASSTHROUGH"), "yes");
    assert.equal(line(tuning, "NUMA_BALANCING_OFF"), "no");
    assert.equal(line(tuning, "HUGE_PAGE_SIZE"), "1Gi");
    assert.equal(line(tuning, "HUGE_PAGE_COUNT"), "16");
    assert.equal(line(tuning, "KERNEL_PARAMETERS"), "pci=realloc=off");
    assert.equal(tuning.inputs.delete, "bash -s -- delete");
    assert.equal(program.all(LOCAL).length, 0);
  });

  it("reboots only where it may, between tuning and packages, with all secrets by standard input", async () => {
    const program = await run(
      { tuning: { numaBalancing: "off", reboot: "when-needed" } },
      { privateKeyPassphrase: pulumi.secret("passphrase") },
    );
    const reboot = program.one(LOCAL, "gpu-1-reboot");
    assert.deepEqual(after(program, reboot), ["gpu-1-gpu-tuning"]);
    assert.deepEqual(after(program, program.one(REMOTE, "gpu-1-packages")), ["gpu-1-reboot"]);
    assert.deepEqual(reboot.secrets, ["stdin"]);
    assert.equal(reboot.inputs.create, "node --import=tsx components/hosts/prerequisites/rebootHost.ts");
    const input = JSON.parse(stdin(reboot)) as Record<string, unknown>;
    assert.deepEqual(input.credentials, { sshAgent: false, privateKey: "key", privateKeyPassphrase: "passphrase" });
    assert.deepEqual(input.host, { address: "10.0.0.11", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA" });
    assert.match(String(input.reboot), /^CHANGE='[0-9a-f]{64}'$/m);
  });

  it("asks for another reboot when the settings change, and for none when other things do", async () => {
    const change = async (overrides: object): Promise<string> => {
      const reboot = (await run({ tuning: { reboot: "when-needed", ...overrides } })).one(LOCAL, "gpu-1-reboot");
      return /CHANGE='([0-9a-f]+)'/.exec(stdin(reboot))![1]!;
    };
    const first = await change({ iommuPassthrough: true });
    assert.equal(await change({ iommuPassthrough: true }), first);
    assert.notEqual(await change({ iommuPassthrough: true, kernelParameters: ["quiet"] }), first);
  });

  it("leaves hosts without GPUs alone", async () => {
    const hosts = [{ name: "cp", address: "10.0.0.9", role: "control-plane", hostKey: "ssh-ed25519 AAAA" }];
    const program = await run({ hosts, tuning: { iommuPassthrough: true, reboot: "when-needed" } });
    assert.deepEqual(
      program.all(REMOTE).map(({ name }) => name),
      ["cp-system", "cp-packages", "cp-containerd"],
    );
  });
});
