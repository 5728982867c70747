import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { inspectProcess, listProcesses } from "./processes";

/**
 * The directory that holds tools, outside every checkout: `INFERENCE_STACK_CACHE`, else `inference-stack` in
 * `XDG_CACHE_HOME`, else `~/.cache/inference-stack`.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const own = env["INFERENCE_STACK_CACHE"];
  if (own !== undefined && own !== "") {
    return path.resolve(own);
  }
  const xdg = env["XDG_CACHE_HOME"];
  return path.join(xdg !== undefined && xdg !== "" ? xdg : path.join(os.homedir(), ".cache"), "inference-stack");
}

/** Where an installed directory came from. */
export type Source = "download" | "build";

const sourceFile = "source.json";

/** Whether a directory was installed whole: it appears by rename, so its marker is enough. */
export async function installedSource(directory: string): Promise<Source | undefined> {
  try {
    const marker = JSON.parse(await fs.readFile(path.join(directory, sourceFile), "utf8")) as { source: Source };
    return marker.source;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Fills a directory out of sight and renames it into place, so that an interrupted run leaves nothing half installed.
 * Needs the cache's lock.
 */
export async function installAtomically(
  cache: string,
  directory: string,
  fill: (temporary: string) => Promise<{ source: Source; from: string }>,
): Promise<Source> {
  const staging = path.join(cache, "tmp");
  await fs.mkdir(staging, { recursive: true });
  const temporary = await fs.mkdtemp(path.join(staging, `${process.pid}-`));
  try {
    const origin = await fill(temporary);
    await fs.writeFile(path.join(temporary, sourceFile), `${JSON.stringify(origin)}\n`);
    await fs.chmod(temporary, 0o755);
    await fs.mkdir(path.dirname(directory), { recursive: true });
    // Whatever lies there has no marker: it is not ours, or somebody removed parts of it.
    await fs.rm(directory, { recursive: true, force: true });
    await fs.rename(temporary, directory);
    return origin.source;
  } finally {
    await fs.rm(temporary, { recursive: true, force: true });
  }
}

/** Removes what interrupted runs left in the cache's staging directory. */
export async function removeLeftovers(cache: string): Promise<void> {
  const staging = path.join(cache, "tmp");
  for (const entry of await readDirectory(staging)) {
    if (inspectProcess(Number(entry.split("-")[0])) === undefined || entry.startsWith(`${process.pid}-`)) {
      await fs.rm(path.join(staging, entry), { recursive: true, force: true });
    }
  }
}

/** Installed directories that stay whatever their age, and hours after its last use for which another one stays. */
const kept = { directories: 3, hours: 1 };

/** Notes that an installed directory is used now; see {@link removeUnused}. */
export async function markUsed(directory: string): Promise<void> {
  const now = new Date();
  try {
    await fs.utimes(path.join(directory, sourceFile), now, now);
  } catch (error) {
    // A cache that belongs to somebody else is not ours to tidy up either.
    if (!["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      throw error;
    }
  }
}

/**
 * Removes what was installed from sources that have changed since: all but the three directories that were used last,
 * those used within the last hour, and those of which a program runs. Needs the cache's lock.
 *
 * @param parent holds a directory for each state of the sources
 */
export async function removeUnused(parent: string): Promise<void> {
  const installed: { directory: string; usedAt: number }[] = [];
  for (const entry of await readDirectory(parent)) {
    const directory = path.join(parent, entry);
    if ((await installedSource(directory)) !== undefined) {
      installed.push({ directory, usedAt: (await fs.stat(path.join(directory, sourceFile))).mtimeMs });
    }
  }
  const commands = listProcesses().map(({ command }) => command);
  const runs = (directory: string): boolean => commands.some((command) => command.startsWith(directory + path.sep));
  installed.sort((a, b) => b.usedAt - a.usedAt);
  for (const { directory, usedAt } of installed.slice(kept.directories)) {
    if (Date.now() - usedAt > kept.hours * 3_600_000 && !runs(directory)) {
      await fs.rm(directory, { recursive: true, force: true });
    }
  }
}

export async function readDirectory(directory: string): Promise<string[]> {
  try {
    return await fs.readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return [];
    }
    throw error;
  }
}
