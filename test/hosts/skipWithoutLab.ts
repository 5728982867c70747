import { whyNoLab } from "./lab";

/** Skips what runs in this context where no lab can, and says why. */
export function skipWithoutLab(context: Mocha.Context): void {
  const reason = whyNoLab();
  if (reason !== undefined) {
    console.log(`    skipped: ${reason}`);
    context.skip();
  }
}
