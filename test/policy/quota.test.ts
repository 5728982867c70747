import assert from "node:assert/strict";
import { check, config, unknown } from "./harness";
import { deployment, kube, template } from "./resources";

const large = deployment({ replicas: 3, template: template(3) }, { name: "large" });
const small = deployment({ replicas: 1, template: template(1) }, { name: "small" });

describe("gpu-quota-per-namespace", () => {
  it("says who asks for how much, the quota, and what to change", async () => {
    const found = await check([small, large]);
    assert.deepEqual(
      found.map(({ policy, phase }) => [policy, phase]),
      [["gpu-quota-per-namespace", "stack"]],
    );
    assert.deepEqual(found[0]?.message.split("\n").slice(1), [
      "Namespace chat asks for 10 GPUs; its quota is 8:",
      "  Deployment/chat/large: 9 (9 amd.com/gpu)",
      "  Deployment/chat/small: 1 (1 amd.com/gpu)",
      'Lower replicas, surge or GPUs per pod by 2 GPUs in all, or change gpu-quota-per-namespace.quotas["chat"] ' +
        "in the policy config.",
    ]);
  });

  it("in an update refuses the resource that goes past the quota, before it is made", async () => {
    const found = await check([small, large], { isPreview: false, skipStack: true });
    assert.equal(found.length, 1);
    assert.match(found[0]?.message ?? "", /This takes namespace chat to 10 GPUs; its quota is 8\./);
    assert.equal(found[0]?.level, "mandatory");
  });

  it("in an update refuses an HPA that raises its target past the quota", async () => {
    const hpa = kube("autoscaling/v2", "HorizontalPodAutoscaler", {
      spec: { scaleTargetRef: { kind: "Deployment", name: "small" }, maxReplicas: 9 },
    });
    const found = await check([small, hpa], { isPreview: false, skipStack: true });
    assert.deepEqual(
      found.map(({ policy }) => policy),
      ["gpu-quota-per-namespace"],
    );
  });
});

describe("gpu-quota-per-stack", () => {
  it("adds up namespaces that each keep their quota", async () => {
    const wide = { ...config, "gpu-quota-per-stack": { quota: 9 } };
    const stack = [
      deployment({ template: template(8) }),
      deployment({ template: template(2) }, { name: "other", namespace: "research" }),
    ];
    const found = await check(stack, { config: wide });
    assert.deepEqual(
      found.map(({ policy }) => policy),
      ["gpu-quota-per-stack"],
    );
    assert.match(found[0]?.message ?? "", /The stack asks for 10 GPUs; its quota is 9:/);
    const inUpdate = await check(stack, { config: wide, isPreview: false, skipStack: true });
    assert.match(inUpdate[0]?.message ?? "", /This takes the stack to 10 GPUs/);
  });
});

describe("gpu-demand", () => {
  it("names the path of an unknown value and how to declare a ceiling, once", async () => {
    const found = await check([deployment({ replicas: unknown, template: template(1) })]);
    assert.deepEqual(
      found.map(({ policy, level, phase }) => [policy, level, phase]),
      [["gpu-demand", "mandatory", "resource"]],
    );
    assert.match(
      found[0]?.message ?? "",
      /Deployment\/chat\/llm, spec\.replicas: .*ceilings\["Deployment\/chat\/llm"\]/,
    );
  });

  it("counts a declared ceiling at preview, and refuses more in the update", async () => {
    const declared = {
      ...config,
      "gpu-demand": { ...config["gpu-demand"], ceilings: { "Deployment/chat/llm": 4 } },
    };
    const replicas = (value: unknown) => [deployment({ replicas: value, template: template(1) })];
    assert.deepEqual(await check(replicas(unknown), { config: declared }), []);
    assert.deepEqual(await check(replicas(4), { config: declared, isPreview: false }), []);
    const found = await check(replicas(5), { config: declared, isPreview: false, skipStack: true });
    assert.match(found[0]?.message ?? "", /asks for 5 GPUs, and the policy config declares a ceiling of 4/);
  });

  it("lets no quota pass when it is disabled", async () => {
    await assert.rejects(check([small], { disabled: "gpu-demand" }), /policy gpu-demand is disabled/);
  });
});
