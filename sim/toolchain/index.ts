import * as path from "node:path";
import { cacheDirectory, markUsed, removeLeftovers, removeUnused } from "./cache";
import { Downloader } from "./download";
import { diskSpace, hasGo, type GoEnvironment } from "./goBuild";
import { withLock } from "./lock";
import { installedStateService, installStateService } from "./stateService";
import { describePlugins, installedHome, installHome, type PulumiHome } from "./plugins";
import type { Progress } from "./progress";
import { installTools, missingTools, toolDirectory, type Toolchain } from "./tools";
import { currentPlatform, toolNames, versions } from "./versions";

export { cacheDirectory } from "./cache";
export { consoleProgress, recordedProgress, type Progress, type Task } from "./progress";
export { versions } from "./versions";

/** Absolute paths of the binaries that a simulated cluster is made of. */
export interface ClusterTools {
  readonly kubectl: string;
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly kubeControllerManager: string;
  readonly kubeScheduler: string;
  readonly kwok: string;
  readonly kwokctl: string;
}

/** Absolute paths of everything that the simulated stack runs. */
export interface Tools extends ClusterTools {
  readonly pulumi: string;
  readonly helm: string;
  /** PULUMI_HOME to run the engine with: ours, never the user's. */
  readonly pulumiHome: string;
  readonly plugins: "official" | "stand-in";
  /** One line that says which plugins are used, and why. */
  readonly pluginsLine: string;
  /** The local state service; undefined where nothing can be compiled, and the file backend takes its place. */
  readonly stateService: string | undefined;
}

export interface ToolOptions {
  readonly report: Progress;
  /** Directory of the cache; see `cacheDirectory` for the default. */
  readonly cache?: string;
}

/**
 * Makes sure that every tool is there at its pinned version: from the cache, else by official download, else by a build
 * from its Go modules. Safe to interrupt and to run twice at a time; what is installed is never installed again.
 * @throws with what to install, to free or to make reachable, when a tool can be had in none of these ways
 */
export function ensureTools(options: ToolOptions): Promise<Tools> {
  return ensureToolchain(toolchain(options));
}

/** {@link ensureTools} for a simulated cluster alone, without the Pulumi engine, its plugins and Helm. */
export async function ensureClusterTools(options: ToolOptions): Promise<ClusterTools> {
  const chain = toolchain(options);
  const names = ["etcd", "kwok", "kubernetes"] as const;
  if ((await missingTools(chain, names)).length > 0) {
    await withCacheLock(chain, async () => installTools(chain, await missingTools(chain, names)));
  }
  return clusterToolPaths(chain);
}

/** Makes sure that actionlint is there, which checks GitHub workflows. Resolves to its path. */
export async function ensureActionlint(options: ToolOptions): Promise<string> {
  const chain = toolchain(options);
  const names = ["actionlint"] as const;
  if ((await missingTools(chain, names)).length > 0) {
    await withCacheLock(chain, async () => installTools(chain, await missingTools(chain, names)));
  }
  return path.join(toolDirectory(chain, "actionlint"), "actionlint");
}

function toolchain(options: ToolOptions): Toolchain {
  return {
    cache: options.cache ?? cacheDirectory(),
    versions,
    report: options.report,
    downloader: new Downloader(),
    go: goEnvironment(),
    goModules: path.join(__dirname, "go"),
    standIns: path.join(__dirname, "..", "plugins"),
    stateService: path.join(__dirname, "..", "backend"),
  };
}

/** The compiler as it is found here, with this project's workspace. */
export function goEnvironment(): GoEnvironment {
  const workspace = path.join(__dirname, "..", "go.work");
  return { platform: currentPlatform(), minimumGo: versions.go, workspace, env: process.env, diskSpace };
}

/** {@link ensureTools} with every part given. */
export async function ensureToolchain(chain: Toolchain): Promise<Tools> {
  const present = await installed(chain);
  if (present !== undefined) {
    await markToolsUsed(present);
    return present;
  }
  return withCacheLock(chain, async () => {
    await installTools(chain, await missingTools(chain, toolNames));
    const home = (await installedHome(chain)) ?? (await installHome(chain));
    const service = (await installedStateService(chain)) ?? (await buildStateService(chain, home));
    const tools = toolPaths(chain, home, service);
    await markToolsUsed(tools);
    await removeUnused(path.dirname(tools.pulumiHome));
    if (tools.stateService !== undefined) {
      await removeUnused(path.dirname(path.dirname(tools.stateService)));
    }
    return tools;
  });
}

/** Only what is built from this project's own sources comes in many versions. */
async function markToolsUsed({ pulumiHome, stateService }: Tools): Promise<void> {
  await markUsed(pulumiHome);
  if (stateService !== undefined) {
    await markUsed(path.dirname(stateService));
  }
}

function withCacheLock<T>(chain: Toolchain, action: () => Promise<T>): Promise<T> {
  return withLock(path.join(chain.cache, "lock"), { report: chain.report, purpose: "installs tools" }, async () => {
    await removeLeftovers(chain.cache);
    return action();
  });
}

async function installed(chain: Toolchain): Promise<Tools | undefined> {
  const home = (await missingTools(chain, toolNames)).length === 0 ? await installedHome(chain) : undefined;
  if (home === undefined) {
    return undefined;
  }
  const service = await installedStateService(chain);
  return service !== undefined || !(await canBuild(chain, home)) ? toolPaths(chain, home, service) : undefined;
}

/** Where everything else was downloaded, a machine without a compiler works too, on the file backend. */
async function buildStateService(chain: Toolchain, home: PulumiHome): Promise<string | undefined> {
  if (await canBuild(chain, home)) {
    return installStateService(chain);
  }
  chain.report.note(
    "state service: not built, as there is no Go compiler; the state is kept in files, which is slower",
  );
  return undefined;
}

async function canBuild(chain: Toolchain, home: PulumiHome): Promise<boolean> {
  return home.plugins === "stand-in" || (await hasGo(chain.go));
}

function toolPaths(chain: Toolchain, home: PulumiHome, stateService: string | undefined): Tools {
  return {
    ...clusterToolPaths(chain),
    pulumi: path.join(home.directory, "bin", "pulumi"),
    helm: path.join(toolDirectory(chain, "helm"), "helm"),
    pulumiHome: home.directory,
    plugins: home.plugins,
    pluginsLine: describePlugins(chain, home),
    stateService,
  };
}

function clusterToolPaths(chain: Toolchain): ClusterTools {
  const kubernetes = toolDirectory(chain, "kubernetes");
  const kwok = toolDirectory(chain, "kwok");
  return {
    kubectl: path.join(kubernetes, "kubectl"),
    etcd: path.join(toolDirectory(chain, "etcd"), "etcd"),
    kubeApiserver: path.join(kubernetes, "kube-apiserver"),
    kubeControllerManager: path.join(kubernetes, "kube-controller-manager"),
    kubeScheduler: path.join(kubernetes, "kube-scheduler"),
    kwok: path.join(kwok, "kwok"),
    kwokctl: path.join(kwok, "kwokctl"),
  };
}
