import assert from "node:assert/strict";
import Mocha from "mocha";
import { inOrder } from "../inOrder";

/** Titles of a suite's tests by what became of them. */
async function outcome(build: (suite: Mocha.Suite) => void): Promise<Record<string, string[]>> {
  const mocha = new Mocha({ reporter: class {} as unknown as Mocha.ReporterConstructor });
  build(Mocha.Suite.create(mocha.suite, "suite"));
  const titles: Record<string, string[]> = {};
  const { EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_RUN_END } = Mocha.Runner.constants;
  const runner = mocha.run();
  for (const event of [EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING]) {
    runner.on(event, (test: Mocha.Test) => (titles[event] ??= []).push(test.title));
  }
  await new Promise((resolve) => runner.once(EVENT_RUN_END, () => resolve(undefined)));
  return titles;
}

const passes = (title: string): Mocha.Test => new Mocha.Test(title, () => undefined);
const fails = (title: string): Mocha.Test => new Mocha.Test(title, () => assert.fail());

describe("inOrder", () => {
  it("skips what comes after the first failure, and nothing else", async () => {
    const titles = await outcome((suite) => {
      inOrder(suite);
      for (const test of [passes("a"), fails("b"), passes("c"), fails("d")]) suite.addTest(test);
    });
    assert.deepEqual(titles, { pass: ["a"], fail: ["b"], pending: ["c", "d"] });
  });

  it("leaves other suites alone", async () => {
    const titles = await outcome((suite) => {
      const before = Mocha.Suite.create(suite, "one that fails");
      before.addTest(fails("a"));
      const ordered = Mocha.Suite.create(suite, "one in order");
      inOrder(ordered);
      ordered.addTest(passes("b"));
    });
    assert.deepEqual(titles, { pass: ["b"], fail: ["a"] });
  });
});
