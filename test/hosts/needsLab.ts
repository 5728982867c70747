import { tmpdir } from "node:os";
import { inGib } from "../../components/hosts/preflight/row";
import { minimumRoot } from "../../components/hosts/preflight/rows/storage";
import { diskSpace } from "../../sim/toolchain/goBuild";
import { whyNoLab } from "./lab";

/**
 * For a `before` hook, whose time-out it sets: skips what runs in this context where no lab can, and says why.
 * @throws when the disk has too little space, which would make the preflight refuse every host
 */
export async function needsLab(context: Mocha.Context): Promise<void> {
  // On a fresh machine the lab's packages and images are compiled first, with progress.
  context.timeout("60m");
  const reason = whyNoLab();
  if (reason !== undefined) {
    console.log(`    skipped: ${reason}`);
    context.skip();
  }
  const { free } = await diskSpace(tmpdir());
  if (free < minimumRoot) {
    throw new Error(
      `Hosts of the lab keep their disks in ${tmpdir()}, where ${inGib(free)} are free; the preflight refuses ` +
        `hosts with less than ${inGib(minimumRoot)}. Free some space, or set TMPDIR to a directory on a larger disk.`,
    );
  }
}
