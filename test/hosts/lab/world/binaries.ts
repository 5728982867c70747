import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";
import { ensureClusterTools, goEnvironment, versions } from "../../../../sim/toolchain";
import { installAtomically, installedSource, removeLeftovers } from "../../../../sim/toolchain/cache";
import { checkGo, goBuild, workspaceOf, type GoTarget } from "../../../../sim/toolchain/goBuild";
import { withLock } from "../../../../sim/toolchain/lock";
import { sourceDigest } from "../../../../sim/toolchain/plugins";
import type { Progress } from "../../../../sim/toolchain/progress";
import { linkOrCopy } from "../../../../sim/toolchain/tools";
import { expand, platformId, templateValues } from "../../../../sim/toolchain/versions";
import { kubernetesReleases, releases } from "./releases";

/** Where things are made and kept, each directory named after a digest of what it was made from. */
export interface Workshop {
  /** The cache of the whole project. */
  readonly cache: string;
  /** The lab's part of it. */
  readonly lab: string;
  /** What the outside world is made of, within the lab's part. */
  readonly directory: string;
  readonly report: Progress;
}

export function workshopIn(cache: string, report: Progress): Workshop {
  const lab = path.join(cache, "lab");
  return { cache, lab, directory: path.join(lab, "world"), report };
}

/** Directories of compiled programs. */
export interface Binaries {
  /** kubelet, kubeadm, kubectl and the control plane, by release. */
  readonly kubernetes: Readonly<Record<string, string>>;
  readonly agnhost: string;
  /** etcd, etcdctl and etcdutl. */
  readonly etcd: string;
  readonly coredns: string;
  /** flanneld, and its CNI plugin `flannel`. */
  readonly flannel: string;
  readonly cniPlugins: string;
  readonly crictl: string;
  readonly metallb: string;
  /** pause, deviceplugin and kubevip. */
  readonly small: string;
  readonly world: string;
}

const here = path.join(__dirname, "..", "go");
const toolchain = path.join(__dirname, "..", "..", "..", "..", "sim", "toolchain", "go");

const go = goEnvironment();

/** Runs `action` while no other process builds parts of the lab's outside world. */
export function withWorkshop<T>({ directory, report }: Workshop, action: () => Promise<T>): Promise<T> {
  return withLock(
    path.join(directory, "lock"),
    { report, purpose: "builds the lab's packages and images" },
    async () => {
      await removeLeftovers(directory);
      return action();
    },
  );
}

/** Compiles whatever the cache does not hold yet. Needs the workshop's lock. */
export async function ensureBinaries(workshop: Workshop): Promise<Binaries> {
  const tools = await ensureClusterTools({ report: workshop.report, cache: workshop.cache });
  const kubernetes: Record<string, string> = {};
  for (const release of [...kubernetesReleases].reverse()) {
    const present = release === versions.tools.kubernetes.version ? path.dirname(tools.kubectl) : undefined;
    kubernetes[release] = await ensureBinary(workshop, kubernetesTarget(release), present);
  }
  const build = (target: GoTarget, present?: string): Promise<string> => ensureBinary(workshop, target, present);
  return {
    kubernetes,
    agnhost: await build(target("kubernetes", "agnhost", { agnhost: "k8s.io/kubernetes/test/images/agnhost" })),
    etcd: await build(target("etcd", `etcd ${releases.etcd}`, etcd), path.dirname(tools.etcd)),
    world: await build(own("lab's outside world", { world: "./world" })),
    small: await build(own("pause, device plugin and kube-vip", small)),
    coredns: await build(own(`CoreDNS ${releases.coredns}`, { coredns: "./coredns" })),
    flannel: await build(own(`flannel ${releases.flannel}`, { flanneld: "./flanneld", flannel: "./flannel" })),
    cniPlugins: await build(
      own(`CNI plugins ${releases.cniPlugins}`, cniPlugins, { [cniVersion]: releases.cniPlugins }),
    ),
    crictl: await build(own(`crictl ${releases.criTools}`, crictl, { [criToolsVersion]: releases.criTools })),
    metallb: await build(
      target(path.join(here, "metallb"), `MetalLB ${releases.metallb}`, {
        controller: "go.universe.tf/metallb/controller",
        speaker: "go.universe.tf/metallb/speaker",
      }),
    ),
  };
}

/** The directory of containerd 2, its shim and ctr, which take three minutes of CPU time to compile. Needs the lock. */
export function ensureContainerd(workshop: Workshop): Promise<string> {
  const module = path.join(here, "containerd");
  return ensureBinary(workshop, target(module, `containerd ${releases.containerd}`, containerd, containerdVersion, 1));
}

/** The server is the simulated cluster's; only its clients are compiled here. */
const etcd = {
  etcd: "go.etcd.io/etcd/server/v3",
  etcdctl: "go.etcd.io/etcd/etcdctl/v3",
  etcdutl: "go.etcd.io/etcd/etcdutl/v3",
};
const small = { pause: "./pause", deviceplugin: "./deviceplugin", kubevip: "./kubevip" };
const crictl = { crictl: "sigs.k8s.io/cri-tools/cmd/crictl" };
const criToolsVersion = "sigs.k8s.io/cri-tools/pkg/version.Version";
const cniVersion = "github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion";
const cniPlugins = Object.fromEntries(
  ["ipam/host-local", "main/bridge", "main/loopback", "meta/portmap"].map((plugin) => [
    path.basename(plugin),
    `github.com/containernetworking/plugins/plugins/${plugin}`,
  ]),
);

const containerdModule = "github.com/containerd/containerd/v2";
const containerd = Object.fromEntries(
  ["containerd", "containerd-shim-runc-v2", "ctr"].map((name) => [name, `${containerdModule}/cmd/${name}`]),
);
const containerdVersion = {
  [`${containerdModule}/version.Version`]: `v${releases.containerd}`,
  // What Docker's package says of itself.
  [`${containerdModule}/version.Package`]: "containerd.io",
};

function kubernetesTarget(release: string): GoTarget {
  const { build } = versions.tools.kubernetes;
  const values = templateValues(release, go.platform, release);
  const variables = Object.entries(build.variables).map(([name, value]) => [name, expand(value, values)] as const);
  const components = [...Object.keys(build.packages), "kube-proxy", "kubeadm", "kubelet"];
  const packages = Object.fromEntries(components.map((name) => [name, `k8s.io/kubernetes/cmd/${name}`]));
  return target("kubernetes", `Kubernetes ${release}`, packages, Object.fromEntries(variables), 1.5);
}

/** A target of the lab's own Go module. */
function own(name: string, packages: Record<string, string>, variables: Record<string, string> = {}): GoTarget {
  return target(here, name, packages, variables);
}

/** @param module name of one of the toolchain's modules, or a directory */
function target(
  module: string,
  name: string,
  packages: Record<string, string>,
  variables: Record<string, string> = {},
  diskGiB = 0.3,
): GoTarget {
  return { name, module: path.resolve(toolchain, module), packages, variables, diskGiB, tried: [] };
}

/**
 * The directory that holds a target's programs.
 * @param present a directory that may hold some of them already, compiled the same way
 */
async function ensureBinary(workshop: Workshop, wanted: GoTarget, present?: string): Promise<string> {
  const directory = path.join(workshop.directory, "bin", `${Object.keys(wanted.packages)[0]}-${await digest(wanted)}`);
  if ((await installedSource(directory)) !== undefined) {
    return directory;
  }
  const taken = Object.keys(wanted.packages).filter(
    (name) => present !== undefined && existsSync(path.join(present, name)),
  );
  const packages = Object.fromEntries(Object.entries(wanted.packages).filter(([name]) => !taken.includes(name)));
  const missing = Object.keys(packages).length === 0 ? undefined : { ...wanted, packages };
  const task = workshop.report.task(wanted.name);
  try {
    if (missing !== undefined) {
      await checkGo([missing], workshop.cache, go);
    }
    await installAtomically(workshop.directory, directory, async (temporary) => {
      for (const name of taken) {
        await linkOrCopy(path.join(present!, name), path.join(temporary, name));
      }
      if (missing !== undefined) {
        await goBuild(missing, temporary, task, go);
      }
      return { source: "build", from: path.basename(wanted.module) };
    });
  } catch (error) {
    task.failed("not built");
    throw error;
  }
  task.done("built from its Go modules");
  return directory;
}

/** Digest of what decides a target's programs: what is compiled, the pinned modules, and the sources that are ours. */
async function digest({ module, packages, variables }: GoTarget): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([packages, variables, platformId(go.platform)]));
  const pins = ["go.mod", "go.sum"].map((file) => path.join(module, file));
  const workspace = await workspaceOf(module, go);
  for (const file of workspace === "off" ? pins : [...pins, workspace]) {
    hash.update(await fs.readFile(file));
  }
  for (const name of Object.values(packages).filter((name) => name.startsWith("./"))) {
    hash.update(await sourceDigest(path.join(module, name)));
  }
  return hash.digest("hex").slice(0, 12);
}
