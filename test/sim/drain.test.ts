import assert from "node:assert/strict";
import { drainWithout, rolloutUnderLoad, type RolloutResult } from "../../sim/vllm/rolloutUnderLoad";

const reasonsOf = ({ reasons }: RolloutResult) => JSON.stringify(Object.fromEntries(reasons));

/** docs/drain.md tells what this shows and what it cannot. `npm run bench:drain` measures more settings. */
describe("a rolling replacement under load", function () {
  this.timeout(330_000);

  it("fails none of 20,000 requests, however long their clients keep a connection", async () => {
    const result = await rolloutUnderLoad({
      requests: 20_000,
      drain: drainWithout({}),
      connections: ["fresh", "bounded", "unbounded"],
    });
    const { streaming, plain, failed, endings } = result;
    assert.ok(streaming + plain >= 20_000, `${streaming} + ${plain}`);
    assert.ok(Math.min(streaming, plain) > 9000, "half of them stream");
    assert.equal(failed, 0, reasonsOf(result));
    assert.ok(endings.length >= 3, "every replica was replaced");
    assert.ok(endings.every(({ exitCode, killed }) => exitCode === 0 && !killed));
  });

  it("fails requests without them", async () => {
    const drain = drainWithout({ preStop: true, drain: true });
    const connections = ["fresh", "bounded"] as const;
    const { failed } = await rolloutUnderLoad({ requests: 1, replicas: 2, drain, connections });
    assert.ok(failed > 0);
  });

  it("fails requests of clients that never let go of a connection where the server leaves it open", async () => {
    const drain = drainWithout({ close: true });
    const { failed } = await rolloutUnderLoad({ requests: 1, replicas: 2, drain, connections: ["unbounded"] });
    assert.ok(failed > 0, "if this holds no longer, docs/drain.md is to be changed");
  });
});
