import { existsSync } from "node:fs";
import path from "node:path";
import { cacheDirectory } from "../../../../sim/toolchain/cache";
import type { Progress } from "../../../../sim/toolchain/progress";
import { execute } from "../execute";
import { ensureBinaries, ensureContainerd, withWorkshop, workshopIn, type Workshop } from "./binaries";
import { ensureImages } from "./images";
import { dockerRepositories, kubernetesRepositories } from "./packages";
import { ensureRepositories } from "./repositories";

/** Everything that the outside world serves, in the cache. */
export interface Supplies {
  /** The server itself. */
  readonly program: string;
  /** Directory with a package repository a minor version of Kubernetes. */
  readonly packages: string;
  /** Directory of Docker's package repository, if it was asked for. */
  readonly docker?: string;
  /** OCI image layout. */
  readonly images: string;
  /** Directory with the keys that hosts trust. */
  readonly authority: string;
}

/**
 * Builds what the cache lacks. An interrupted build goes on where it was.
 * @param containerd2 whether Docker's repository is wanted
 */
export async function ensureSupplies(report: Progress, containerd2: boolean): Promise<Supplies> {
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
      packages: await ensureRepositories(workshop, "Kubernetes", kubernetesRepositories(binaries)),
      ...(containerd2 && { docker: await ensureDocker(workshop) }),
      images: await ensureImages(workshop, binaries),
      authority,
    };
  });
}

async function ensureDocker(workshop: Workshop): Promise<string> {
  return ensureRepositories(workshop, "containerd 2", dockerRepositories(await ensureContainerd(workshop)));
}
