import assert from "node:assert/strict";
import { placementOf } from "../../../components/serving/placement";
import { modelConfig } from "./fixtures";

describe("placementOf", () => {
  it("selects nodes with the labels that config names, and that have its GPUs all the same", () => {
    const nodeSelector = { pool: "shared", "feature.node.kubernetes.io/amd-gpu": "false" };
    assert.deepEqual(placementOf(modelConfig({ nodeSelector })).nodeSelector, {
      pool: "shared",
      "feature.node.kubernetes.io/amd-gpu": "true",
    });
  });

  it("selects none for a CPU model but those of config", () => {
    const onCpu = { gpuVendor: "none", gpusPerReplica: 0 } as const;
    assert.deepEqual(placementOf(modelConfig({ ...onCpu, nodeSelector: { pool: "cpu" } })).nodeSelector, {
      pool: "cpu",
    });
    assert.equal(placementOf(modelConfig(onCpu)).nodeSelector, undefined);
  });
});
