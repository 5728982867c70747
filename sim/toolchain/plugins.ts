import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { installAtomically, installedSource } from "./cache";
import { Unavailable } from "./download";
import { checkGo, fetchModules, goBuild, type GoEnvironment, type GoTarget } from "./goBuild";
import type { Task } from "./progress";
import { downloadInto, linkOrCopy, toolDirectory, urlsOf, type Toolchain } from "./tools";
import { platformId, pluginNames, type PluginName } from "./versions";

/** A PULUMI_HOME of our own: the engine in `bin/`, provider plugins in `plugins/`. */
export interface PulumiHome {
  readonly directory: string;
  readonly plugins: "official" | "stand-in";
}

const languageHost = "pulumi-language-nodejs";

/** The home that is there already: the official one, else stand-ins built from exactly these sources. */
export async function installedHome(chain: Toolchain): Promise<PulumiHome | undefined> {
  for (const home of [officialHome(chain), await standInHome(chain)]) {
    if ((await installedSource(home.directory)) !== undefined) {
      return home;
    }
  }
  return undefined;
}

/** Installs the official plugins where they can be downloaded, else builds the stand-ins. */
export async function installHome(chain: Toolchain): Promise<PulumiHome> {
  const official = officialHome(chain);
  const tried = await installOfficial(chain, official.directory);
  if (tried === undefined) {
    return official;
  }
  const standIn = await standInHome(chain);
  await installStandIns(chain, standIn.directory, tried);
  return standIn;
}

/** One line for the user: which plugins the engine will use, and why. */
export function describePlugins(chain: Toolchain, home: PulumiHome): string {
  const names = pluginNames.map((name) => `${name} ${chain.versions.plugins[name].version}`).join(", ");
  return home.plugins === "official"
    ? `Pulumi plugins: official (${names})`
    : `Pulumi plugins: stand-ins built from sim/plugins in place of ${names} and the Node.js language host, ` +
        "because the official ones could not be downloaded";
}

/** @returns undefined when they are installed now, else what was tried in vain */
async function installOfficial(chain: Toolchain, directory: string): Promise<string[] | undefined> {
  const pulumi = toolDirectory(chain, "pulumi");
  if ((await installedSource(pulumi)) !== "download") {
    return ["the official pulumi archive, which holds the Node.js language host, could not be downloaded"];
  }
  const task = chain.report.task("Pulumi plugins");
  await chain.downloader.probe(pluginNames.flatMap((name) => urlsOf(chain.versions.plugins[name], chain)));
  try {
    await installAtomically(chain.cache, directory, async (home) => {
      for (const name of pluginNames) {
        await downloadPlugin(chain, name, home, task);
      }
      await prepareHome(home);
      for (const file of await fs.readdir(pulumi)) {
        if (file.startsWith("pulumi")) {
          await linkOrCopy(path.join(pulumi, file), path.join(home, "bin", file));
        }
      }
      return { source: "download", from: "official" };
    });
    task.done("downloaded");
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) {
      task.skipped(`no download (${error.message}), so stand-ins are built`);
      return [error.message];
    }
    task.failed("not installed");
    throw error;
  }
}

async function downloadPlugin(chain: Toolchain, name: PluginName, home: string, task: Task): Promise<void> {
  const directory = path.join(home, pluginPath(chain, name));
  await fs.mkdir(directory, { recursive: true });
  const failure = await downloadInto(chain, chain.versions.plugins[name], directory, task);
  if (failure !== undefined) {
    throw new Unavailable(failure);
  }
}

async function installStandIns(chain: Toolchain, directory: string, tried: readonly string[]): Promise<void> {
  const target: GoTarget = {
    name: "Pulumi plugins (stand-ins)",
    module: chain.standIns,
    packages: Object.fromEntries(
      [languageHost, ...pluginNames.map((name) => `pulumi-resource-${name}`)].map((name) => [name, `./cmd/${name}`]),
    ),
    variables: {},
    diskGiB: chain.versions.standIns.diskGiB,
    tried,
  };
  await checkGo([target], chain.cache, chain.go);
  const task = chain.report.task(target.name);
  try {
    await installAtomically(chain.cache, directory, async (home) => {
      await prepareHome(home);
      await fetchModules(target, chain.go);
      await goBuild(target, path.join(home, "bin"), task, chain.go);
      for (const name of pluginNames) {
        await fs.mkdir(path.join(home, pluginPath(chain, name)), { recursive: true });
        await fs.rename(
          path.join(home, "bin", `pulumi-resource-${name}`),
          path.join(home, pluginPath(chain, name), `pulumi-resource-${name}`),
        );
      }
      await linkOrCopy(path.join(toolDirectory(chain, "pulumi"), "pulumi"), path.join(home, "bin", "pulumi"));
      return { source: "build", from: "sim/plugins" };
    });
    task.done("built from sim/plugins");
  } catch (error) {
    task.failed("not built");
    throw error;
  }
}

/**
 * Lays out a home. A plain file takes the place of the folder for the engine's debug log: it compresses and writes each
 * debug message of every run, which took 40 % of its CPU at 100 models, and no setting turns it off. The engine goes on
 * without the log when it cannot make the folder.
 */
async function prepareHome(home: string): Promise<void> {
  await fs.mkdir(path.join(home, "bin"));
  await fs.writeFile(path.join(home, "logs"), "A file, so that the engine writes no debug log here.\n");
}

/** Where the engine looks for a provider plugin, in its home. */
const pluginPath = (chain: Toolchain, name: PluginName): string =>
  path.join("plugins", `resource-${name}-v${chain.versions.plugins[name].version}`);

function officialHome(chain: Toolchain): PulumiHome {
  return { directory: homeDirectory(chain, "official", pinned(chain)), plugins: "official" };
}

async function standInHome(chain: Toolchain): Promise<PulumiHome> {
  const sources = await moduleDigest(chain.standIns, chain.go);
  return { directory: homeDirectory(chain, "stand-in", `${pinned(chain)}\n${sources}`), plugins: "stand-in" };
}

/** A home is never changed once it is there, so checkouts with other versions or sources do not disturb each other. */
function homeDirectory(chain: Toolchain, kind: string, contents: string): string {
  const digest = createHash("sha256").update(contents).digest("hex").slice(0, 16);
  return path.join(chain.cache, "pulumi-home", `${kind}-${platformId(chain.go.platform)}-${digest}`);
}

function pinned(chain: Toolchain): string {
  const plugins = pluginNames.map((name) => `${name} ${chain.versions.plugins[name].version}`);
  return [`pulumi ${chain.versions.tools.pulumi.version}`, "no engine log", ...plugins].join("\n");
}

/** Digest of a module's sources, and of the workspace that may give it later versions of other modules. */
export async function moduleDigest(module: string, go: GoEnvironment): Promise<string> {
  const sources = await sourceDigest(module);
  const workspace = await fs.readFile(go.workspace);
  return createHash("sha256").update(sources).update(workspace).digest("hex");
}

/** Digest of all sources below a directory that end up in its binaries. */
export async function sourceDigest(directory: string): Promise<string> {
  const entries = await fs.readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !/_test\.go$|\.md$/.test(entry.name))
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.split(path.sep).some((part) => part === "testdata" || part.startsWith(".")))
    .sort();
  const hash = createHash("sha256");
  for (const file of files) {
    const contents = await fs.readFile(path.join(directory, file));
    hash.update(`${file}\0${contents.length}\0`).update(contents);
  }
  return hash.digest("hex");
}
