import assert from "node:assert/strict";
import type { NamespaceConfig } from "../../../components/config/schema/platform";
import { podSecurityLabels, quotaLimits } from "../../../components/tenancy/quota";

const namespace: NamespaceConfig = { name: "llm", gpuQuota: 12, podSecurity: "baseline" };

describe("quotaLimits", () => {
  const cases = [
    ["amd", "12", "0"],
    ["nvidia", "0", "12"],
    ["both", "12", "12"],
    ["none", "0", "0"],
  ] as const;
  for (const [vendor, amd, nvidia] of cases) {
    it(`gives AMD ${amd} and NVIDIA ${nvidia} with vendor ${vendor}`, () => {
      assert.deepEqual(quotaLimits(namespace, vendor), {
        "requests.amd.com/gpu": amd,
        "requests.nvidia.com/gpu": nvidia,
      });
    });
  }

  it("limits CPU and memory where config says so", () => {
    const limits = quotaLimits({ ...namespace, cpuQuota: 64, memoryQuota: "1Ti" }, "amd");
    assert.equal(limits["requests.cpu"], "64");
    assert.equal(limits["requests.memory"], "1Ti");
  });
});

describe("podSecurityLabels", () => {
  it("sets every mode with its version", () => {
    assert.deepEqual(podSecurityLabels("restricted", "v1.36"), {
      "pod-security.kubernetes.io/enforce": "restricted",
      "pod-security.kubernetes.io/enforce-version": "v1.36",
      "pod-security.kubernetes.io/audit": "restricted",
      "pod-security.kubernetes.io/audit-version": "v1.36",
      "pod-security.kubernetes.io/warn": "restricted",
      "pod-security.kubernetes.io/warn-version": "v1.36",
    });
  });
});
