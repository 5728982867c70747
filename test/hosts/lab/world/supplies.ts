import { existsSync } from "node:fs";
import path from "node:path";
import { cacheDirectory } from "../../../../sim/toolchain/cache";
import type { Progress } from "../../../../sim/toolchain/progress";
import { execute } from "../execute";
import { ensureBinaries, withWorkshop, workshopIn } from "./binaries";
import { ensureImages } from "./images";
import { ensurePackages, packagesOf } from "./packages";

/** Everything that the outside world serves, in the cache. */
export interface Supplies {
  /** The server itself. */
  readonly program: string;
  /** Directory with a package repository a minor version. */
  readonly packages: string;
  /** OCI image layout. */
  readonly images: string;
  /** Directory with the keys that hosts trust. */
  readonly authority: string;
}

/** Builds what the cache lacks. An interrupted build goes on where it was. */
export async function ensureSupplies(report: Progress): Promise<Supplies> {
  const workshop = workshopIn(cacheDirectory(), report);
  return withWorkshop(workshop, async () => {
    const binaries = await ensureBinaries(workshop);
    const program = path.join(binaries.world, "world");
    const authority = path.join(workshop.directory, "authority");
    if (!existsSync(path.join(authority, "packages.asc"))) {
      await execute(program, ["authority", authority]);
    }
    return {
      program,
      packages: path.join(await ensurePackages(workshop, packagesOf(binaries)), "repositories"),
      images: await ensureImages(workshop, binaries),
      authority,
    };
  });
}
