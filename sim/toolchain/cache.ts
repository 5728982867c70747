import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { inspectProcess } from "./processes";

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
