import * as assert from "node:assert/strict";
import { findGpu, gpuNames } from "../../../components/capacity/gpuCatalog";
import { gpus } from "../../../components/capacity/gpus";

const known: readonly (readonly [text: string, name: string, memoryGiB: number])[] = [
  ["MI300X", "MI300X", 191.98],
  ["mi300x", "MI300X", 191.98],
  ["AMD_Instinct_MI300X_OAM", "MI300X", 191.98],
  ["AMD Instinct MI325X", "MI325X", 255.98],
  ["AMD_Instinct_MI355X_OAM", "MI355X", 287.98],
  ["MI250X", "MI250X", 63.98],
  ["H100", "H100", 79.18],
  ["H100 80GB", "H100", 79.18],
  ["NVIDIA-H100-80GB-HBM3", "H100", 79.18],
  ["NVIDIA-H200", "H200", 139.8],
  ["NVIDIA-B200", "B200", 178.35],
  ["A100", "A100-80GB", 79.15],
  ["NVIDIA-A100-SXM4-80GB", "A100-80GB", 79.15],
  ["NVIDIA-A100-SXM4-40GB", "A100-40GB", 39.49],
  ["A100 40GB", "A100-40GB", 39.49],
  ["NVIDIA-L40S", "L40S", 44.39],
  ["L40S 48GB", "L40S", 44.39],
  ["NVIDIA-L4", "L4", 22.03],
  ["NVIDIA-A10G", "A10", 22.06],
  ["Tesla-T4", "T4", 14.56],
  ["NVIDIA-GeForce-RTX-4090", "RTX 4090", 23.53],
  ["RTX 5090 32GB", "RTX 5090", 31.36],
];

describe("findGpu", () => {
  for (const [text, name, memoryGiB] of known) {
    it(`takes ${text} for ${name}`, () => {
      const found = findGpu(text);
      assert.deepEqual([found?.name, found?.memoryGiB], [name, memoryGiB]);
    });
  }
  for (const text of ["", "H10", "GB200", "NVIDIA-GB200", "L40", "A100 24GB", "H100 94GB", "MI300X:CPX/NPS9", "none"]) {
    it(`does not guess what ${JSON.stringify(text)} is`, () => assert.equal(findGpu(text), undefined));
  }
  it("knows AMD partitions: an even share of the memory", () => {
    const found = findGpu("MI300X:CPX/NPS4");
    assert.deepEqual([found?.name, found?.memoryGiB], ["MI300X:CPX/NPS4", 191.98 / 8]);
  });
  it("knows MIG slices by name and by the label that feature discovery sets", () => {
    assert.equal(findGpu("H100:3g.40gb")?.memoryGiB, 79.18 / 2);
    assert.equal(findGpu("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb")?.memoryGiB, 79.15 / 8);
    assert.equal(findGpu("NVIDIA-H200-MIG-2g.35gb")?.name, "H200:2g.35gb");
  });
});

describe("the GPU catalogue", () => {
  it("finds every name that it gives", () => {
    for (const name of gpuNames()) assert.equal(findGpu(name)?.name, name);
  });
  for (const { name, partitions, memoryGiB } of gpus) {
    it(`${name}: partitions of one mode fit the GPU`, () => {
      for (const partition of partitions) {
        assert.ok(partition.memoryGiB * partition.count <= memoryGiB + 1e-9, partition.name);
      }
    });
  }
});
