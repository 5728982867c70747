import * as fs from "node:fs/promises";
import * as path from "node:path";
import { runCommand, type CommandResult } from "./command";
import type { Task } from "./progress";
import type { Platform } from "./versions";

/** What is compiled: packages of one Go module into one directory. */
export interface GoTarget {
  /** Name for messages, e.g. `helm 3.22.0`. */
  readonly name: string;
  /** Directory with go.mod. */
  readonly module: string;
  /** Package by name of the binary. */
  readonly packages: Readonly<Record<string, string>>;
  /** String variables that the linker sets. */
  readonly variables: Readonly<Record<string, string>>;
  /** Disk space that the build takes with empty caches, in GiB. */
  readonly diskGiB: number;
  /** Downloads that were tried in vain, each with its reason; part of the message when the build cannot run either. */
  readonly tried: readonly string[];
}

export interface DiskSpace {
  /** Bytes that an ordinary user may still write. */
  readonly free: number;
  /** Same for all paths of one file system. */
  readonly fileSystem: string;
}

export interface GoEnvironment {
  readonly platform: Platform;
  /** Oldest Go release that will do, e.g. `1.26`. */
  readonly minimumGo: string;
  /** A go.work. The modules that it names have one set of versions; any other module is built on its own. */
  readonly workspace: string;
  /** Environment of the compiler; decides which `go` is found. */
  readonly env: NodeJS.ProcessEnv;
  readonly diskSpace: (directory: string) => Promise<DiskSpace>;
}

const GiB = 1024 ** 3;

/**
 * Flags of every compilation, tests included, so that all of them share the compiler's cache. Debug information is not
 * made: the linker strips it from the programs, and it is a sixth of the compiler's work.
 */
export const compilerFlags = ["-trimpath", "-gcflags=all=-dwarf=false"] as const;

/** Free space of the file system that holds a directory, or will hold it. */
export async function diskSpace(directory: string): Promise<DiskSpace> {
  for (let existing = path.resolve(directory); ; existing = path.dirname(existing)) {
    try {
      const [space, status] = await Promise.all([fs.statfs(existing), fs.stat(existing)]);
      return { free: space.bavail * space.bsize, fileSystem: String(status.dev) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || existing === path.dirname(existing)) {
        throw error;
      }
    }
  }
}

/**
 * Checks, before minutes are spent, that Go is there, new enough, and that the disk has room for all targets.
 * @throws with what to install or to free
 */
export async function checkGo(targets: readonly GoTarget[], cache: string, go: GoEnvironment): Promise<void> {
  const tried = targets.flatMap((target) => target.tried);
  const names = targets.map((target) => target.name).join(", ");
  const settings = await goSettings(names, tried, go);
  if (
    olderThan(settings.version, go.minimumGo) &&
    (settings.toolchain === "local" || olderThan(settings.version, "1.21"))
  ) {
    throw new Error(
      `Go ${go.minimumGo} or newer is needed to build ${names}; found ${settings.version}. ` +
        `Install it from https://go.dev/dl/, or set GOTOOLCHAIN=auto (Go 1.21 or newer) so that Go fetches it.${triedText(tried)}`,
    );
  }
  const directories = [cache, settings.buildCache, settings.moduleCache];
  const needed = targets.reduce((sum, target) => sum + target.diskGiB, 0);
  const spaces = await Promise.all(directories.map((directory) => go.diskSpace(directory)));
  // As measured: a tenth are the binaries, half the compiler's cache, the rest the modules' sources.
  const shares = [0.1, 0.55, 0.35];
  for (const [i, space] of spaces.entries()) {
    const share = shares.filter((_, j) => spaces[j]!.fileSystem === space.fileSystem).reduce((a, b) => a + b, 0);
    if (space.free < needed * share * GiB) {
      throw new Error(
        `Building ${names} takes about ${(needed * share).toFixed(1)} GiB on the disk that holds ${directories[i]}; ` +
          `${(space.free / GiB).toFixed(1)} GiB are free. Free some space, or set INFERENCE_STACK_CACHE, GOCACHE ` +
          "and GOMODCACHE to directories on a larger disk, then run again.",
      );
    }
  }
}

/**
 * Downloads the modules that a target needs, so that the next target's downloads overlap with this one's compilation.
 */
export async function fetchModules(target: GoTarget, go: GoEnvironment): Promise<void> {
  const packages = Object.values(target.packages);
  const result = await runCommand(
    "go",
    ["list", "-mod=readonly", "-deps", "-f", "{{if .Error}}{{.Error}}{{end}}", ...packages],
    {
      cwd: target.module,
      env: await compilerEnvironment(target.module, go),
    },
  );
  if (result.code !== 0) {
    throw buildError(target, "its packages or the modules they need could not be loaded", result);
  }
}

/** Compiles a target's packages into a directory. */
export async function goBuild(target: GoTarget, directory: string, task: Task, go: GoEnvironment): Promise<void> {
  const names = Object.keys(target.packages);
  const flags = Object.entries(target.variables).map(([variable, value]) => `-X ${variable}=${value}`);
  const output = names.length === 1 ? path.join(directory, names[0]!) : `${directory}${path.sep}`;
  let compiled = 0;
  const result = await runCommand(
    "go",
    // -v names each package: the only sign of life that the compiler gives.
    [
      "build",
      "-v",
      "-mod=readonly",
      ...compilerFlags,
      "-buildvcs=false",
      "-ldflags",
      ["-s", "-w", ...flags].join(" "),
      "-o",
      output,
    ].concat(Object.values(target.packages)),
    {
      cwd: target.module,
      env: await compilerEnvironment(target.module, go),
      onLine: (line) => {
        compiled += isPackageName(line) ? 1 : 0;
        task.update(`compiling, ${compiled} packages so far`);
      },
    },
  );
  if (result.code !== 0) {
    throw buildError(target, "it does not compile", result);
  }
  for (const name of names) {
    await fs.access(path.join(directory, name), fs.constants.X_OK);
  }
}

interface GoSettings {
  readonly version: string;
  readonly toolchain: string;
  readonly buildCache: string;
  readonly moduleCache: string;
}

/** Whether a Go compiler is on the PATH. */
export async function hasGo(go: GoEnvironment): Promise<boolean> {
  try {
    return (await runCommand("go", ["version"], { cwd: "/", env: go.env })).code === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return false;
    }
    throw error;
  }
}

async function goSettings(names: string, tried: readonly string[], go: GoEnvironment): Promise<GoSettings> {
  let result: CommandResult;
  try {
    // Outside a module and with the local toolchain, so that a go.mod's own demand does not get in the way.
    const env = { ...go.env, GOWORK: "off" };
    result = await runCommand("go", ["env", "-json", "GOTOOLCHAIN", "GOCACHE", "GOMODCACHE", "GOVERSION"], {
      cwd: "/",
      env,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      throw error;
    }
    throw new Error(
      `${names} must be built, and no Go compiler was found on PATH. Install Go ${go.minimumGo} or newer ` +
        `(https://go.dev/dl/, or your system's package golang-${go.minimumGo}), or make the downloads reachable.${triedText(tried)}`,
    );
  }
  if (result.code !== 0) {
    throw new Error(`"go env" failed, so ${names} cannot be built: ${result.output.slice(-5).join("; ")}`);
  }
  const settings = JSON.parse(result.stdout) as Record<string, string>;
  return {
    version: (settings["GOVERSION"] ?? "").replace(/^go/, ""),
    toolchain: settings["GOTOOLCHAIN"] ?? "",
    buildCache: settings["GOCACHE"] ?? "/",
    moduleCache: settings["GOMODCACHE"] ?? "/",
  };
}

/** The workspace that a module is built in: a path for GOWORK, or `off`. */
export async function workspaceOf(module: string, { workspace }: GoEnvironment): Promise<string> {
  const contents = await fs.readFile(workspace, "utf8");
  const members = [...contents.matchAll(/^\t(\.\/\S+)$/gm)].map(([, member]) => member!);
  const isMember = members.some((member) => path.resolve(path.dirname(workspace), member) === path.resolve(module));
  return isMember ? workspace : "off";
}

async function compilerEnvironment(module: string, go: GoEnvironment): Promise<NodeJS.ProcessEnv> {
  const { os, arch } = go.platform;
  return {
    ...go.env,
    // The compiler collects garbage less often: a sixth less CPU time, and 480 MB at most a process in place of 340.
    GOGC: go.env["GOGC"] ?? "400",
    CGO_ENABLED: "0",
    GOOS: os,
    GOARCH: arch,
    // Another workspace, or flags for the user's own projects, must not change what is built.
    GOWORK: await workspaceOf(module, go),
    GOFLAGS: "",
  };
}

function buildError(target: GoTarget, what: string, result: CommandResult): Error {
  const lines = result.output.filter((line) => !isPackageName(line));
  if (lines.some((line) => /no space left on device/i.test(line))) {
    return new Error(
      `The disk became full while ${target.name} was built. Free about ${target.diskGiB} GiB (the compiler's cache: ` +
        '"go env GOCACHE"; modules: "go env GOMODCACHE"), then run again; it goes on from there.',
    );
  }
  const ending = result.code === null ? " (the compiler was killed: out of memory?)" : "";
  return new Error(
    `${target.name}: ${what}${ending}. Last lines of the compiler:\n${lines
      .slice(-15)
      .map((line) => `    ${line}`)
      .join("\n")}${triedText(target.tried)}`,
  );
}

/** Lines of `go build -v`: an import path, and nothing else. */
const isPackageName = (line: string): boolean => /^[\w.~-]+(\/[\w.~-]+)*$/.test(line);

const triedText = (tried: readonly string[]): string =>
  tried.length === 0
    ? ""
    : `\nDownloads that were tried:\n${[...new Set(tried)].map((line) => `    ${line}`).join("\n")}`;

/** Compares Go releases such as 1.26, 1.26.3 or 1.27rc1. */
export function olderThan(version: string, minimum: string): boolean {
  const parts = (text: string): number[] => (text.match(/\d+/g) ?? []).slice(0, 2).map(Number);
  const [major = 0, minor = 0] = parts(version);
  const [minimumMajor = 0, minimumMinor = 0] = parts(minimum);
  return major < minimumMajor || (major === minimumMajor && minor < minimumMinor);
}
