import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { recordProgram, valueOf } from "./mocks";

class Pair extends pulumi.ComponentResource {
  readonly first: k8s.core.v1.ConfigMap;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("test:index:Pair", name, {}, opts);
    this.first = new k8s.core.v1.ConfigMap(`${name}-first`, { data: { a: "1" } }, { parent: this });
    this.registerOutputs({ first: this.first.metadata.name });
  }
}

describe("recordProgram", () => {
  it("records inputs, secrets, parents, dependencies and options", async () => {
    const program = await recordProgram(() => {
      const provider = new k8s.Provider("cluster", { kubeconfig: pulumi.secret("{}") });
      const pair = new Pair("pair", { provider });
      const secret = new k8s.core.v1.Secret(
        "token",
        { stringData: { token: pulumi.secret("hush"), plain: "seen" } },
        { dependsOn: pair, protect: true, customTimeouts: { create: "5m" }, deleteBeforeReplace: true },
      );
      return { secret };
    });

    const secret = program.one("kubernetes:core/v1:Secret");
    assert.deepEqual(secret.inputs.stringData, { token: "hush", plain: "seen" });
    assert.deepEqual(secret.secrets, ["stringData"]);
    assert.deepEqual(program.names(secret.dependencies), ["pair-first"]);
    assert.deepEqual([secret.protect, secret.deleteBeforeReplace, secret.customTimeouts.create], [true, true, "5m"]);
    const first = program.one("kubernetes:core/v1:ConfigMap", "pair-first");
    assert.equal(program.parentName(first), "pair");
    assert.deepEqual(program.names([first.provider]), ["cluster"]);
    assert.deepEqual(program.one("test:index:Pair").outputs, { first: "pair-first" });
    assert.deepEqual(program.one("pulumi:providers:kubernetes").secrets, ["kubeconfig"]);
    assert.equal((await valueOf(program.result.secret.metadata)).namespace, "default");
  });

  it("gives the exact path of a nested secret", async () => {
    const program = await recordProgram(
      () => new k8s.helm.v3.Release("chart", { chart: "c", values: { keys: ["a", pulumi.secret("b")] } }),
    );
    const release = program.one("kubernetes:helm.sh/v3:Release");
    assert.deepEqual(release.inputs.values, { keys: ["a", "b"] });
    assert.deepEqual(release.secrets, ["values.keys[1]"]);
  });

  it("waits for resources made inside apply", async () => {
    const program = await recordProgram(() => {
      const first = new k8s.core.v1.ConfigMap("first", { data: {} });
      first.metadata.name.apply((name) => new k8s.core.v1.ConfigMap(`${name}-after`, { data: {} }));
    });
    assert.deepEqual(
      program.all("kubernetes:core/v1:ConfigMap").map((resource) => resource.name),
      ["first", "first-after"],
    );
  });

  it("starts each run from nothing", async () => {
    const once = () => recordProgram(() => new k8s.core.v1.Namespace("only", {}));
    await once();
    assert.equal((await once()).resources.length, 1);
  });

  it("rejects with the program's error, thrown at once or in an Output", async () => {
    await assert.rejects(
      recordProgram(() => {
        throw new Error("thrown at once");
      }),
      /thrown at once/,
    );
    await assert.rejects(
      recordProgram(() => {
        const data = pulumi.output("x").apply((): Record<string, string> => {
          throw new Error("thrown in apply");
        });
        new k8s.core.v1.ConfigMap("broken", { data });
      }),
      /thrown in apply/,
    );
    assert.equal((await recordProgram(() => new k8s.core.v1.Namespace("after", {}))).resources.length, 1);
  });
});
