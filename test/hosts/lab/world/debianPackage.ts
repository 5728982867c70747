import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { linkOrCopy } from "../../../../sim/toolchain/tools";
import { currentPlatform } from "../../../../sim/toolchain/versions";
import { execute } from "../execute";
import { packageRevision } from "./releases";

/** A Debian package. */
export interface PackageSpec {
  readonly name: string;
  /** Without the revision. */
  readonly version: string;
  /** Defaults to the one of the Kubernetes community's packages. */
  readonly revision?: string;
  /** Relations to other packages, e.g. `{ Depends: "mount, util-linux" }`. */
  readonly relations?: Readonly<Record<string, string>>;
  readonly description: string;
  /** Files by their path on the host: where the contents are, and the mode. */
  readonly files: Readonly<Record<string, { readonly source: string; readonly mode: number }>>;
  /** Scripts of the package (`postinst` …), in `files/`. */
  readonly scripts?: readonly string[];
  /** Files that a user may change, see deb-conffiles(5). */
  readonly conffiles?: readonly string[];
}

/** Files and scripts of packages that are ours. */
export const ownFiles = path.join(__dirname, "files");
/** One of them as a package's file that is not run. */
export const ownFile = (name: string) => ({ source: path.join(ownFiles, name), mode: 0o644 });
/** Debian's name of this machine's architecture. */
export const architecture = currentPlatform().arch;

export interface BuiltPackage {
  readonly file: string;
  readonly spec: PackageSpec;
  /** What a repository's index says of it, but for where it is there. */
  readonly control: string;
  readonly size: number;
  readonly sha256: string;
}

/** @param directory where the package is put, and where its files are gathered meanwhile */
export async function buildPackage(spec: PackageSpec, directory: string): Promise<BuiltPackage> {
  const tree = path.join(directory, "tree");
  const metadata = path.join(tree, "DEBIAN");
  await fs.mkdir(metadata, { recursive: true });
  for (const [target, { source, mode }] of Object.entries(spec.files)) {
    const file = path.join(tree, target);
    await fs.mkdir(path.dirname(file), { recursive: true });
    await (mode === 0o755 ? linkOrCopy(source, file) : fs.copyFile(source, file));
    await fs.chmod(file, mode);
  }
  const control = controlFile(spec, architecture);
  await fs.writeFile(path.join(metadata, "control"), control);
  if (spec.conffiles !== undefined) {
    await fs.writeFile(path.join(metadata, "conffiles"), spec.conffiles.map((file) => `${file}\n`).join(""));
  }
  for (const script of spec.scripts ?? []) {
    await fs.copyFile(path.join(ownFiles, `${spec.name}.${script}.sh`), path.join(metadata, script));
    await fs.chmod(path.join(metadata, script), 0o755);
  }
  // dpkg-deb refuses what a strict umask makes.
  await execute("chmod", ["-R", "u+rwX,go+rX", tree]);
  const file = path.join(directory, `${spec.name}_${fullVersion(spec)}_${architecture}.deb`);
  // Compression would take longer than everything else here, for files that never leave the machine.
  await execute("dpkg-deb", ["--root-owner-group", "-Znone", "--build", tree, file]);
  await fs.rm(tree, { recursive: true });
  return { file, spec, control, ...(await checksum(file)) };
}

const fullVersion = ({ version, revision = packageRevision }: PackageSpec): string => `${version}-${revision}`;

/** A package's control file, see deb-control(5). */
export function controlFile(spec: PackageSpec, arch: string): string {
  const fields = {
    Package: spec.name,
    Version: fullVersion(spec),
    Architecture: arch,
    Maintainer: "inference-stack test lab <lab@example.test>",
    Section: "admin",
    Priority: "optional",
    ...spec.relations,
    Description: `${spec.description} (test build)`,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

/** What a repository's index says of one package: its control file, and where it is. */
export function packagesStanza(control: string, file: string, sum: { sha256: string; size: number }): string {
  return `${control}Filename: ${file}\nSize: ${sum.size}\nSHA256: ${sum.sha256}\n`;
}

/** A repository's `Packages` file: stanzas, an empty line between two. */
export function packagesFile(stanzas: readonly string[]): string {
  return stanzas.join("\n");
}

async function checksum(file: string): Promise<{ sha256: string; size: number }> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return { sha256: hash.digest("hex"), size: (await fs.stat(file)).size };
}
