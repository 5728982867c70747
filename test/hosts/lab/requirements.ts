import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Progress } from "../../../sim/toolchain/progress";
import { execute } from "./execute";

/** What the lab runs on the machine, and the Debian package that has it. */
const programs: Readonly<Record<string, string>> = {
  debootstrap: "debootstrap",
  ip: "iproute2",
  pkill: "procps",
  ssh: "openssh-client",
  "systemd-nspawn": "systemd-container",
};

/** Why no lab can run here, or undefined. */
export function whyNoLab(): string | undefined {
  if (process.platform !== "linux") {
    return `lab hosts are Linux containers, and this machine runs ${process.platform}`;
  }
  if (process.getuid?.() !== 0) {
    return "lab hosts need root (network and mount namespaces, cgroups); run it with sudo";
  }
  if (!/\boverlay$/m.test(readFileSync("/proc/filesystems", "utf8"))) {
    return "the kernel has no overlayfs, which containerd in lab hosts needs; try: modprobe overlay";
  }
  if (!existsSync("/proc/sys/net/bridge/bridge-nf-call-iptables")) {
    return "the kernel does not pass bridged packets to iptables, which Services need; try: modprobe br_netfilter";
  }
  if (!hasProgram("apt-get") && missing().length > 0) {
    return `${missing().join(", ")} cannot be installed without apt-get`;
  }
  return undefined;
}

/** Installs what is missing with apt-get, and says so. */
export async function ensurePrograms(report: Progress): Promise<void> {
  const packages = missing();
  if (packages.length === 0) {
    return;
  }
  const task = report.task("apt-get install");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  task.update(packages.join(" "));
  try {
    await execute("apt-get", ["update", "-qq"], { env });
    await execute("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env });
  } catch (error) {
    task.failed(packages.join(" "));
    throw error;
  }
  task.done(packages.join(" "));
}

function missing(): string[] {
  return Object.entries(programs)
    .filter(([program]) => !hasProgram(program))
    .map(([, name]) => name);
}

function hasProgram(name: string): boolean {
  return `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`
    .split(":")
    .some((directory) => existsSync(path.join(directory, name)));
}
