import * as assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { loadStackConfig } from "../../../components/config";
import { goodConfig, withValue } from "./support";

/** Sets the engine's config for the next load: structures as JSON, as the engine hands them over. */
function setConfig(values: Record<string, unknown>, secretKeys: readonly string[] = [], others = {}): void {
  const texts = Object.entries(values).map(([key, value]) => [
    `inference-stack:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const all = { ...(Object.fromEntries(texts) as Record<string, string>), ...others };
  pulumi.runtime.setAllConfig(
    all,
    secretKeys.map((key) => `inference-stack:${key}`),
  );
}

async function reveal(output: pulumi.Output<string>): Promise<{ value: string; isSecret: boolean }> {
  const value = await new Promise<string>((resolve) => output.apply(resolve));
  return { value, isSecret: await pulumi.isSecret(output) };
}

describe("loadStackConfig", () => {
  before(async () => {
    await pulumi.runtime.setMocks(
      { newResource: () => ({ id: "id", state: {} }), call: () => ({}) },
      "inference-stack",
      "load-test",
      false,
    );
  });
  afterEach(() => {
    pulumi.runtime.setAllConfig({});
  });

  it("gives the typed config, with plain texts as they are", () => {
    setConfig({ ...goodConfig(), chartSource: "oci://registry.example.org/charts" });
    const { config, secrets } = loadStackConfig();
    assert.equal(config.chartSource, "oci://registry.example.org/charts");
    assert.equal(config.models[0]?.namespace, "chat");
    assert.deepEqual([secrets.kubeconfig, secrets.sshPrivateKey, secrets.hfTokenNames], [undefined, undefined, []]);
  });

  it("gives secrets as secret Outputs only", async () => {
    const values = { hfTokens: { main: "token-value" }, sshPrivateKey: "key-value", kubeconfig: "kube-value" };
    setConfig({ ...goodConfig(), secrets: values }, ["secrets"]);
    const { config, secrets } = loadStackConfig();
    assert.doesNotMatch(JSON.stringify(config), /-value/);
    assert.deepEqual(await reveal(secrets.hfToken("main")), { value: "token-value", isSecret: true });
    assert.deepEqual(await reveal(secrets.kubeconfig!), { value: "kube-value", isSecret: true });
    // OpenSSH needs the last newline, which the engine's command line cuts off.
    assert.deepEqual(await reveal(secrets.sshPrivateKey!), { value: "key-value\n", isSecret: true });
    assert.throws(
      () => secrets.hfToken("team"),
      /secrets\.hfTokens\.team: not set\. Allowed: main\. Next: run `pulumi config set --secret/,
    );
  });

  it("throws one RunError with every problem, so that the engine shows no stack trace", () => {
    const config = withValue(goodConfig(), ["models", 0, "replicas"], -1);
    withValue(config, ["gpus"], {});
    withValue(config, ["chartSource"], "./no/such/directory");
    withValue(config, ["secrets"], { sshPrivateKey: "plain-value" });
    setConfig(config, [], { "inference-stak:models": "[]", "kubernetes:context": "kind" });
    assert.throws(loadStackConfig, (error: unknown) => {
      assert.ok(pulumi.RunError.isInstance(error));
      assert.match(error.message, /^The config of stack load-test has 5 problems/);
      const found = [
        "inference-stak:models:",
        "models[0].replicas: -1",
        "gpus: unknown key",
        "secrets.sshPrivateKey: [secret] in plain",
        'chartSource: "./no/such/directory"',
      ];
      for (const part of found) assert.ok(error.message.includes(part), `${part} is not in ${error.message}`);
      assert.doesNotMatch(error.message, /plain-value/);
      return true;
    });
  });

  it("refuses encrypted values outside of secrets", () => {
    setConfig(goodConfig(), ["models"]);
    assert.throws(loadStackConfig, /inference-stack:models: an encrypted value/);
  });

  it("tells a structure that is a text", () => {
    setConfig({ ...goodConfig(), models: "qwen3-8b" });
    assert.throws(loadStackConfig, /inference-stack:models: "qwen3-8b"\. Allowed: a list/);
  });
});
