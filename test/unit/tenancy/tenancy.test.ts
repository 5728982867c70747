import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import type { NamespaceConfig } from "../../../components/config/schema/platform";
import { Tenancy, type TenancyArgs } from "../../../components/tenancy/tenancy";
import { recordProgram, valueOf } from "../mocks";

const namespaceType = "kubernetes:core/v1:Namespace";
const quotaType = "kubernetes:core/v1:ResourceQuota";
const limitsType = "kubernetes:core/v1:LimitRange";

function tenant(changes: Partial<NamespaceConfig> = {}, args: Partial<TenancyArgs> = {}) {
  const namespace: NamespaceConfig = { name: "llm", gpuQuota: 8, podSecurity: "baseline", ...changes };
  return recordProgram(() => {
    const tenancy = new Tenancy("team", { namespace, gpuVendor: "amd", ...args });
    new k8s.core.v1.ConfigMap("inside", { metadata: { namespace: tenancy.namespace } });
    return tenancy;
  });
}

describe("Tenancy", () => {
  it("makes a namespace, a quota and a limit range under one component", async () => {
    const program = await tenant();
    for (const type of [namespaceType, quotaType, limitsType]) {
      const resource = program.one(type);
      assert.equal(resource.parent, program.one("inference-stack:tenancy:Tenancy").urn);
      assert.deepEqual([resource.protect, resource.deleteBeforeReplace], [false, true]);
    }
    assert.equal((program.one(namespaceType).inputs.metadata as { name: string }).name, "llm");
  });

  it("labels the namespace for the Pod Security Standard of its config", async () => {
    const labels = async (changes: Partial<NamespaceConfig>, args: Partial<TenancyArgs>) =>
      (
        (await tenant(changes, args)).one(namespaceType).inputs as {
          metadata: { labels: Record<string, string> };
        }
      ).metadata.labels;
    const baseline = await labels({}, {});
    assert.equal(baseline["pod-security.kubernetes.io/enforce"], "baseline");
    assert.equal(baseline["pod-security.kubernetes.io/enforce-version"], "v1.36");
    const privileged = await labels({ podSecurity: "privileged" }, { podSecurityVersion: "v1.34" });
    assert.equal(privileged["pod-security.kubernetes.io/warn"], "privileged");
    assert.equal(privileged["pod-security.kubernetes.io/audit-version"], "v1.34");
  });

  it("caps GPUs in the namespace that it made", async () => {
    const program = await tenant({ memoryQuota: "512Gi" });
    const { metadata, spec } = program.one(quotaType).inputs as {
      metadata: { namespace: string };
      spec: { hard: Record<string, string> };
    };
    assert.equal(metadata.namespace, "llm");
    assert.deepEqual(spec.hard, {
      "requests.amd.com/gpu": "8",
      "requests.nvidia.com/gpu": "0",
      "requests.memory": "512Gi",
    });
    assert.ok(program.one(quotaType).dependencies.includes(program.one(namespaceType).urn));
  });

  it("gives containers default requests, and no limits that would throttle or kill them", async () => {
    const { spec } = (await tenant()).one(limitsType).inputs as { spec: { limits: Record<string, unknown>[] } };
    assert.deepEqual(spec.limits, [{ type: "Container", defaultRequest: { cpu: "100m", memory: "256Mi" } }]);
  });

  it("hands out the namespace only with its quota and limits", async () => {
    const program = await tenant();
    assert.equal(await valueOf(program.result.namespace), "llm");
    const inside = program.one("kubernetes:core/v1:ConfigMap");
    assert.deepEqual(
      inside.dependencies,
      [namespaceType, quotaType, limitsType].map((type) => program.one(type).urn).sort(),
    );
  });

  it("gives the namespace time for draining pods on destroy", async () => {
    assert.equal((await tenant()).one(namespaceType).customTimeouts.delete, "15m");
  });
});
