import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { charts, resolveChart } from "../../components/addons/charts";
import { releaseDemand, type AllowedRelease } from "../../policy/demand/release";
import { policies } from "../../policy/policies";
import { check, config, resourceQuota, type PackConfig } from "./harness";
import { deployment, kube, template } from "./resources";

const root = path.join(__dirname, "..", "..");

interface StackFile {
  config: {
    "inference-stack:namespaces": { name: string; gpuQuota: number }[];
    "inference-stack:models": { namespace?: string; replicas?: number; gpusPerReplica?: number }[];
    "inference-stack:chartSource": string;
  };
}

function readStack(stack: string): { stack: StackFile["config"]; policy: PackConfig } {
  const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8");
  return {
    stack: (parse(read(`Pulumi.${stack}.yaml`)) as StackFile).config,
    policy: JSON.parse(read(`policy/policy-config.${stack}.json`)) as PackConfig,
  };
}

for (const name of ["dev", "prod"]) {
  describe(`policy config of the stack ${name}`, () => {
    const { stack, policy } = readStack(name);
    const namespaces = stack["inference-stack:namespaces"];

    it("names policies of the pack only, and enforces them all", () => {
      const known = policies().map((found) => found.name);
      assert.deepEqual(
        Object.keys(policy).filter((key) => key !== "all" && !known.includes(key)),
        [],
      );
      assert.equal(policy.all, "mandatory");
    });

    it("gives each namespace the quota that the stack gives it", () => {
      assert.deepEqual(
        policy["gpu-quota-per-namespace"]?.quotas,
        Object.fromEntries(namespaces.map((namespace) => [namespace.name, namespace.gpuQuota])),
      );
    });

    it("lets the stack's models pass", async () => {
      const models = stack["inference-stack:models"].map((model, index) =>
        deployment(
          { replicas: model.replicas ?? 1, template: template(model.gpusPerReplica ?? 1) },
          { name: `model-${index}`, namespace: model.namespace ?? namespaces[0]?.name },
        ),
      );
      const tenants = namespaces.map((namespace) => resourceQuota(namespace.name, namespace.gpuQuota));
      // As the stack makes one for each model; the models of this test share their label.
      const budgets = namespaces.map(({ name: namespace }) =>
        kube(
          "policy/v1",
          "PodDisruptionBudget",
          { spec: { maxUnavailable: 1, selector: { matchLabels: { app: "llm" } } } },
          { namespace },
        ),
      );
      assert.deepEqual(await check([...models, ...budgets], { config: policy, tenants }), []);
    });

    it("lists the charts of the stack's add-ons, from where the stack takes them", () => {
      const allowed = (policy["gpu-demand"]?.releases ?? []) as AllowedRelease[];
      const source = stack["inference-stack:chartSource"];
      for (const chart of [charts.certManager, charts.metalLb, charts.amdGpuOperator]) {
        const here = { exists: () => true, read: () => `version: ${chart.version}` };
        const props = { ...resolveChart(source, chart, here) };
        const resource = { type: "kubernetes:helm.sh/v3:Release", urn: "urn::it", props };
        assert.deepEqual(releaseDemand(resource, allowed).problems, []);
      }
    });
  });
}

describe("wrong policy config", () => {
  const model = [deployment({ template: template(1) })];
  const wrong: Record<string, [PackConfig, RegExp]> = {
    "no config at all": [{}, /gpu-demand: daemonSetNodes is missing/],
    "a mistyped key": [
      { ...config, "gpu-quota-per-namespace": { quotas: {}, defaultQuota: 0, defualtQuota: 8 } },
      /defualtQuota is no key of it.*its keys are quotas, defaultQuota/,
    ],
    "no quota of the stack": [{ ...config, "gpu-quota-per-stack": {} }, /quota is missing/],
  };
  for (const [name, [broken, message]] of Object.entries(wrong)) {
    it(`is an error, not a default: ${name}`, async () => {
      await assert.rejects(check(model, { config: broken }), message);
    });
  }
});
