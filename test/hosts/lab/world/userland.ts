import { existsSync, readdirSync } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";
import { installAtomically, installedSource } from "../../../../sim/toolchain/cache";
import { ensureBase } from "../base";
import { execute } from "../execute";
import type { Workshop } from "./binaries";
import { ensureLayer, type Layer, type LayerContents } from "./layers";

/** Debian packages whose programs images need, and a bare host lacks. */
const packages = ["iptables", "conntrack"];

const xtables = "xtables-nft-multi";
const programs = ["cat", "cp", "getent", "ls", "nft", "conntrack", "sh", "sleep", xtables] as const;

/**
 * The layer with a shell, a few tools, iptables and nft with all that they load: what kube-proxy and flannel call, and
 * what tests run in pods. Taken from the hosts' own distribution.
 */
export async function ensureUserland(workshop: Workshop): Promise<Layer> {
  const root = await ensureUserlandRoot(workshop);
  return ensureLayer(workshop, "tools", [root, programs, accounts], async () => {
    const modules = path.dirname(await findModules(root));
    const plugins = readdirSync(path.join(root, modules, "xtables")).map((name) => path.join(modules, "xtables", name));
    const resolver = ["libnss_dns.so.2", "libnss_files.so.2"].map((name) => path.join(modules, name));
    const files = [...programs.map((name) => locate(root, name)), ...plugins, ...resolver];
    const links = ["iptables", "ip6tables"].flatMap((name) =>
      ["", "-save", "-restore"].map((suffix) => [`/usr/sbin/${name}${suffix}`, { link: xtables }] as const),
    );
    return {
      ...accounts,
      ...(await closure(
        root,
        files.filter((file) => existsSync(path.join(root, file))),
      )),
      ...Object.fromEntries(links),
      "/bin/sh": { link: "/usr/bin/sh" },
    };
  });
}

/** What every image has: users to run as, and a place for temporary files. */
export const accounts: LayerContents = {
  "/etc/passwd": { contents: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n" },
  "/etc/group": { contents: "root:x:0:\nnogroup:x:65534:\n" },
  "/etc/nsswitch.conf": { contents: "passwd: files\ngroup: files\nhosts: files dns\n" },
  "/root": { directory: true },
  "/run": { directory: true },
  "/tmp": { directory: true, mode: 0o1777 },
};

/** The hosts' root file system with the packages installed. */
async function ensureUserlandRoot(workshop: Workshop): Promise<string> {
  const base = await ensureBase(workshop.lab, workshop.report);
  const name = `userland-${path.basename(path.dirname(base))}`;
  const directory = path.join(workshop.directory, name);
  const root = path.join(directory, "root");
  if ((await installedSource(directory)) !== undefined) {
    return root;
  }
  const task = workshop.report.task("iptables and nft for images");
  try {
    await installAtomically(workshop.directory, directory, async (temporary) => {
      const target = path.join(temporary, "root");
      await execute("cp", ["--archive", base, target]);
      await fs.copyFile("/etc/resolv.conf", path.join(target, "etc", "resolv.conf"));
      await fs.copyFile("/etc/hosts", path.join(target, "etc", "hosts"));
      const apt = async (...args: string[]): Promise<string> =>
        execute("chroot", [target, "apt-get", "-qq", "-y", "--no-install-recommends", ...args], {
          env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
          onLine: (line) => task.update(line.slice(0, 80)),
        });
      await apt("update");
      await apt("install", ...packages);
      return { source: "build", from: packages.join(" ") };
    });
  } catch (error) {
    task.failed("not taken from the distribution");
    throw error;
  }
  task.done("taken from the distribution");
  return root;
}

function locate(root: string, program: string): string {
  const found = ["/usr/sbin", "/usr/bin"].map((directory) => path.join(directory, program));
  const file = found.find((candidate) => existsSync(path.join(root, candidate)));
  if (file === undefined) {
    throw new Error(`${program} is in none of ${found.join(", ")} below ${root}.`);
  }
  return file;
}

async function findModules(root: string): Promise<string> {
  const listing = await execute("chroot", [root, "find", "/usr/lib", "-type", "d", "-name", "xtables"]);
  return listing.split("\n")[0] ?? "";
}

/**
 * Files and every shared library that they load, by the path under which they are looked for.
 * @param root root file system that holds them
 */
export async function closure(root: string, files: readonly string[]): Promise<LayerContents> {
  const listing = await execute("chroot", [root, "ldd", ...files]);
  const libraries = listing.split("\n").flatMap((line) => libraryOf(line) ?? []);
  const all = [...new Set([...files, ...libraries])].sort();
  const real = await execute("chroot", [root, "readlink", "--canonicalize-existing", ...all]);
  const sources = real.split("\n").map((file) => path.join(root, file));
  return Object.fromEntries(all.map((file, i) => [file, { file: sources[i]! }]));
}

/** The path in a line of ldd(1): `libc.so.6 => /lib/…/libc.so.6 (0x…)`, or the loader's own. */
export function libraryOf(line: string): string | undefined {
  return /^\t(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line)?.[1];
}
