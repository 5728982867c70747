import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { gpuSchema } from "../../../components/config/schema/platform";
import { Hosts, type HostsArgs } from "../../../components/hosts";
import { recordProgram, type RecordedProgram } from "../mocks";
import { clusterConfig, controlPlane, worker } from "./clusterFixture";

const REMOTE = "command:remote:Command";
const LOCAL = "command:local:Command";
const hostKey = "ssh-ed25519 AAAA";

const facts: Record<string, unknown> = {
  preflight: { findings: [] },
  enrol: { request: "a request" },
  admit: { certificate: "a certificate", authority: "an authority", sealed: "" },
  kubeconfig: { kubeconfig: "{}" },
};

function run(more: Partial<HostsArgs> = {}) {
  const cluster = clusterConfig([
    controlPlane("cp-1", "10.0.0.1", { hostKey }),
    worker("gpu-1", "10.0.0.11", { hostKey, gpus: 8 }),
  ]);
  return recordProgram(
    () =>
      new Hosts("hosts", {
        cluster,
        gpu: gpuSchema.parse({ vendor: "amd" }),
        storage: { type: "local", path: "/mnt/models", size: "1Ti" },
        secrets: { sshPrivateKey: pulumi.secret("the private key") },
        ...more,
      }),
    {
      outputs: (args) => {
        if (args.type === "random:index/randomUuid:RandomUuid") return { result: "cluster-1" };
        return { stdout: JSON.stringify(facts[args.name.replace(/^.*-/, "")] ?? {}) };
      },
    },
  );
}

/** Names of all that a resource waits for, directly or not. */
function upstream(program: RecordedProgram<unknown>, name: string): Set<string> {
  const names = new Set<string>();
  const visit = (urn: string): void => {
    const resource = program.resources.find((candidate) => candidate.urn === urn);
    if (resource === undefined || names.has(resource.name)) return;
    names.add(resource.name);
    resource.dependencies.forEach(visit);
  };
  program.one(REMOTE, name).dependencies.forEach(visit);
  return names;
}

describe("Hosts", () => {
  it("changes no host before all of them have passed the preflight", async () => {
    const program = await run();
    assert.equal(program.all(LOCAL).length, 1);
    for (const { name } of program.all(REMOTE)) assert.ok(upstream(program, name).has("preflight"), name);
  });

  it("prepares hosts side by side, and joins each after its own preparation", async () => {
    const program = await run();
    assert.ok(upstream(program, "cp-1-init").has("cp-1-containerd"));
    assert.ok(upstream(program, "gpu-1-join").has("gpu-1-containerd"));
    assert.ok(!upstream(program, "gpu-1-enrol").has("cp-1-system"));
    assert.ok(!upstream(program, "cp-1-init").has("gpu-1-system"));
  });

  it("asks for a containerd that mounts images before and after its installation, where weights come from one", async () => {
    for (const imageVolumes of [true, undefined]) {
      const program = await run({ imageVolumes });
      const asked = JSON.parse(String(program.one(LOCAL).inputs.stdin)) as { plan: { imageVolumes: boolean } };
      assert.equal(asked.plan.imageVolumes, imageVolumes === true);
      const step = String(program.one(REMOTE, "gpu-1-containerd").inputs.stdin);
      assert.ok(step.includes(`IMAGE_VOLUMES='${imageVolumes ? "yes" : "no"}'`));
    }
  });

  it("is ready when the API server answers and every host is a node", async () => {
    const program = await run();
    const urns = await Promise.all(
      program.result.ready.map((resource) => new Promise<string>((resolve) => void resource.urn.apply(resolve))),
    );
    assert.deepEqual(program.names(urns), ["cp-1-node", "gpu-1-node", "gpu-1-uncordon", "kubeconfig"]);
    assert.deepEqual([...program.result.connections.keys()], ["cp-1", "gpu-1"]);
  });

  it("keeps the login's key secret in every step", async () => {
    for (const { name, inputs, secrets } of [...(await run()).resources]) {
      const open = Object.entries(inputs).filter(([key]) => !secrets.includes(key));
      assert.ok(!JSON.stringify(open).includes("the private key"), name);
    }
  });
});
