import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { HostConfig, HostsClusterConfig } from "../../../components/config/schema/hosts";
import { ControlPlane } from "../../../components/hosts/cluster/controlPlane";
import type { Member } from "../../../components/hosts/cluster/steps";
import { topologyOf } from "../../../components/hosts/cluster/topology";
import { Workers } from "../../../components/hosts/cluster/workers";
import { connectTo } from "../../../components/hosts/connection";
import { recordProgram, valueOf, type RecordedProgram, type RecordedResource } from "../mocks";
import { clusterConfig, controlPlane, worker } from "./clusterFixture";

const COMMAND = "command:remote:Command";
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";

/** What the scripts print. */
function facts(args: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  if (args.type !== COMMAND) return {};
  const step = args.name.replace(/^.*-/, "");
  const printed: Record<string, unknown> = {
    enrol: { request: `request of ${args.name}` },
    admit: { certificate: CERTIFICATE, authority: "the authority", sealed: "c2VhbGVk" },
    kubeconfig: { kubeconfig: '{"kind":"Config"}' },
  };
  return { stdout: JSON.stringify(printed[step] ?? {}) };
}

function members(cluster: HostsClusterConfig, role: HostConfig["role"]): Member[] {
  return cluster.hosts
    .filter((host) => host.role === role)
    .map((host) => ({
      host,
      connection: connectTo(host, "ssh-ed25519 AAAA", { privateKey: "the private key", clusterId: "cluster-1" }),
      dependsOn: [],
    }));
}

function build(cluster: HostsClusterConfig) {
  const topology = topologyOf(cluster);
  const [first, ...others] = members(cluster, "control-plane");
  assert.ok(first);
  const control = new ControlPlane("control-plane", { cluster, topology, members: [first, ...others] });
  const workers = new Workers("workers", {
    cluster,
    topology,
    first: first.connection,
    controlPlane: control.upgraded,
    members: members(cluster, "worker"),
  });
  return { control, workers };
}

const run = (cluster: HostsClusterConfig, preview = false) =>
  recordProgram(() => build(cluster), { outputs: facts, preview });

const stdinOf = ({ inputs }: RecordedResource) => String(inputs.stdin);
const step = (program: RecordedProgram<unknown>, name: string) => program.one(COMMAND, name);
const hostOf = ({ inputs }: RecordedResource) => (inputs.connection as { host: string }).host;

/** Whether `later` waits for `earlier`, directly or not. */
function waitsFor(program: RecordedProgram<unknown>, later: string, earlier: string): boolean {
  const seen = new Set<string>();
  const visit = (urn: string): boolean => {
    if (seen.has(urn)) return false;
    seen.add(urn);
    const resource = program.resources.find((candidate) => candidate.urn === urn);
    return resource?.name === earlier || (resource?.dependencies ?? []).some(visit);
  };
  return step(program, later).dependencies.some(visit);
}

/** The file that a step gets, decoded. */
function fileOf(resource: RecordedResource, name: string): string {
  const line = stdinOf(resource)
    .split("\n")
    .find((candidate) => candidate.includes(`"$FILES"/'${name}'`));
  assert.ok(line !== undefined, `${resource.name} has no file ${name}`);
  return Buffer.from(/^printf %s '([^']*)'/.exec(line)?.[1] ?? "", "base64").toString();
}

describe("ControlPlane and Workers", () => {
  const small = clusterConfig([
    controlPlane("cp-1", "10.0.0.1"),
    worker("gpu-1", "10.0.0.11", { labels: { zone: "a" } }),
    worker("gpu-2", "10.0.0.12"),
  ]);

  it("enrols each host on itself, and admits it on the first control plane", async () => {
    const program = await run(small);
    assert.equal(hostOf(step(program, "gpu-1-enrol")), "10.0.0.11");
    assert.equal(hostOf(step(program, "gpu-1-admit")), "10.0.0.1");
    assert.equal(hostOf(step(program, "gpu-1-join")), "10.0.0.11");
    assert.equal(hostOf(step(program, "gpu-1-node")), "10.0.0.1");
    assert.equal(fileOf(step(program, "gpu-1-admit"), "request.csr"), "request of gpu-1-enrol");
    assert.equal(fileOf(step(program, "gpu-1-join"), "host.crt"), CERTIFICATE);
    assert.equal(fileOf(step(program, "gpu-1-join"), "sealed"), "c2VhbGVk");
  });

  it("joins workers side by side, after the control plane has its version", async () => {
    const program = await run(small);
    assert.ok(waitsFor(program, "gpu-1-join", "cp-1-upgrade"));
    assert.ok(waitsFor(program, "gpu-2-join", "cp-1-upgrade"));
    assert.ok(!waitsFor(program, "gpu-2-join", "gpu-1-enrol"));
    assert.ok(!waitsFor(program, "gpu-2-node", "gpu-1-join"));
  });

  it("upgrades the first control plane, then the workers one by one", async () => {
    const program = await run(small);
    const order = ["cp-1-upgrade", "gpu-1-drain", "gpu-1-upgrade", "gpu-1-uncordon", "gpu-2-drain", "gpu-2-upgrade"];
    for (const [index, name] of order.slice(1).entries()) {
      assert.ok(waitsFor(program, name, order[index]!), `${name} after ${order[index]!}`);
    }
    assert.ok(stdinOf(step(program, "cp-1-upgrade")).includes("ROLE='first'"));
    assert.ok(waitsFor(program, "cp-1-upgrade", "cp-1-etcd-backup"));
  });

  it("runs, when a host is deleted, the drain before the reset", async () => {
    const program = await run(small);
    const deleting = program.all(COMMAND).filter(({ inputs }) => inputs.delete !== undefined);
    assert.deepEqual(deleting.map(({ name }) => name.replace(/^(gpu|cp)-\d-/, "")).sort(), [
      "enrol",
      "enrol",
      "enrol",
      "etcd-backup",
      "node",
      "node",
      "node",
    ]);
    // What depends on another is deleted before it.
    assert.ok(waitsFor(program, "gpu-1-node", "gpu-1-enrol"));
    assert.ok(stdinOf(step(program, "gpu-1-enrol")).includes("leave_cluster"));
  });

  it("touches no other host when one is added", async () => {
    const before = (await run(clusterConfig(small.hosts.slice(0, 2)))).all(COMMAND);
    const after = await run(small);
    for (const resource of before) {
      assert.deepEqual(step(after, resource.name).inputs, resource.inputs, resource.name);
    }
    const added = after.all(COMMAND).filter(({ name }) => !before.some((old) => old.name === name));
    assert.ok(added.every(({ name }) => name.startsWith("gpu-2-")));
  });

  it("keeps the kubeconfig secret and the private key out of everything but the connection", async () => {
    const program = await run(small);
    const kubeconfig = step(program, "kubeconfig");
    assert.ok(kubeconfig.additionalSecretOutputs.includes("stdout"));
    assert.equal(kubeconfig.inputs.logging, "none");
    assert.equal(await pulumi.isSecret(program.result.control.kubeconfig), true);
    assert.equal(await valueOf(program.result.control.kubeconfig), '{"kind":"Config"}');
    for (const resource of program.all(COMMAND)) {
      assert.ok(resource.secrets.includes("connection"), resource.name);
      assert.ok(!JSON.stringify({ ...resource.inputs, connection: undefined }).includes("the private key"));
    }
  });

  it("reads the kubeconfig again after an upgrade and after a renewal", async () => {
    const stdin = async (more: Record<string, unknown>) =>
      stdinOf(step(await run(clusterConfig(undefined, more)), "kubeconfig"));
    const plain = await stdin({});
    assert.notEqual(await stdin({ kubernetesVersion: "1.36.2" }), plain);
    assert.notEqual(await stdin({ certificateRenewal: "2027-01" }), plain);
    const renewed = await run(clusterConfig(undefined, { certificateRenewal: "2027-01" }));
    assert.ok(waitsFor(renewed, "kubeconfig", "cp-1-certificates"));
    assert.ok(waitsFor(renewed, "cp-1-certificates", "cp-1-upgrade"));
  });

  it("changes nothing but versions of the finished cluster when the version is raised", async () => {
    const program = await run(clusterConfig(undefined, { kubernetesVersion: "1.37.0" }));
    assert.ok(stdinOf(step(program, "cp-1-upgrade")).includes("KUBERNETES_VERSION='1.37.0'"));
    assert.ok(stdinOf(step(program, "gpu-1-drain")).includes("WHEN='before'"));
  });

  it("joins further control planes one after the other, with a virtual IP", async () => {
    const program = await run(
      clusterConfig(
        [
          controlPlane("cp-1", "10.0.0.1"),
          controlPlane("cp-2", "10.0.0.2"),
          controlPlane("cp-3", "10.0.0.3"),
          worker("gpu-1", "10.0.0.11"),
        ],
        { virtualIp: { address: "10.0.0.9" }, certificateRenewal: "a" },
      ),
    );
    assert.ok(waitsFor(program, "cp-3-join", "cp-2-join"));
    assert.ok(waitsFor(program, "cp-3-upgrade", "cp-2-upgrade"));
    assert.ok(waitsFor(program, "cp-3-certificates", "cp-2-certificates"));
    assert.ok(waitsFor(program, "gpu-1-join", "cp-3-join"));
    assert.ok(!waitsFor(program, "kubeconfig", "cp-2-join"));
    assert.ok(stdinOf(step(program, "cp-2-admit")).includes("ROLE='control-plane'"));
    assert.ok(stdinOf(step(program, "cp-2-join")).includes("SERVER='https://10.0.0.9:6443'"));
    assert.match(fileOf(step(program, "cp-1-init"), "kube-vip.yaml"), /name: address\n\s+value: 10\.0\.0\.9/);
  });

  it("takes no snapshots of an etcd that is not its own", async () => {
    const etcd = { external: { endpoints: ["https://10.0.0.5:2379"], caFile: "/a", certFile: "/b", keyFile: "/c" } };
    const program = await run(clusterConfig(undefined, { kubeadm: { clusterConfiguration: { etcd } } }));
    assert.ok(program.all(COMMAND).every(({ name }) => !name.endsWith("etcd-backup")));
  });

  it("can be previewed before any host has been asked", async () => {
    const program = await run(small, true);
    assert.ok(program.all(COMMAND).length > 10);
  });
});
