import * as path from "node:path";
import pinned from "./versions.json";

/** One file that a publisher offers, per platform. Templates know {version}, {os}, {arch}, {major} and {minor}. */
export interface Download {
  readonly url: string;
  /** The publisher's names of architectures where they differ from Go's, e.g. `{ amd64: "x64" }`. */
  readonly arch?: Readonly<Record<string, string>>;
  /** Platforms (`<os>-<arch>`) that the publisher offers; others are built. */
  readonly platforms: readonly string[];
  /** Directory inside a .tar.gz whose contents are installed; absent for a plain binary. */
  readonly archiveRoot?: string;
  /** Name to install a plain binary under; the last part of the URL by default. */
  readonly binary?: string;
  /** The publisher's checksums: lines of `<sha256>  <file>`, one bare sum, or a GitHub release description. */
  readonly checksums: string;
  /** Pinned sums by platform; where one is missing the publisher's checksum file is asked. */
  readonly sha256: Readonly<Record<string, string>>;
}

/** How a tool is compiled from its Go module; `go/<tool>/` holds the go.mod and go.sum that pin it. */
export interface GoBuild {
  readonly module: string;
  /** Package to compile, by the name of the binary. */
  readonly packages: Readonly<Record<string, string>>;
  /** String variables that the linker sets. */
  readonly variables: Readonly<Record<string, string>>;
  /** Disk space that the build takes with empty caches, in GiB. */
  readonly diskGiB: number;
}

export interface Tool {
  readonly version: string;
  readonly downloads: readonly Download[];
  readonly build: GoBuild;
}

export interface Plugin {
  readonly version: string;
  readonly downloads: readonly Download[];
}

export type ToolName = "pulumi" | "kubernetes" | "etcd" | "kwok" | "helm" | "actionlint";
export type PluginName = "kubernetes" | "command" | "random";

/** The tools that a simulated stack needs; the others are installed where they are asked for. */
export const toolNames: readonly ToolName[] = ["etcd", "helm", "kwok", "pulumi", "kubernetes"];
export const pluginNames: readonly PluginName[] = ["kubernetes", "command", "random"];

/** Everything that is pinned, as versions.json holds it. */
export interface Versions {
  /** Oldest Go release that compiles all tools. */
  readonly go: string;
  readonly tools: Readonly<Record<ToolName, Tool>>;
  readonly plugins: Readonly<Record<PluginName, Plugin>>;
  readonly standIns: { readonly diskGiB: number };
}

/** The versions and checksums of versions.json. */
export const versions = pinned as Versions;

/** Operating system and architecture in Go's names. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

export const platformId = (platform: Platform): string => `${platform.os}-${platform.arch}`;

/**
 * The platform that this process runs on.
 * @throws where the simulated cluster cannot run (anything but Linux and macOS on amd64 or arm64)
 */
export function currentPlatform(os: string = process.platform, arch: string = process.arch): Platform {
  const goArch = arch === "x64" ? "amd64" : arch;
  if (!["linux", "darwin"].includes(os) || !["amd64", "arm64"].includes(goArch)) {
    throw new Error(
      `The simulated cluster runs on Linux and macOS, amd64 or arm64; this is ${os} on ${arch}. ` +
        "Use one of those (on Windows: WSL 2), or a stack whose cluster.source is kubeconfig or hosts.",
    );
  }
  return { os, arch: goArch };
}

/** Fills the {…} of a template from versions.json; an unknown placeholder is an error in that file. */
export function expand(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) {
      throw new Error(`versions.json: unknown placeholder ${whole} in ${template}`);
    }
    return value;
  });
}

/** The values that templates of one tool may use. */
export function templateValues(version: string, platform: Platform, kubernetes: string): Record<string, string> {
  const [major = "", minor = ""] = version.split(".");
  const [kubernetesMajor = "", kubernetesMinor = ""] = kubernetes.split(".");
  return { version, major, minor, kubernetesMajor, kubernetesMinor, os: platform.os, arch: platform.arch };
}

/** A download with its templates filled in for one platform. */
export interface ResolvedDownload {
  readonly url: string;
  readonly fileName: string;
  readonly checksums: string;
  readonly sha256?: string;
  readonly archiveRoot?: string;
  readonly binary: string;
}

/** The downloads of a tool for a platform; undefined where the publisher does not offer them all. */
export function resolveDownloads(tool: Plugin, platform: Platform): ResolvedDownload[] | undefined {
  const id = platformId(platform);
  if (tool.downloads.some((download) => !download.platforms.includes(id))) {
    return undefined;
  }
  return tool.downloads.map((download) => {
    const values = templateValues(tool.version, platform, tool.version);
    const arch = download.arch?.[platform.arch] ?? platform.arch;
    const url = expand(download.url, { ...values, arch });
    const fileName = path.posix.basename(new URL(url).pathname);
    return {
      url,
      fileName,
      checksums: expand(download.checksums, { ...values, arch }),
      sha256: download.sha256[id],
      archiveRoot: download.archiveRoot === undefined ? undefined : expand(download.archiveRoot, { ...values, arch }),
      binary: download.binary ?? fileName,
    };
  });
}
