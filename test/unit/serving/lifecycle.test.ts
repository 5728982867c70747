import assert from "node:assert/strict";
import {
  defaultDrain,
  drainOf,
  imagePullSeconds,
  progressDeadlineSeconds,
  rolloutTimeouts,
  terminationGracePeriodSeconds,
} from "../../../components/serving/lifecycle";

const seconds = (duration: string) => Number(/^(\d+)s$/.exec(duration)?.[1]);

describe("terminationGracePeriodSeconds", () => {
  const cases: [number, number, number, number][] = [
    [15, 45, 15, 75],
    [10, 0, 1, 11],
    [0, 600, 30, 630],
  ];
  for (const [preStopSeconds, drainSeconds, slackSeconds, expected] of cases) {
    it(`adds ${preStopSeconds}, ${drainSeconds} and ${slackSeconds} to ${expected}`, () => {
      const grace = terminationGracePeriodSeconds({ preStopSeconds, drainSeconds, slackSeconds });
      assert.equal(grace, expected);
      assert.ok(grace > preStopSeconds + drainSeconds);
    });
  }

  for (const [part, value] of [
    ["preStopSeconds", -1],
    ["drainSeconds", 1.5],
    ["slackSeconds", 0],
    ["slackSeconds", Number.NaN],
  ] as const) {
    it(`refuses ${part} ${value}`, () => {
      assert.throws(
        () => terminationGracePeriodSeconds({ ...defaultDrain, [part]: value }),
        new RegExp(`${part} is ${value}: allowed is a whole number of seconds from`),
      );
    });
  }
});

describe("rollout deadlines", () => {
  it("give a step time to stop, pull and start", () => {
    assert.equal(progressDeadlineSeconds(720, 150), 150 + imagePullSeconds + 720);
  });

  it("let Kubernetes report a stuck rollout before the engine gives up", () => {
    for (const replicas of [0, 1, 2, 100]) {
      const timeouts = rolloutTimeouts(replicas, 720, 150);
      assert.ok(seconds(timeouts.create) > progressDeadlineSeconds(720, 150));
      assert.ok(seconds(timeouts.update) > Math.max(1, replicas) * progressDeadlineSeconds(720, 150));
      assert.ok(seconds(timeouts.delete) > 150);
    }
  });
});

describe("drainOf", () => {
  const drain = { preStopSeconds: 10, drainSeconds: 60, slackSeconds: 5 };

  it("is what config says, 150 s in all by default", () => {
    assert.deepEqual(drainOf({ drain }), drain);
    assert.equal(terminationGracePeriodSeconds(drainOf({})), 150);
  });

  it("gives requests the same time before SIGTERM where the image cannot drain after it", () => {
    const paused = drainOf({ drain, image: "vllm/vllm-openai:v0.17.1" });
    assert.deepEqual(paused, { preStopSeconds: 70, drainSeconds: 0, slackSeconds: 5 });
    assert.equal(terminationGracePeriodSeconds(paused), terminationGracePeriodSeconds(drain));
  });
});
