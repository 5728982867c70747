import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { installAtomically, installedSource } from "../../../../sim/toolchain/cache";
import { linkOrCopy } from "../../../../sim/toolchain/tools";
import { currentPlatform } from "../../../../sim/toolchain/versions";
import { execute } from "../execute";
import type { Binaries, Workshop } from "./binaries";
import { kubernetesReleases, minorOf, packageRevision, releases } from "./releases";

/** A Debian package. */
export interface PackageSpec {
  readonly name: string;
  /** Without the revision. */
  readonly version: string;
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

const ownFiles = path.join(__dirname, "files");
const architecture = currentPlatform().arch;

/**
 * The packages of the Kubernetes community's repository, with its names, relations and paths.
 * Source: kubernetes/release, cmd/krel/templates/latest.
 */
export function packagesOf(binaries: Binaries): readonly PackageSpec[] {
  return [
    ...kubernetesReleases.flatMap((release) => kubernetesPackages(release, binaries)),
    ...otherPackages(binaries),
  ];
}

function kubernetesPackages(version: string, { kubernetes }: Binaries): PackageSpec[] {
  const program = (name: string): PackageSpec["files"] => ({
    [`/usr/bin/${name}`]: { source: path.join(kubernetes[version]!, name), mode: 0o755 },
  });
  const file = (name: string) => ({ source: path.join(ownFiles, name), mode: 0o644 });
  const units = "/usr/lib/systemd/system";
  return [
    {
      name: "kubelet",
      version,
      description: "Node agent for Kubernetes clusters",
      relations: { Depends: "kubernetes-cni (>= 1.2.0), mount, util-linux", Recommends: "iptables (>= 1.8.4)" },
      files: {
        ...program("kubelet"),
        [`${units}/kubelet.service`]: file("kubelet.service"),
        "/etc/default/kubelet": file("kubelet.env"),
        "/etc/kubernetes/manifests/.kubelet-keep": file("empty"),
        "/var/lib/kubelet/.kubelet-keep": file("empty"),
      },
      scripts: ["postinst", "prerm", "postrm"],
      conffiles: ["/etc/default/kubelet"],
    },
    {
      name: "kubeadm",
      version,
      description: "Command-line utility for administering a Kubernetes cluster",
      files: { ...program("kubeadm"), [`${units}/kubelet.service.d/10-kubeadm.conf`]: file("10-kubeadm.conf") },
    },
    {
      name: "kubectl",
      version,
      description: "Command-line utility for interacting with a Kubernetes cluster",
      files: program("kubectl"),
    },
  ];
}

function otherPackages({ cniPlugins, crictl }: Binaries): PackageSpec[] {
  const plugins = Object.fromEntries(
    ["bridge", "host-local", "loopback", "portmap"].map((name) => [
      `/opt/cni/bin/${name}`,
      { source: path.join(cniPlugins, name), mode: 0o755 },
    ]),
  ) as PackageSpec["files"];
  return [
    {
      name: "kubernetes-cni",
      version: releases.cniPlugins,
      description: "Binaries required to provision kubernetes container networking",
      files: {
        ...plugins,
        "/etc/cni/net.d/.kubernetes-cni-keep": { source: path.join(ownFiles, "empty"), mode: 0o644 },
      },
    },
    {
      name: "cri-tools",
      version: releases.criTools,
      description: "Command-line utility for interacting with a container runtime",
      files: { "/usr/bin/crictl": { source: path.join(crictl, "crictl"), mode: 0o755 } },
    },
  ];
}

/**
 * A directory with one flat repository a minor version (`v1.36/Packages`, `v1.36/amd64/*.deb`), unsigned: whoever
 * serves it signs its lists. Needs the workshop's lock.
 */
export async function ensurePackages(workshop: Workshop, specs: readonly PackageSpec[]): Promise<string> {
  const directory = path.join(workshop.directory, "packages", digest(specs));
  if ((await installedSource(directory)) !== undefined) {
    return directory;
  }
  const task = workshop.report.task("Debian packages of Kubernetes");
  try {
    await installAtomically(workshop.directory, directory, async (temporary) => {
      const packages: BuiltPackage[] = [];
      for (const spec of specs) {
        task.update(`${spec.name} ${spec.version}`);
        packages.push(await buildPackage(spec, temporary));
      }
      await fs.mkdir(path.join(temporary, "repositories"));
      for (const minor of new Set(kubernetesReleases.map(minorOf))) {
        await publish(temporary, `v${minor}`, packages);
      }
      return { source: "build", from: "test/hosts/lab/world" };
    });
  } catch (error) {
    task.failed("not built");
    throw error;
  }
  task.done("built");
  return directory;
}

interface BuiltPackage {
  readonly file: string;
  readonly name: string;
  readonly version: string;
  readonly stanza: string;
}

async function buildPackage(spec: PackageSpec, directory: string): Promise<BuiltPackage> {
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
  const file = path.join(architecture, `${spec.name}_${fullVersion(spec)}_${architecture}.deb`);
  await fs.mkdir(path.join(directory, architecture), { recursive: true });
  // Compression would take longer than everything else here, for files that never leave the machine.
  await execute("dpkg-deb", ["--root-owner-group", "-Znone", "--build", tree, path.join(directory, file)]);
  await fs.rm(tree, { recursive: true });
  const stanza = packagesStanza(control, file, await checksum(path.join(directory, file)));
  return { file, name: spec.name, version: spec.version, stanza };
}

async function publish(directory: string, repository: string, packages: readonly BuiltPackage[]): Promise<void> {
  const minor = repository.slice(1);
  const kubernetes = ["kubelet", "kubeadm", "kubectl"];
  const chosen = packages.filter(({ name, version }) => !kubernetes.includes(name) || minorOf(version) === minor);
  const target = path.join(directory, "repositories", repository);
  await fs.mkdir(path.join(target, architecture), { recursive: true });
  for (const { file } of chosen) {
    await linkOrCopy(path.join(directory, file), path.join(target, file));
  }
  await fs.writeFile(path.join(target, "Packages"), packagesFile(chosen.map(({ stanza }) => stanza)));
}

const fullVersion = ({ version }: PackageSpec): string => `${version}-${packageRevision}`;

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

/** Compiled programs are named by their inputs' digest already; files of ours count by their contents. */
function digest(specs: readonly PackageSpec[]): string {
  const described = JSON.stringify([specs, architecture, packageRevision]).replaceAll(ownFiles, "files");
  const hash = createHash("sha256").update(described);
  const sources = specs.flatMap(({ name, files, scripts = [] }) => [
    ...Object.values(files).map(({ source }) => source),
    ...scripts.map((script) => path.join(ownFiles, `${name}.${script}.sh`)),
  ]);
  for (const source of sources.filter((file) => path.dirname(file) === ownFiles)) {
    hash.update(readFileSync(source));
  }
  return hash.digest("hex").slice(0, 12);
}
