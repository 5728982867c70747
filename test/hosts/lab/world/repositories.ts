import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";
import { installAtomically, installedSource } from "../../../../sim/toolchain/cache";
import type { Task } from "../../../../sim/toolchain/progress";
import { linkOrCopy } from "../../../../sim/toolchain/tools";
import type { Workshop } from "./binaries";
import {
  architecture,
  buildPackage,
  ownFiles,
  packagesFile,
  packagesStanza,
  type BuiltPackage,
  type PackageSpec,
} from "./debianPackage";
import { packageRevision } from "./releases";

/** An apt repository, or a suite of one. */
export interface RepositorySpec {
  /** Directory that the paths in its index begin at, e.g. `v1.36`. */
  readonly root: string;
  /** Its `Packages` file, from the root. */
  readonly index: string;
  /** Directory of its packages, from the root. */
  readonly pool: string;
  readonly packages: readonly PackageSpec[];
}

/**
 * The directory that holds repositories, which are not signed: whoever serves them signs their lists. Needs the
 * workshop's lock.
 * @param what for messages
 */
export async function ensureRepositories(
  workshop: Workshop,
  what: string,
  specs: readonly RepositorySpec[],
): Promise<string> {
  const directory = path.join(workshop.directory, "packages", digest(specs));
  const repositories = path.join(directory, "repositories");
  if ((await installedSource(directory)) !== undefined) {
    return repositories;
  }
  const task = workshop.report.task(`Debian packages of ${what}`);
  try {
    await installAtomically(workshop.directory, directory, async (temporary) => {
      const packages = await buildAll(specs, temporary, task);
      for (const spec of specs) {
        await publish(path.join(temporary, "repositories"), spec, packages);
      }
      return { source: "build", from: "test/hosts/lab/world" };
    });
  } catch (error) {
    task.failed("not built");
    throw error;
  }
  task.done("built");
  return repositories;
}

/** Builds each package once, however many repositories have it. */
async function buildAll(
  specs: readonly RepositorySpec[],
  directory: string,
  task: Task,
): Promise<Map<PackageSpec, BuiltPackage>> {
  const built = new Map<PackageSpec, BuiltPackage>();
  for (const spec of new Set(specs.flatMap(({ packages }) => packages))) {
    task.update(`${spec.name} ${spec.version}`);
    built.set(spec, await buildPackage(spec, directory));
  }
  return built;
}

async function publish(
  repositories: string,
  { root, index, pool, packages }: RepositorySpec,
  built: ReadonlyMap<PackageSpec, BuiltPackage>,
): Promise<void> {
  const target = path.join(repositories, root);
  await fs.mkdir(path.join(target, pool), { recursive: true });
  const stanzas: string[] = [];
  for (const { file, control, sha256, size } of packages.map((spec) => built.get(spec)!)) {
    const place = path.join(pool, path.basename(file));
    await linkOrCopy(file, path.join(target, place));
    stanzas.push(packagesStanza(control, place, { sha256, size }));
  }
  await fs.mkdir(path.join(target, path.dirname(index)), { recursive: true });
  await fs.writeFile(path.join(target, index), packagesFile(stanzas));
}

/** Compiled programs are named by their inputs' digest already; files of ours count by their contents. */
function digest(specs: readonly RepositorySpec[]): string {
  const described = JSON.stringify([specs, architecture, packageRevision]).replaceAll(ownFiles, "files");
  const hash = createHash("sha256").update(described);
  const packages = specs.flatMap((spec) => spec.packages);
  const sources = packages.flatMap(({ name, files, scripts = [] }) => [
    ...Object.values(files).map(({ source }) => source),
    ...scripts.map((script) => path.join(ownFiles, `${name}.${script}.sh`)),
  ]);
  for (const source of sources.filter((file) => path.dirname(file) === ownFiles)) {
    hash.update(readFileSync(source));
  }
  return hash.digest("hex").slice(0, 12);
}
