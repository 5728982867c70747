import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { HostsClusterConfig } from "../../../components/config/schema/hosts";
import { gpuLines, podsOf, Validation, type Finding } from "../../../components/hosts/cluster/validation";
import { connectTo } from "../../../components/hosts/connection";
import { recordProgram, valueOf } from "../mocks";
import { clusterConfig, controlPlane, worker } from "./clusterFixture";

const COMMAND = "command:remote:Command";
const finding = (subject: string): Finding => ({ check: "dns", subject, passed: true, reason: "" });

function run(cluster: HostsClusterConfig) {
  return recordProgram(
    () => {
      const fleet = { privateKey: "the private key", clusterId: "cluster-1" };
      const connections = new Map(cluster.hosts.map((host) => [host.name, connectTo(host, "ssh-ed25519 AAAA", fleet)]));
      const gpu = { vendor: "amd" } as const;
      return new Validation("validation", { cluster, gpu, connections, after: [] });
    },
    {
      outputs: (args: pulumi.runtime.MockResourceArgs) => {
        if (args.type !== COMMAND) return {};
        const facts =
          args.name === "validation-mesh"
            ? { pods: "cp-1 10.244.0.2\ngpu-1 10.244.1.2\ngpu-2 10.244.2.2", dns: "10.96.0.10" }
            : { findings: [finding(args.name)] };
        return { stdout: JSON.stringify(facts) };
      },
    },
  );
}

const cluster = clusterConfig([
  controlPlane("cp-1", "10.0.0.1"),
  worker("gpu-1", "10.0.0.11", { gpus: 8 }),
  worker("gpu-2", "10.0.0.12", { gpus: 4, vendor: "nvidia" }),
]);

describe("Validation", () => {
  it("looks from each host, and asks the first control plane for the rest", async () => {
    const program = await run(cluster);
    const places = program.all(COMMAND).map(({ name, inputs }) => [name, (inputs.connection as { host: string }).host]);
    assert.deepEqual(Object.fromEntries(places), {
      validation: "10.0.0.1",
      "validation-mesh": "10.0.0.1",
      "cp-1-validation": "10.0.0.1",
      "gpu-1-validation": "10.0.0.11",
      "gpu-2-validation": "10.0.0.12",
    });
  });

  it("collects the findings of all steps", async () => {
    const program = await run(cluster);
    const subjects = (await valueOf(program.result.findings)).map(({ subject }) => subject);
    assert.deepEqual(subjects.sort(), ["cp-1-validation", "gpu-1-validation", "gpu-2-validation", "validation"]);
  });

  it("asks nothing of other hosts when one is added at the end", async () => {
    const before = await run(clusterConfig(cluster.hosts.slice(0, 2)));
    const after = await run(cluster);
    for (const name of ["cp-1-validation", "gpu-1-validation"]) {
      assert.deepEqual(after.one(COMMAND, name).inputs, before.one(COMMAND, name).inputs, name);
    }
  });

  it("removes its pods when it is deleted, and nothing else acts then", async () => {
    const deleting = (await run(cluster)).all(COMMAND).filter(({ inputs }) => inputs.delete !== undefined);
    assert.deepEqual(
      deleting.map(({ name }) => name),
      ["validation-mesh"],
    );
  });

  it("measures the GPUs' bandwidth only when asked", async () => {
    assert.ok((await run(cluster)).all(COMMAND).every(({ name }) => name !== "validation-all-reduce"));
    const allReduce = { image: "registry.example/rccl-tests:7", minimumBusBandwidth: 304 };
    const asked = clusterConfig(cluster.hosts, { validation: { allReduce } });
    const stdin = String((await run(asked)).one(COMMAND, "validation-all-reduce").inputs.stdin);
    assert.ok(stdin.includes("IMAGE='registry.example/rccl-tests:7'"));
    assert.ok(stdin.includes("MINIMUM_BUS_BANDWIDTH='304'"));
  });
});

describe("the scripts of the validation", () => {
  const folder = path.join(__dirname, "../../../components/hosts/scripts");
  const text = (name: string) => fs.readFileSync(path.join(folder, name), "utf8");

  it("know their namespace from one place, and get it sent", async () => {
    const naming = fs.readdirSync(folder).filter((name) => text(name).includes("inference-stack-validation"));
    assert.deepEqual(naming, ["validationNamespace.sh"]);
    const users = fs.readdirSync(folder).filter((name) => /\$NAMESPACE\b|apply_in_namespace/.test(text(name)));
    assert.deepEqual(users, ["allReduce.sh", "mesh.sh", "probe.sh", "validationNamespace.sh"]);
    const allReduce = { image: "registry.example/rccl-tests:7", minimumBusBandwidth: 304 };
    const program = await run(clusterConfig(cluster.hosts, { validation: { allReduce } }));
    for (const name of ["validation-mesh", "gpu-1-validation", "validation-all-reduce"]) {
      const lines = String(program.one(COMMAND, name).inputs.stdin).split("\n");
      assert.equal(lines.filter((line) => line === "readonly NAMESPACE=inference-stack-validation").length, 1, name);
    }
  });
});

describe("gpuLines", () => {
  it("names the resource of each host's vendor", () => {
    assert.equal(
      gpuLines(cluster, { vendor: "amd" }),
      "cp-1 amd.com/gpu 0\ngpu-1 amd.com/gpu 8\ngpu-2 nvidia.com/gpu 4\n",
    );
  });
});

describe("podsOf", () => {
  it("keeps the lines of these nodes", () => {
    assert.equal(podsOf("a 10.0.0.1\nab 10.0.0.2\nb 10.0.0.3", ["a", "b"]), "a 10.0.0.1\nb 10.0.0.3\n");
  });
});
