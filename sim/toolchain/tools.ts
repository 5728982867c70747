import * as fs from "node:fs/promises";
import * as path from "node:path";
import { installAtomically, installedSource, type Source } from "./cache";
import { Unavailable, type Downloader } from "./download";
import { checkGo, fetchModules, goBuild, type GoEnvironment, type GoTarget } from "./goBuild";
import type { Progress, Task } from "./progress";
import {
  platformId,
  resolveDownloads,
  templateValues,
  expand,
  type Plugin,
  type ToolName,
  type Versions,
} from "./versions";

/** What installing needs to know; tests replace parts of it. */
export interface Toolchain {
  readonly cache: string;
  readonly versions: Versions;
  readonly report: Progress;
  readonly downloader: Downloader;
  readonly go: GoEnvironment;
  /** Directory with a Go module per tool, each pinning what is built. */
  readonly goModules: string;
  /** Directory with the Go module of the stand-in plugins. */
  readonly standIns: string;
  /** Directory with the Go module of the state service. */
  readonly stateService: string;
}

export const toolDirectory = (chain: Toolchain, name: ToolName): string =>
  path.join(chain.cache, "tools", name, `${chain.versions.tools[name].version}-${platformId(chain.go.platform)}`);

/** Tools that are not installed at their pinned version. */
export async function missingTools(chain: Toolchain, names: readonly ToolName[]): Promise<ToolName[]> {
  const sources = await Promise.all(names.map((name) => installedSource(toolDirectory(chain, name))));
  return names.filter((_, i) => sources[i] === undefined);
}

/** Installs tools: downloads first, then builds whatever could not be downloaded. */
export async function installTools(chain: Toolchain, names: readonly ToolName[]): Promise<void> {
  const targets: { name: ToolName; target: GoTarget }[] = [];
  await chain.downloader.probe(names.flatMap((name) => urlsOf(chain.versions.tools[name], chain)));
  for (const name of names) {
    const tried = await downloadTool(chain, name);
    if (tried !== undefined) {
      targets.push({ name, target: goTarget(chain, name, tried) });
    }
  }
  if (targets.length > 0) {
    await buildTools(chain, targets);
  }
}

/** The URLs that a download would ask. */
export function urlsOf(tool: Plugin, chain: Toolchain): string[] {
  return (resolveDownloads(tool, chain.go.platform) ?? []).flatMap((download) =>
    download.sha256 === undefined ? [download.url, download.checksums] : [download.url],
  );
}

/**
 * Downloads all files of a tool or plugin into a directory.
 * @returns undefined, or why it cannot be downloaded
 */
export async function downloadInto(
  chain: Toolchain,
  tool: Plugin,
  directory: string,
  task: Task,
): Promise<string | undefined> {
  const downloads = resolveDownloads(tool, chain.go.platform);
  if (downloads === undefined) {
    return `its publisher offers no download for ${platformId(chain.go.platform)}`;
  }
  try {
    for (const download of downloads) {
      await chain.downloader.install(download, directory, task);
    }
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) {
      return error.message;
    }
    throw error;
  }
}

/** @returns undefined when the tool is installed now, else what was tried in vain */
async function downloadTool(chain: Toolchain, name: ToolName): Promise<string[] | undefined> {
  const tool = chain.versions.tools[name];
  const task = chain.report.task(`${name} ${tool.version}`);
  try {
    await installAtomically(chain.cache, toolDirectory(chain, name), async (directory) => {
      const failure = await downloadInto(chain, tool, directory, task);
      if (failure !== undefined) {
        throw new Unavailable(failure);
      }
      return { source: "download", from: tool.downloads.map((download) => download.url).join(" ") };
    });
    task.done("downloaded");
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) {
      task.skipped(`no download (${error.message}), so it is built from its Go modules`);
      return [error.message];
    }
    task.failed("not installed");
    throw error;
  }
}

async function buildTools(chain: Toolchain, targets: readonly { name: ToolName; target: GoTarget }[]): Promise<void> {
  await checkGo(
    targets.map(({ target }) => target),
    chain.cache,
    chain.go,
  );
  // The smallest first: its modules are there soonest, and while it is compiled those of the next ones come.
  const ordered = [...targets].sort((a, b) => a.target.diskGiB - b.target.diskGiB);
  const modules = fetchAhead(chain, ordered);
  for (const [i, { name, target }] of ordered.entries()) {
    await buildWithProgress(chain, target, toolDirectory(chain, name), modules[i]!);
  }
}

/** Fetches modules of all targets, one after another, while the first are already compiled. */
function fetchAhead(chain: Toolchain, targets: readonly { target: GoTarget }[]): Promise<void>[] {
  let previous: Promise<void> = Promise.resolve();
  return targets.map(({ target }) => {
    previous = previous.then(() => fetchModules(target, chain.go));
    // Reported by the build that waits for it, which may be minutes away.
    previous.catch(() => undefined);
    return previous;
  });
}

/** Builds a target into a directory, saying how it goes. */
export async function buildWithProgress(
  chain: Toolchain,
  target: GoTarget,
  directory: string,
  modules: Promise<void>,
): Promise<Source> {
  const task = chain.report.task(target.name);
  try {
    const source = await installAtomically(chain.cache, directory, async (temporary) => {
      task.update("loading Go modules");
      await modules;
      await goBuild(target, temporary, task, chain.go);
      return { source: "build", from: path.basename(target.module) };
    });
    task.done("built from its Go modules");
    return source;
  } catch (error) {
    task.failed("not built");
    throw error;
  }
}

function goTarget(chain: Toolchain, name: ToolName, tried: readonly string[]): GoTarget {
  const tool = chain.versions.tools[name];
  const values = templateValues(tool.version, chain.go.platform, chain.versions.tools.kubernetes.version);
  const variables = Object.entries(tool.build.variables).map(([key, value]) => [key, expand(value, values)] as const);
  return {
    name: `${name} ${tool.version}`,
    module: path.join(chain.goModules, name),
    packages: tool.build.packages,
    variables: Object.fromEntries(variables),
    diskGiB: tool.build.diskGiB,
    tried,
  };
}

/** Makes one file appear in two places of the cache without using the space twice, where the file system can. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await fs.link(from, to);
  } catch (error) {
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      throw error;
    }
    await fs.copyFile(from, to);
  }
}
