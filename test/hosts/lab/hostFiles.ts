import { appendFileSync, chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { randomBytes, randomUUID } from "node:crypto";
import path from "node:path";
import ssh2 from "ssh2";
import { execute } from "./execute";
import { mostGpus, writeMachine } from "./machine";
import { users } from "./users";

/** A host as a test asks for it. */
export interface HostSpec {
  /** Also its hostname. */
  readonly name: string;
  /** MI300X in its PCI tree, at most 8. Defaults to 0. */
  readonly gpus?: number;
  /** PCI device id of the GPUs. Defaults to 0x74a1, MI300X. */
  readonly gpuDevice?: string;
  /** Whether the amdgpu driver is loaded. Defaults to true for a host with GPUs. */
  readonly gpuDriver?: boolean;
}

/** What a host's disk is given beyond the base. */
export interface HostFiles {
  readonly root: string;
  readonly spec: HostSpec;
  /** SSH public key that may log in. */
  readonly publicKey: string;
  /** Address of the name server. */
  readonly nameServer: string;
  /** Certificate authority that the host trusts, in PEM. */
  readonly certificateAuthority?: string;
}

/** An SSH key pair, in OpenSSH's own formats. */
export const newKeyPair = () => ssh2.utils.generateKeyPairSync("ed25519");

/** @throws when a host cannot be made as asked for */
export function checkSpec({ name, gpus = 0 }: HostSpec): void {
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    throw new Error(`The lab host "${name}" needs a name of lower-case letters, digits and "-", at most 32 of them.`);
  }
  if (!Number.isInteger(gpus) || gpus < 0 || gpus > mostGpus) {
    throw new Error(`The lab host ${name} cannot have ${gpus} GPUs; allowed: 0 to ${mostGpus}.`);
  }
}

/**
 * Makes a host's disk: a copy of the base with an identity of its own.
 * @returns the host's public SSH key
 */
export async function writeHostFiles(base: string, files: HostFiles): Promise<string> {
  const { root, spec } = files;
  // A copy and no overlay: containerd's snapshotter needs a real file system below it.
  await execute("cp", ["--archive", "--reflink=auto", base, root]);
  const { name, gpus = 0 } = spec;
  write(root, "etc/hostname", `${name}\n`);
  write(root, "etc/hosts", `127.0.0.1\tlocalhost\n127.0.1.1\t${name}\n`);
  write(root, "etc/machine-id", `${randomBytes(16).toString("hex")}\n`);
  write(root, "etc/resolv.conf", `nameserver ${files.nameServer}\n`);
  writeMachine(path.join(root, "usr/local/lib/machine"), { ...spec, gpus, productUuid: randomUUID() });
  installScripts(root);
  await allowKey(root, files.publicKey);
  const key = newKeyPair();
  write(root, "etc/ssh/ssh_host_ed25519_key", key.private, 0o600);
  write(root, "etc/ssh/ssh_host_ed25519_key.pub", `${key.public}\n`);
  if (files.certificateAuthority !== undefined) {
    await trust(root, files.certificateAuthority);
  }
  return key.public.split(" ").slice(0, 2).join(" ");
}

/** What update-ca-certificates does for one certificate, in a fraction of its second of CPU time. */
async function trust(root: string, certificate: string): Promise<void> {
  const file = "/usr/local/share/ca-certificates/lab.crt";
  write(root, file, certificate);
  const certificates = path.join(root, "etc/ssl/certs");
  appendFileSync(path.join(certificates, "ca-certificates.crt"), certificate);
  const hash = await execute("chroot", [root, "openssl", "x509", "-noout", "-hash", "-in", file]);
  symlinkSync(file, path.join(certificates, "lab.pem"));
  symlinkSync("lab.pem", path.join(certificates, `${hash.trim()}.0`));
}

function installScripts(root: string): void {
  const standIns = path.join(__dirname, "stand-ins");
  installScript(path.join(__dirname, "hostInit.sh"), path.join(root, "usr/local/sbin/host-init"));
  installScript(path.join(standIns, "update-grub"), path.join(root, "usr/sbin/update-grub"));
  installScript(path.join(standIns, "update-initramfs"), path.join(root, "usr/sbin/update-initramfs"));
  if (!mayLowerOomScore()) {
    installScript(path.join(standIns, "runc"), path.join(root, "usr/local/sbin/runc"));
  }
}

function installScript(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}

/** Whether this machine gives root CAP_SYS_RESOURCE (24, see linux/capability.h). */
function mayLowerOomScore(): boolean {
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${bounding}`) & (1n << 24n)) !== 0n;
}

async function allowKey(root: string, publicKey: string): Promise<void> {
  write(root, "root/.ssh/authorized_keys", `${publicKey}\n`, 0o600);
  for (const user of Object.values(users)) {
    write(root, `home/${user}/.ssh/authorized_keys`, `${publicKey}\n`, 0o600);
    await execute("chroot", [root, "chown", "-R", `${user}:${user}`, `/home/${user}/.ssh`]);
  }
}

function write(root: string, file: string, contents: string, mode = 0o644): void {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), { recursive: true, mode: 0o755 });
  writeFileSync(target, contents, { mode });
  chmodSync(target, mode);
}
