const { writeFileSync } = require("node:fs");
const { reporters, Runner } = require("mocha");

/** The spec reporter, which also leaves the counts and the failures where test/run.ts reads them. */
module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failed = [];
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      failed.push({ test: test.fullTitle(), message: String(error?.message ?? error) });
    });
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, pending } = this.stats;
      if (process.env.TEST_COUNTS) {
        writeFileSync(process.env.TEST_COUNTS, JSON.stringify({ passed: passes, skipped: pending, failed }));
      }
    });
  }
};
