import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { connectTo, patiently, type FleetConnection } from "../../../components/hosts/connection";
import { RemoteStep, type RemoteStepArgs } from "../../../components/hosts/remoteStep";
import { recordProgram, valueOf, type RecordOptions } from "../mocks";

const COMMAND = "command:remote:Command";
const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx";
const host = { name: "gpu-1", address: "10.0.0.11", port: 22, user: "root" };
const fleet: FleetConnection = { privateKey: "the private key", clusterId: "cluster-1" };

type Overrides = Partial<Omit<RemoteStepArgs, "connection">> & { user?: string; fleet?: Partial<FleetConnection> };

const step = ({ user = "root", fleet: fleetOverrides, ...args }: Overrides = {}, options: RecordOptions = {}) =>
  recordProgram(() => {
    const connection = connectTo({ ...host, user }, `${HOST_KEY} root@gpu-1`, { ...fleet, ...fleetOverrides });
    return new RemoteStep("gpu-1-reboot", { connection, script: "lib.sh", ...args });
  }, options);

describe("RemoteStep", () => {
  it("sends the script by standard input and shows its progress, not its facts", async () => {
    const { inputs } = (await step()).one(COMMAND);
    assert.equal(inputs.create, "bash -s -- create");
    assert.equal(inputs.logging, "stderr");
    assert.equal(inputs.addPreviousOutputInEnv, false);
    assert.deepEqual(
      ["update", "delete", "environment", "triggers"].filter((key) => key in inputs),
      [],
    );
    const stdin = String(inputs.stdin);
    for (const line of ["ACTION=$1", "HOST='gpu-1'", "STEP='lib'", "CLUSTER_ID='cluster-1'", "begin_step"]) {
      assert.ok(stdin.split("\n").includes(line), line);
    }
    assert.match(stdin, /\n# end of step\nINFERENCE_STACK_STEP\n$/);
  });

  it("connects with the pinned key alone, without its comment, and gives up in about a minute", async () => {
    const recorded = (await step()).one(COMMAND);
    assert.deepEqual(recorded.inputs.connection, {
      host: "10.0.0.11",
      port: 22,
      user: "root",
      hostKey: HOST_KEY,
      dialErrorLimit: 10,
      perDialTimeout: 10,
      privateKey: "the private key",
    });
    assert.deepEqual(recorded.secrets, ["connection"]);
  });

  it("goes through a bastion with a pinned key of its own", async () => {
    const bastion = { address: "192.0.2.1", port: 2222, user: "jump", hostKey: "ssh-ed25519 AAAABASTION" };
    const { inputs } = (await step({ fleet: { bastion } })).one(COMMAND);
    const { proxy } = inputs.connection as { proxy: Record<string, unknown> };
    assert.deepEqual([proxy.host, proxy.port, proxy.user], ["192.0.2.1", 2222, "jump"]);
    assert.deepEqual([proxy.hostKey, proxy.privateKey], ["ssh-ed25519 AAAABASTION", "the private key"]);
    await assert.rejects(step({ fleet: { bastion: { ...bastion, hostKey: undefined } } }), /cluster\.bastion\.hostKey/);
  });

  it("uses the agent when asked, and says what is missing without key or agent", async () => {
    const before = process.env.SSH_AUTH_SOCK;
    try {
      process.env.SSH_AUTH_SOCK = "/run/agent.sock";
      const { inputs } = (await step({ fleet: { sshAgent: true, privateKey: undefined } })).one(COMMAND);
      assert.ok(!("privateKey" in (inputs.connection as object)));
      delete process.env.SSH_AUTH_SOCK;
      await assert.rejects(step({ fleet: { sshAgent: true } }), /SSH_AUTH_SOCK is not set/);
    } finally {
      if (before !== undefined) process.env.SSH_AUTH_SOCK = before;
    }
    await assert.rejects(step({ fleet: { privateKey: undefined } }), /secret sshPrivateKey/);
  });

  it("asks sudo without a password for an ordinary user", async () => {
    const recorded = (await step({ user: "admin" })).one(COMMAND);
    assert.equal(recorded.inputs.create, "sudo -n bash -s -- create");
    assert.deepEqual(recorded.secrets, ["connection"]);
  });

  it("gives sudo's password by standard input only, as a secret, and keeps facts readable", async () => {
    const program = await step(
      { user: "admin", fleet: { sudoPassword: "hunter2" } },
      { outputs: () => ({ stdout: '{"ready":true}' }) },
    );
    const recorded = program.one(COMMAND);
    assert.deepEqual(recorded.secrets, ["connection", "stdin"]);
    assert.ok(!String(recorded.inputs.create).includes("hunter2"));
    assert.match(String(recorded.inputs.stdin), /^hunter2\n# step\n/);
    assert.deepEqual(await valueOf(program.result.facts()), { ready: true });
    assert.equal(await pulumi.isSecret(program.result.output), false);
  });

  it("quotes values and sends files in base64", async () => {
    const values = { PROXY: "it's $HOME `x`", COUNT: pulumi.output("3") };
    const { inputs } = (await step({ values, files: { "config.yaml": "a: 1\n" } })).one(COMMAND);
    const lines = String(inputs.stdin).split("\n");
    assert.ok(lines.includes("PROXY='it'\\''s $HOME `x`'"));
    assert.ok(lines.includes("COUNT='3'"));
    assert.ok(lines.includes(`printf %s 'YTogMQo=' | base64 -d >"$FILES"/'config.yaml'`));
  });

  it("keeps a secret value or file secret, and only those", async () => {
    assert.deepEqual((await step({ files: { key: pulumi.secret("x") } })).one(COMMAND).secrets, [
      "connection",
      "stdin",
    ]);
    assert.deepEqual((await step({ files: { key: "x" } })).one(COMMAND).secrets, ["connection"]);
  });

  it("hides everything that a secret step prints", async () => {
    const program = await step({ secret: true });
    const recorded = program.one(COMMAND);
    assert.equal(recorded.inputs.logging, "none");
    assert.deepEqual([...recorded.additionalSecretOutputs].sort(), ["connection", "stderr", "stdout"]);
    assert.equal(await pulumi.isSecret(program.result.output), true);
  });

  it("runs again in place, not by replacement, when another value changes", async () => {
    const stdin = async (rerunOn: string[]) => String((await step({ rerunOn })).one(COMMAND).inputs.stdin);
    assert.notEqual(await stdin(["1"]), await stdin(["2"]));
    assert.equal(await stdin(["1"]), await stdin(["1"]));
  });

  it("runs on delete only when asked", async () => {
    assert.equal((await step({ onDelete: true })).one(COMMAND).inputs.delete, "bash -s -- delete");
  });

  it("refuses names that would break the script", async () => {
    await assert.rejects(step({ values: { lower: "x" } }), /the value lower must be UPPER_CASE/);
    await assert.rejects(step({ values: { HOST: "x" } }), /the value HOST/);
    await assert.rejects(step({ values: { TEXT: "a\nINFERENCE_STACK_STEP\nreboot" } }), /ends the stream/);
  });

  it("waits without end for a host that reboots", async () => {
    const program = await recordProgram(
      () => new RemoteStep("x", { connection: patiently(connectTo(host, HOST_KEY, fleet)), script: "lib.sh" }),
    );
    assert.equal((program.one(COMMAND).inputs.connection as { dialErrorLimit: number }).dialErrorLimit, -1);
  });
});
