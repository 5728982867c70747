import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { installAtomically, installedSource, removeLeftovers } from "../../../sim/toolchain/cache";
import { withLock } from "../../../sim/toolchain/lock";
import type { Progress } from "../../../sim/toolchain/progress";
import { debianSources, sourcesList, suite } from "./aptSources";
import { execute } from "./execute";
import { sudoPassword } from "./users";

/** What a Debian 12 server has after its installation and minbase lacks. */
const packages = [
  "ca-certificates",
  "dbus",
  "iproute2",
  "iputils-ping",
  "kmod",
  "libpam-systemd",
  "netbase",
  "nftables",
  "openssh-server",
  "procps",
  "sudo",
  "systemd",
  "systemd-sysv",
  "wget",
];

/**
 * Modules that succeed to load in a host: those that the kernels of lab machines have. IPVS is not among them, so that
 * its absence is found as on a host without it.
 */
const kernelModules = [
  "fs/overlayfs/overlay",
  "net/bridge/br_netfilter",
  "net/bridge/bridge",
  "net/netfilter/nf_conntrack",
  "net/netfilter/nf_tables",
  "net/netfilter/nf_nat",
  "net/netfilter/xt_set",
  "net/netfilter/ipset/ip_set",
  "net/ipv4/netfilter/ip_tables",
  "net/ipv6/netfilter/ip6_tables",
  "drivers/net/vxlan/vxlan",
];

const script = path.join(__dirname, "base.sh");

/**
 * The root file system that hosts are copies of, built when the cache does not hold it (about a minute on two cores).
 * @param lab the lab's part of the cache
 */
export async function ensureBase(lab: string, report: Progress): Promise<string> {
  const environment = await buildEnvironment(lab);
  const hash = createHash("sha256").update(JSON.stringify([environment, os.release(), process.arch]));
  hash.update(readFileSync(script));
  const directory = path.join(lab, `base-${hash.digest("hex").slice(0, 12)}`);
  const root = path.join(directory, "root");
  if ((await installedSource(directory)) !== undefined) {
    return root;
  }
  const lock = { report, purpose: "builds the lab's root file system" };
  await withLock(path.join(lab, "lock"), lock, async () => {
    await removeLeftovers(lab);
    if (!existsSync(directory)) {
      await build(lab, directory, environment, report);
    }
  });
  return root;
}

async function buildEnvironment(lab: string): Promise<Record<string, string>> {
  const sources = await debianSources();
  return {
    MIRROR: sources.find(({ suites }) => suites.includes(suite))?.uri ?? "",
    SOURCES: sourcesList(sources),
    DEBS: path.join(lab, "debs"),
    PACKAGES: packages.join(","),
    KERNEL_MODULES: kernelModules.join(" "),
    SUDO_PASSWORD: sudoPassword,
  };
}

async function build(
  lab: string,
  directory: string,
  environment: Record<string, string>,
  report: Progress,
): Promise<void> {
  const task = report.task(`root file system of lab hosts (Debian ${suite})`);
  try {
    await installAtomically(lab, directory, async (temporary) => {
      const root = path.join(temporary, "root");
      // debootstrap mounts file systems in there: in a mount namespace of its own, none is left when it is interrupted.
      await execute("unshare", ["--mount", "--propagation", "private", "nice", script, root], {
        env: { ...process.env, ...environment },
        onLine: (line) => task.update(line.slice(0, 80)),
      });
      return { source: "build", from: environment["MIRROR"] ?? "" };
    });
  } catch (error) {
    task.failed("not built");
    throw error;
  }
  task.done("built");
}
