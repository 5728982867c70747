import assert from "node:assert/strict";
import { podOrder, type Workload } from "../../../../cli/simulate/orders";

const workload = (name: string, replicas: number, gpus: number): Workload => ({
  kind: "Deployment",
  namespace: "chat",
  name,
  replicas,
  gpus,
});
const workloads = [workload("a", 2, 2), workload("b", 1, 8), workload("c", 3, 1), workload("none", 0, 4)];
const names = (place: number): string =>
  podOrder(workloads, place)
    .map(({ name }) => name)
    .join("");

describe("podOrder", () => {
  it("starts with small asks first, then large ones first", () => {
    assert.equal(names(0), "cccaab");
    assert.equal(names(1), "baaccc");
  });

  it("mixes the rest, each pod once, the same way each time", () => {
    const orders = Array.from({ length: 10 }, (_, index) => names(index + 2));
    assert.ok(orders.every((order) => [...order].sort().join("") === "aabccc"));
    assert.ok(new Set(orders).size >= 5, orders.join(" "));
    assert.deepEqual(
      orders,
      Array.from({ length: 10 }, (_, index) => names(index + 2)),
    );
  });
});
