/** Skips the tests of a suite that come after one that failed, where each goes on from the one before. */
export function inOrder(suite: Mocha.Suite): void {
  suite.beforeEach("nothing before it failed", function () {
    if (suite.tests.some((test) => test.isFailed())) {
      this.skip();
    }
  });
}
