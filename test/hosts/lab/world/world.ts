import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheDirectory } from "../../../../sim/toolchain/cache";
import { inspectProcess } from "../../../../sim/toolchain/processes";
import { recordedProgress, type Progress } from "../../../../sim/toolchain/progress";
import { debianSources } from "../aptSources";
import { ensureSupplies, type Supplies } from "./supplies";

export interface WorldOptions {
  /** Where the world keeps its files, all named `world*`. */
  readonly directory: string;
  /** IPv4 address of this machine that hosts reach it at, ports 53 (UDP), 80 and 443. */
  readonly address: string;
  /** Whether it stays up after this process has ended. Defaults to false. */
  readonly lasting?: boolean;
  /** Whether Docker's package repository is there, with containerd 2. Defaults to false. */
  readonly containerd2?: boolean;
  readonly report?: Progress;
}

/** What a test may change while hosts are at work; everything is there and nothing is slow by default. */
export interface WorldSettings {
  /** Addresses of names beside those that the world serves itself, e.g. of a control plane's endpoint. */
  readonly records?: Readonly<Record<string, string>>;
  /** Packages that no repository but the distribution's has: `kubelet` or `kubelet=1.36.3-1.1`. */
  readonly missingPackages?: readonly string[];
  /** Images that their registry lacks: `registry.k8s.io/pause` or `registry.k8s.io/pause:3.6`. */
  readonly missingImages?: readonly string[];
  /** Hosts whose connections are closed without an answer. */
  readonly unreachable?: readonly string[];
  /** Hosts that DNS does not know. */
  readonly unknownNames?: readonly string[];
  /** Speed of image downloads, for each of them. */
  readonly imageBytesPerSecond?: number;
}

/** One request of a host, or one of its DNS questions. */
export interface WorldRequest {
  readonly time: string;
  /** Address of the host. */
  readonly client: string;
  readonly scheme: "http" | "https" | "dns";
  /** HTTP method, or type of the DNS question. */
  readonly method: string;
  readonly host: string;
  readonly path?: string;
  /** HTTP status, or DNS response code (0 is an answer, 3 is "no such name"). */
  readonly status: number;
  readonly bytes?: number;
}

interface Owner {
  readonly pid: number;
  readonly startTime: string;
}

/** Seconds that the process may take to listen. */
const startSeconds = 20;

/**
 * What a host reaches outside of its network, at one address of this machine: names, image registries, the package
 * repositories of Kubernetes and Docker and a Debian mirror, all under their real names with certificates of an authority of the lab's.
 */
export class World {
  private constructor(
    private readonly directory: string,
    /** Certificate (PEM) of the authority that hosts must trust. Stays the same for as long as the cache does. */
    readonly caCertificate: string,
  ) {}

  /**
   * Starts it, once everything that it serves is built (minutes with an empty cache, a second with a full one).
   * @throws when something cannot be built, or a port of the address is taken
   */
  static async start(options: WorldOptions): Promise<World> {
    const supplies = await ensureSupplies(options.report ?? recordedProgress(), options.containerd2 ?? false);
    await World.stopIn(options.directory);
    await fs.mkdir(options.directory, { recursive: true });
    const files = worldFiles(options.directory);
    writeFileSync(files.configuration, JSON.stringify(await configuration(supplies, options), undefined, 2));
    const output = openSync(files.output, "w");
    const child = spawn(supplies.program, [files.configuration], {
      stdio: ["pipe", "pipe", output],
      detached: options.lasting === true,
    });
    closeSync(output);
    await listening(child, options, files.output);
    const owner: Owner = { pid: child.pid!, startTime: inspectProcess(child.pid!)?.startTime ?? "" };
    writeFileSync(files.owner, JSON.stringify(owner));
    return World.attach(options.directory);
  }

  /** The world that was started in a directory, by this process or another one. */
  static attach(directory: string): World {
    const { authority } = JSON.parse(readFileSync(worldFiles(directory).configuration, "utf8")) as {
      authority: string;
    };
    return new World(directory, readFileSync(path.join(authority, "ca.crt"), "utf8"));
  }

  /** Ends the world of a directory, if one runs there, and removes its files. */
  static async stopIn(directory: string): Promise<void> {
    const files = worldFiles(directory);
    if (existsSync(files.owner)) {
      const owner = JSON.parse(readFileSync(files.owner, "utf8")) as Owner;
      const runs = (): boolean => inspectProcess(owner.pid)?.startTime === owner.startTime;
      if (runs()) {
        process.kill(owner.pid, "SIGTERM");
      }
      while (runs()) {
        await sleep(20);
      }
    }
    Object.values(files).forEach((file) => rmSync(file, { force: true }));
  }

  /** Changes what the world offers from now on; what is not named goes back to its default. */
  set(settings: WorldSettings): void {
    const { settings: file } = worldFiles(this.directory);
    writeFileSync(`${file}.new`, JSON.stringify(settings));
    renameSync(`${file}.new`, file);
  }

  /** All requests so far, oldest first. */
  requests(): WorldRequest[] {
    const lines = readFileSync(worldFiles(this.directory).log, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as WorldRequest);
  }

  async stop(): Promise<void> {
    await World.stopIn(this.directory);
  }
}

function worldFiles(directory: string): Record<"configuration" | "settings" | "owner" | "log" | "output", string> {
  const file = (name: string): string => path.join(path.resolve(directory), name);
  return {
    configuration: file("world.json"),
    settings: file("world-settings.json"),
    owner: file("world-process.json"),
    log: file("world-requests.log"),
    output: file("world-output.log"),
  };
}

/** Names that hosts may ask for: registries of the images that are served, and whatever tests make up. */
const names = [
  "registry.k8s.io",
  "quay.io",
  "ghcr.io",
  "registry-1.docker.io",
  "index.docker.io",
  ".example.test",
] as const;

async function configuration(supplies: Supplies, options: WorldOptions): Promise<Record<string, unknown>> {
  const sources = (await debianSources()).map(({ uri }) => new URL(uri));
  const files = worldFiles(options.directory);
  return {
    address: options.address,
    authority: supplies.authority,
    packages: supplies.packages,
    docker: supplies.docker ?? "",
    images: supplies.images,
    mirrorCache: path.join(cacheDirectory(), "lab", "mirror"),
    mirrors: Object.fromEntries(sources.map(({ hostname, origin }) => [hostname, origin])),
    names,
    settings: files.settings,
    log: files.log,
    endWithStdin: options.lasting !== true,
  };
}

/** Waits for the line that says that all ports are open, then lets the process go its own way. */
async function listening(child: ChildProcess, { address }: WorldOptions, output: string): Promise<void> {
  const outcome = await new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve(`it did not listen within ${startSeconds} s`), startSeconds * 1000);
    const settle = (result: string): void => {
      clearTimeout(timer);
      resolve(result);
    };
    child.stdout!.once("data", () => settle("ready"));
    child.once("error", (error) => settle(error.message));
    child.once("exit", (code) => settle(`it ended with exit code ${code}`));
  });
  if (outcome !== "ready") {
    child.kill("SIGKILL");
    throw new Error(
      `The lab's outside world did not start on ${address}: ${outcome}.\n${readFileSync(output, "utf8")}`,
    );
  }
  // Its stdin stays open for as long as this process lives; neither keeps this process alive.
  child.unref();
  child.stdout!.destroy();
  (child.stdin as unknown as { unref(): void }).unref();
}
