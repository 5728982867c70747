import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { gpuSchema } from "../../../../components/config/schema/platform";
import type { FleetConnection } from "../../../../components/hosts/connection";
import { hostKeysOf } from "../../../../components/hosts/hostKeys";
import { planOf } from "../../../../components/hosts/preflight/plan";
import { Preflight } from "../../../../components/hosts/preflight/preflight";
import { recordProgram, valueOf } from "../../mocks";
import { cluster } from "./fixtures";

const LOCAL = "command:local:Command";
const fleet: FleetConnection = {
  privateKey: pulumi.secret("the key"),
  sudoPassword: pulumi.secret("hunter2"),
  clusterId: "c0ffee",
  bastion: { address: "192.0.2.1", port: 22, user: "jump", hostKey: "ssh-ed25519 BASTION" },
};
const report = { passed: true, hosts: ["gpu-1", "gpu-2"], failures: 0, warnings: 0, findings: [] };

describe("Preflight", () => {
  const run = () =>
    recordProgram(
      () =>
        new Preflight("preflight", {
          plan: planOf(cluster(), gpuSchema.parse({})),
          hostKeys: { "gpu-1": "ssh-ed25519 ONE", "gpu-2": pulumi.output("ssh-ed25519 TWO") },
          fleet,
        }),
      { outputs: ({ type }) => (type === LOCAL ? { stdout: JSON.stringify(report) } : undefined) },
    );

  it("is one command, with hosts, keys and passwords by standard input as a secret", async () => {
    const command = (await run()).one(LOCAL);
    assert.equal(command.inputs.create, "node --import=tsx components/hosts/preflight/main.ts");
    assert.deepEqual(command.secrets, ["stdin"]);
    assert.ok(!("environment" in command.inputs) && !("dir" in command.inputs));
    const input = JSON.parse(String(command.inputs.stdin)) as Record<string, unknown>;
    assert.deepEqual(input.credentials, { sshAgent: false, privateKey: "the key", sudoPassword: "hunter2" });
    assert.deepEqual(input.bastion, { address: "192.0.2.1", port: 22, user: "jump", hostKey: "ssh-ed25519 BASTION" });
    const { hosts, clusterId } = input.plan as { hosts: { name: string; hostKey: string }[]; clusterId: string };
    assert.deepEqual(
      hosts.map(({ name, hostKey }) => [name, hostKey]),
      [
        ["gpu-1", "ssh-ed25519 ONE"],
        ["gpu-2", "ssh-ed25519 TWO"],
      ],
    );
    assert.equal(clusterId, "c0ffee");
  });

  it("offers the report, which is no secret", async () => {
    const { result } = await run();
    assert.deepEqual(await valueOf(result.report), report);
    assert.equal(await pulumi.isSecret(result.report), false);
  });

  it("does not look again when labels or taints of a host change", () => {
    const plan = (labels: Record<string, string>) =>
      JSON.stringify(
        planOf(
          cluster({ hosts: [{ name: "a", address: "10.0.0.1", role: "control-plane", labels }] }),
          gpuSchema.parse({}),
        ),
      );
    assert.equal(plan({}), plan({ zone: "a" }));
  });
});

describe("host keys", () => {
  const bare = { hosts: [{ name: "gpu-1", address: "10.0.0.11", role: "control-plane" }] };
  const run = (overrides: Readonly<Record<string, unknown>>) =>
    recordProgram(() => hostKeysOf(cluster(overrides), fleet, new pulumi.ComponentResource("test:Hosts", "hosts")), {
      outputs: ({ type }) => (type === LOCAL ? { stdout: "ecdsa-sha2-nistp256 AAAA\n" } : undefined),
    });

  it("are those of the config", async () => {
    const program = await run({});
    assert.deepEqual(program.result, { "gpu-1": "ssh-ed25519 AAAA", "gpu-2": "ssh-ed25519 AAAA" });
    assert.equal(program.all(LOCAL).length, 0);
  });

  it("are refused when missing", async () => {
    await assert.rejects(run(bare), /gpu-1: hostKey is missing/);
  });

  it("are asked for once with trustOnFirstUse, and stay what they were", async () => {
    const program = await run({ ...bare, trustOnFirstUse: true });
    const command = program.one(LOCAL, "gpu-1-host-key");
    assert.deepEqual(command.inputs.triggers, ["10.0.0.11:22"]);
    assert.deepEqual([...command.ignoreChanges].sort(), ["create", "logging", "stdin"]);
    assert.deepEqual(command.secrets, ["stdin"]);
    assert.equal(await valueOf(program.result["gpu-1"] as pulumi.Output<string>), "ecdsa-sha2-nistp256 AAAA");
  });
});
