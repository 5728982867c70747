import assert from "node:assert/strict";
import { readSettings } from "../../../../sim/vllm/settings";

describe("the stand-in's settings", () => {
  it("have defaults", () => {
    const settings = readSettings({});
    assert.equal(settings.loadSeconds, 0);
    assert.equal(settings.keepAliveSeconds, 5);
    assert.equal(settings.timeScale, 1);
    assert.equal(settings.keepAliveOnEngineDeath, false);
  });

  it("come from the environment", () => {
    const settings = readSettings({
      STAND_IN_LOAD_SECONDS: "60",
      STAND_IN_TOKEN_SECONDS: "0.5",
      STAND_IN_TIME_SCALE: "20",
      VLLM_HTTP_TIMEOUT_KEEP_ALIVE: "30",
      VLLM_KEEP_ALIVE_ON_ENGINE_DEATH: "1",
    });
    assert.deepEqual(
      [settings.loadSeconds, settings.tokenSeconds, settings.timeScale, settings.keepAliveSeconds],
      [60, 0.5, 20, 30],
    );
    assert.equal(settings.keepAliveOnEngineDeath, true);
  });

  for (const [name, value] of [
    ["STAND_IN_LOAD_SECONDS", "-1"],
    ["STAND_IN_TOKEN_SECONDS", "fast"],
    ["STAND_IN_TIME_SCALE", "0"],
  ] as const) {
    it(`refuses ${name}=${value}`, () => {
      assert.throws(() => readSettings({ [name]: value }), new RegExp(`${name} is '${value}': allowed is a number`));
    });
  }
});
