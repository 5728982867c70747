import assert from "node:assert/strict";
import { renderResult } from "../../../../cli/simulate/render";
import type { SimulationResult } from "../../../../cli/simulate/result";

const words = "0/2 nodes are available: 2 Insufficient amd.com/gpu.";

const result: SimulationResult = {
  stack: "prod",
  source: "nodes.json",
  nodes: [
    { name: "cp-0", state: "tainted" },
    { name: "gpu-0", state: "open" },
  ],
  gpus: [{ node: "gpu-0", resource: "amd.com/gpu", total: 8, used: 5, free: 3, open: true }],
  models: [
    {
      namespace: "chat",
      name: "large",
      replicas: 3,
      placed: 2,
      gpus: { "amd.com/gpu": 2 },
      nodes: { "gpu-0": 2 },
    },
  ],
  pending: [{ namespace: "chat", workload: "large", count: 1, reason: words }],
  orders: { tried: 3, withPending: 2 },
  fragmentation: [
    {
      resource: "amd.com/gpu",
      free: 3,
      largestReplica: 3,
      sizes: [2],
      unusable: 1,
      nodes: [{ node: "gpu-0", unusable: 1 }],
    },
  ],
  unfinished: [],
  notes: [],
};

describe("renderResult", () => {
  it("shows GPUs by node, replicas placed and the scheduler's words", () => {
    const text = renderResult(result);
    assert.match(text, /gpu-0 +open +amd\.com\/gpu +8 +5 +3/);
    assert.match(text, /cp-0 +tainted +- +0 +0 +0/);
    assert.match(text, /chat\/large +2 +2\/3 +gpu-0 \(2\)/);
    assert.match(text, /Pending \(in 2 of 3 orders of the pods; this is the worst\)\n/);
    assert.match(text, /! chat\/large, 1 pod: 0\/2 nodes are available: 2 Insufficient/);
    assert.match(text, /3 free, the largest replica that still fits has 3; 1 of them.*replica of 2: gpu-0 \(1\)/);
    assert.doesNotMatch(text, /failed|Notes/);
  });

  it("says how many combinations were tried where there are too many", () => {
    const worst = { nodes: ["a", "b"], pending: result.pending, pods: 1, gone: ["tools/shell"] };
    const failures = { nodes: 2, combinations: 4950, tried: 40, harmless: 39, worst };
    const text = renderResult({ ...result, failures });
    assert.match(text, /After 2 nodes failed\n {2}40 of 4950 combinations tried/);
    assert.match(text, /worst: a, b, which leaves 1 pod Pending/);
    assert.match(text, /gone with a, b, as nobody makes them again: tools\/shell/);
  });

  it("names what the engine did not get past", () => {
    const urn = "urn:pulumi:prod::inference-stack::kubernetes:apps/v1:Deployment::chat/large";
    assert.match(renderResult({ ...result, unfinished: [urn] }), /Notes\n.*left out: chat\/large/);
  });
});
