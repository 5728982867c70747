import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { cacheDirectory, readDirectory } from "../../../sim/toolchain/cache";
import { recordedProgress, type Progress } from "../../../sim/toolchain/progress";
import { ensureBase } from "./base";
import { removeGroup } from "./cgroups";
import { checkSpec, newKeyPair, writeHostFiles, type HostSpec } from "./hostFiles";
import { cutPower, startKeeper } from "./keeper";
import { LabHost, type LabHostOptions } from "./labHost";
import { createNetwork, labNetwork, removeNetwork, type LabNetwork } from "./network";
import { addLab, forgetLab, isAbandoned, labs, makeLasting, withRegistry, type LabRecord } from "./registry";
import { ensurePrograms, whyNoLab } from "./requirements";
import { World } from "./world";

export interface LabOptions {
  readonly hosts: readonly HostSpec[];
  /** Where the lab keeps its files; a temporary directory by default. `stop` removes what the lab put there. */
  readonly directory?: string;
  /** Number of the lab, which decides its addresses: 10.123.<slot>.11 and on. The first free one from 1 by default. */
  readonly slot?: number;
  /** Whether the hosts stay up after this process has ended. Defaults to false. */
  readonly lasting?: boolean;
  /** Whether name server, package repositories and image registries answer the hosts. Defaults to true. */
  readonly world?: boolean;
  /** Whether hosts find containerd 2, minutes to compile, in Docker's repository (`containerd2Source`). Defaults to false. */
  readonly containerd2?: boolean;
  readonly report?: Progress;
}

/** What a lab's directory holds beside its hosts, for those who attach to it. */
interface LabFile {
  readonly privateKey: string;
  /** None while they start. */
  readonly hosts?: readonly Pick<LabHostOptions, "name" | "address" | "mac" | "hostKey" | "gpus">[];
}

/** Bare hosts in a network of their own, with the outside world that they need. */
export class Lab {
  private constructor(
    private readonly record: LabRecord,
    readonly hosts: readonly LabHost[],
    /** SSH private key that every host's root, `debian` and `admin` accept. */
    readonly privateKey: string,
    private readonly report: Progress,
  ) {}

  /**
   * Starts hosts and waits until all answer SSH. Labs whose owner has ended are removed first.
   * @throws when this machine cannot run hosts, see `whyNoLab`
   */
  static async start(options: LabOptions): Promise<Lab> {
    const report = options.report ?? recordedProgress();
    const reason = whyNoLab();
    if (reason !== undefined) {
      throw new Error(`No lab on this machine: ${reason}.`);
    }
    options.hosts.forEach(checkSpec);
    await ensurePrograms(report);
    const base = await ensureBase(path.join(cacheDirectory(), "lab"), report);
    const unused = `inference-stack-lab-${randomBytes(6).toString("hex")}`;
    const directory = path.resolve(options.directory ?? path.join(tmpdir(), unused));
    const record = await withRegistry(report, async () => {
      await removeAbandoned(report);
      return claim(directory, options.slot);
    });
    try {
      await bringUp(record, base, options, report);
      if (options.lasting === true) {
        makeLasting(record);
      }
      return Lab.attach(directory, report);
    } catch (error) {
      await withRegistry(report, () => removeLab(record));
      throw error;
    }
  }

  /**
   * The lab that runs in a directory.
   * @throws when none does
   */
  static attach(directory: string, report: Progress = recordedProgress()): Lab {
    const record = recordOf(directory);
    const { privateKey, hosts } = record === undefined ? noHosts : readLabFile(directory);
    if (record === undefined || hosts === undefined) {
      throw new Error(`No lab runs in ${directory}. Next: make lab-up.`);
    }
    const network = labNetwork(record.slot);
    const parts = { network, privateKey, owned: record.owner?.pid === process.pid };
    const options = hosts.map((host) => ({ ...host, ...parts, directory: hostDirectory(directory, host.name) }));
    return new Lab(
      record,
      options.map((each) => new LabHost(each)),
      privateKey,
      report,
    );
  }

  /** Removes the lab of a directory, also one whose start was cut off; false when there is none. */
  static async removeFrom(directory: string, report: Progress = recordedProgress()): Promise<boolean> {
    return withRegistry(report, async () => {
      const record = recordOf(directory);
      if (record !== undefined) {
        await removeLab(record);
      }
      return record !== undefined;
    });
  }

  get network(): LabNetwork {
    return labNetwork(this.record.slot);
  }

  get directory(): string {
    return this.record.directory;
  }

  /** The hosts' outside world. Not for a lab that was started without. */
  get world(): World {
    return World.attach(this.record.directory);
  }

  host(name: string): LabHost {
    const found = this.hosts.find((host) => host.name === name);
    if (found === undefined) {
      const names = this.hosts.map((host) => host.name).join(", ");
      throw new Error(`The lab has no host ${name}. There are: ${names}.`);
    }
    return found;
  }

  /** Turns all hosts off and removes them: no process, mount, namespace, cgroup or file is left. */
  async stop(): Promise<void> {
    await withRegistry(this.report, () => removeLab(this.record));
  }
}

const noHosts: LabFile = { privateKey: "" };

const recordOf = (directory: string): LabRecord | undefined =>
  labs().find((lab) => lab.directory === path.resolve(directory));

const readLabFile = (directory: string): LabFile => JSON.parse(readFileSync(labFile(directory), "utf8")) as LabFile;

/**
 * Records a lab and makes the directory its own. What a lab left there before the machine was started again is cleared.
 * @throws when the lab or the directory is taken, or the directory holds anything else
 */
function claim(directory: string, slot: number | undefined): LabRecord {
  const record = addLab(directory, slot);
  if (existsSync(labFile(directory))) {
    removeFiles(directory);
  } else if (existsSync(directory) && readdirSync(directory).length > 0) {
    forgetLab(record);
    throw new Error(
      `${directory} holds files that are no lab's. Allowed: an empty directory, or one that is not there.`,
    );
  }
  mkdirSync(directory, { recursive: true });
  writeFileSync(labFile(directory), JSON.stringify(noHosts), { mode: 0o600 });
  return record;
}

async function bringUp(record: LabRecord, base: string, options: LabOptions, report: Progress): Promise<void> {
  const network = labNetwork(record.slot);
  await removeNetwork(network);
  await createNetwork(network);
  const { lasting, containerd2 } = options;
  const world = { directory: record.directory, address: network.gateway, lasting, containerd2, report };
  const certificateAuthority = options.world === false ? undefined : (await World.start(world)).caCertificate;
  const key = newKeyPair();
  const task = report.task(`lab hosts ${options.hosts.map(({ name }) => name).join(", ")}`);
  const hosts = await Promise.all(
    options.hosts.map(async (spec, index) => {
      const directory = hostDirectory(record.directory, spec.name);
      mkdirSync(directory, { recursive: true });
      // sshd and sudo refuse a root directory that others may write to.
      chmodSync(directory, 0o755);
      const root = path.join(directory, "root");
      const files = { root, spec, publicKey: key.public, nameServer: network.gateway, certificateAuthority };
      const hostKey = await writeHostFiles(base, files);
      const { name, gpus = 0 } = spec;
      const host = { name, gpus, hostKey, address: network.hostAddress(index), mac: newMac() };
      startKeeper({ ...host, directory, network, owned: options.lasting !== true });
      return host;
    }),
  );
  const contents: LabFile = { privateKey: key.private, hosts };
  writeFileSync(labFile(record.directory), JSON.stringify(contents), { mode: 0o600 });
  await Promise.all(Lab.attach(record.directory).hosts.map((host) => host.waitForSsh()));
  task.done("answer SSH");
}

/** Removes labs whose owner has ended, however it ended. Needs the registry's lock. */
async function removeAbandoned(report: Progress): Promise<void> {
  for (const record of labs().filter(isAbandoned)) {
    report.note(`Removing lab ${record.slot} in ${record.directory}: whoever started it has ended.`);
    await removeLab(record);
  }
}

/** Removes everything of a lab; may be repeated. Needs the registry's lock. */
async function removeLab(record: LabRecord): Promise<void> {
  const network = labNetwork(record.slot);
  const hosts = path.join(record.directory, "hosts");
  await Promise.all((await readDirectory(hosts)).map((name) => cutPower(path.join(hosts, name))));
  await World.stopIn(record.directory);
  await removeGroup(network.name);
  await removeNetwork(network);
  removeFiles(record.directory);
  forgetLab(record);
}

function removeFiles(directory: string): void {
  for (const name of ["hosts", "id_ed25519", "known_hosts", "lab.json"]) {
    rmSync(path.join(directory, name), { recursive: true, force: true });
  }
  if (existsSync(directory) && readdirSync(directory).length === 0) {
    rmdirSync(directory);
  }
}

const labFile = (directory: string): string => path.join(directory, "lab.json");
const hostDirectory = (directory: string, name: string): string => path.join(directory, "hosts", name);

/** A locally administered unicast address. */
function newMac(): string {
  return ["02", ...randomBytes(5).toString("hex").match(/../g)!].join(":");
}
