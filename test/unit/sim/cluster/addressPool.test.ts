import assert from "node:assert/strict";
import {
  maximumAddresses,
  parseAddressPool,
  planPorts,
  toAddress,
  toNumber,
} from "../../../../sim/cluster/addressPool";

describe("addressPool", () => {
  it("parses ranges, CIDRs and single addresses", () => {
    const pool = parseAddressPool(["10.0.0.240-10.0.0.250", "10.1.2.3/30", "192.168.0.1"]);
    assert.deepEqual(
      pool.map(({ first, count }) => [toAddress(first), count]),
      [
        ["10.0.0.240", 11],
        ["10.1.2.0", 4],
        ["192.168.0.1", 1],
      ],
    );
  });

  for (const entry of ["10.0.0.9-10.0.0.1", "10.0.0.0/33", "fd00::/64", "host", "10.0.0.1-", ""]) {
    it(`refuses ${JSON.stringify(entry)}, naming the setting`, () => {
      assert.throws(() => parseAddressPool([entry]), /loadBalancer\.addresses/);
    });
  }

  it("has no plan for an empty pool", () => {
    assert.equal(planPorts([]), undefined);
  });

  for (const size of [1, 11, 254, 496, 497, 2_700, 4_000, 5_000, maximumAddresses]) {
    it(`leaves exactly ${size} ports above those that the API server reserves`, () => {
      const plan = planPorts([{ first: toNumber("10.0.0.0"), count: size }])!;
      const [low, high] = plan.range.split("-").map(Number) as [number, number];
      // The rule of kube-apiserver's port allocator: a 32nd of the range, at least 16 and at most 128.
      const reserved = Math.min(Math.max(Math.floor((high - low + 1) / 32), 16), 128);
      assert.equal(low + reserved, plan.firstPort);
      assert.equal(high - plan.firstPort + 1, size);
      assert.ok(high <= 65_535);
    });
  }

  it("numbers the addresses of several ranges one after another and counts an overlap once", () => {
    const plan = planPorts(parseAddressPool(["10.0.1.0-10.0.1.9", "10.0.0.1-10.0.0.3", "10.0.1.5-10.0.1.19"]));
    assert.deepEqual(plan?.ranges, [
      [0, 3, toNumber("10.0.0.1")],
      [3, 20, toNumber("10.0.1.0")],
    ]);
  });

  it("cuts a pool that is larger than the port range", () => {
    const plan = planPorts(parseAddressPool(["10.0.0.0/8"]));
    assert.deepEqual(plan?.ranges, [[0, maximumAddresses, toNumber("10.0.0.0")]]);
  });
});
