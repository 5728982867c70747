import { whyNoLab } from "./lab";

/** For a `before` hook, whose time-out it sets: skips what runs in this context where no lab can, and says why. */
export function needsLab(context: Mocha.Context): void {
  // On a fresh machine the lab's packages and images are compiled first, with progress.
  context.timeout("60m");
  const reason = whyNoLab();
  if (reason !== undefined) {
    console.log(`    skipped: ${reason}`);
    context.skip();
  }
}
