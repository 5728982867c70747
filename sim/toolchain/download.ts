import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { runCommand } from "./command";
import type { Task } from "./progress";
import type { ResolvedDownload } from "./versions";

/** A download that cannot be had, for a reason that lets the next source take over. */
export class Unavailable extends Error {}

/** What was downloaded is not what was pinned: never installed, never replaced by another source. */
export class ChecksumMismatch extends Error {
  constructor(url: string, expected: string, actual: string, origin: string) {
    super(
      `${url} was refused: its sha256 is ${actual}, but ${origin} says ${expected}. ` +
        "The file was changed on the way or replaced by its publisher: compare with the publisher's release page, " +
        "then run again, or correct sim/toolchain/versions.json.",
    );
  }
}

export interface DownloadTimeouts {
  /** Milliseconds to connect to a host before it counts as out of reach. */
  readonly connect: number;
  /** Milliseconds without a byte before a download counts as broken. */
  readonly idle: number;
}

export const defaultTimeouts: DownloadTimeouts = { connect: 4000, idle: 30_000 };

/** Downloads files, each host tried once: what is out of reach stays so for this run. */
export class Downloader {
  private readonly hosts = new Map<string, Promise<string | undefined>>();
  private readonly documents = new Map<string, Promise<string>>();

  constructor(private readonly timeouts: DownloadTimeouts = defaultTimeouts) {}

  /** Tries all hosts of some downloads at once, so that an offline machine waits for one time-out, not for many. */
  async probe(urls: readonly string[]): Promise<void> {
    await Promise.all(urls.map((url) => this.unreachable(url)));
  }

  /**
   * Fetches one file, checks it and puts what it holds into a directory.
   * @throws Unavailable when it cannot be had or checked, ChecksumMismatch when it is not the pinned file
   */
  async install(download: ResolvedDownload, directory: string, task: Task): Promise<void> {
    const { sum, origin } = await this.expectedSum(download);
    const file = path.join(directory, `.${download.fileName}.part`);
    task.update(`downloading ${download.fileName}`);
    const actual = await this.save(download.url, file, task);
    if (actual !== sum) {
      throw new ChecksumMismatch(download.url, sum, actual, origin);
    }
    if (download.archiveRoot === undefined) {
      fs.renameSync(file, path.join(directory, download.binary));
      fs.chmodSync(path.join(directory, download.binary), 0o755);
    } else {
      await unpack(file, directory, download.archiveRoot);
      fs.rmSync(file);
    }
  }

  /** The sum that a file must have, and who says so. */
  async expectedSum(download: ResolvedDownload): Promise<{ sum: string; origin: string }> {
    return download.sha256 === undefined
      ? { sum: await this.publishedSum(download), origin: download.checksums }
      : { sum: download.sha256, origin: "sim/toolchain/versions.json" };
  }

  /** The sum in the publisher's checksum file. */
  async publishedSum(download: ResolvedDownload): Promise<string> {
    let document = this.documents.get(download.checksums);
    if (document === undefined) {
      document = this.text(download.checksums);
      this.documents.set(download.checksums, document);
    }
    const sum = findSum(await document, download.fileName);
    if (sum === undefined) {
      throw new Unavailable(`${download.checksums} names no sha256 of ${download.fileName}`);
    }
    return sum;
  }

  private async text(url: string): Promise<string> {
    const response = await this.get(url);
    return response.text().catch((error: unknown) => {
      throw new Unavailable(`${url}: ${reason(error)}`);
    });
  }

  private async save(url: string, file: string, task: Task): Promise<string> {
    const response = await this.get(url);
    const total = Number(response.headers.get("content-length") ?? 0);
    const hash = createHash("sha256");
    let received = 0;
    const watch = new AbortController();
    const timer = setTimeout(() => watch.abort(), this.timeouts.idle);
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        timer.refresh();
        hash.update(chunk);
        received += chunk.length;
        task.update(`downloading ${path.posix.basename(url)}, ${megabytes(received)} of ${megabytes(total)}`);
        done(null, chunk);
      },
    });
    try {
      await pipeline(Readable.from(response.body!), count, fs.createWriteStream(file), { signal: watch.signal });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") {
        throw error;
      }
      throw new Unavailable(`${url} broke off after ${megabytes(received)}: ${reason(error)}`);
    } finally {
      clearTimeout(timer);
    }
    return hash.digest("hex");
  }

  private async get(url: string): Promise<Response> {
    const unreachable = await this.unreachable(url);
    if (unreachable !== undefined) {
      throw new Unavailable(`${url}: ${unreachable}`);
    }
    const headers = new AbortController();
    const timer = setTimeout(() => headers.abort(), this.timeouts.idle);
    try {
      const response = await fetch(url, { signal: headers.signal });
      if (!response.ok || response.body === null) {
        throw new Unavailable(`${url}: HTTP ${response.status}`);
      }
      return response;
    } catch (error) {
      if (error instanceof Unavailable) {
        throw error;
      }
      // A proxy or firewall may accept the connection and then break it: that host is not worth another try.
      this.hosts.set(new URL(url).host, Promise.resolve(reason(error)));
      throw new Unavailable(`${url}: ${reason(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  private unreachable(url: string): Promise<string | undefined> {
    const { host, hostname, port, protocol } = new URL(url);
    let verdict = this.hosts.get(host);
    if (verdict === undefined) {
      verdict = connectError(
        hostname,
        port === "" ? (protocol === "http:" ? 80 : 443) : Number(port),
        this.timeouts.connect,
      );
      this.hosts.set(host, verdict);
    }
    return verdict;
  }
}

/** Finds a file's sha256 in lines of sums, in a file that holds just one sum, or in a GitHub release description. */
export function findSum(document: string, fileName: string): string | undefined {
  if (document.trimStart().startsWith("{")) {
    const release = JSON.parse(document) as { assets?: { name: string; digest?: string | null }[] };
    const digest = release.assets?.find((asset) => asset.name === fileName)?.digest;
    return /^sha256:([0-9a-f]{64})$/.exec(digest ?? "")?.[1];
  }
  const lines = document
    .split("\n")
    .map((line) => /^([0-9a-f]{64})(?:\s+\*?(?:\.\/)?(\S+))?\s*$/i.exec(line))
    .filter((match) => match !== null);
  const named = lines.find((match) => match[2] === fileName) ?? lines.find((match) => match[2] === undefined);
  return named?.[1]?.toLowerCase();
}

function connectError(host: string, port: number, timeout: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: host.replace(/^\[|\]$/g, ""), port });
    const finish = (result: string | undefined): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeout, () => finish(`no connection within ${timeout / 1000} s`));
    socket.on("connect", () => finish(undefined));
    socket.on("error", (error) => finish(reason(error)));
  });
}

/** Unpacks an archive and moves what lies below its root into a directory. */
async function unpack(archive: string, directory: string, root: string): Promise<void> {
  const unpacked = fs.mkdtempSync(path.join(directory, ".unpacked-"));
  const result = await runCommand("tar", ["-xzf", archive, "-C", unpacked]);
  if (result.code !== 0) {
    throw new Error(`tar could not unpack ${path.basename(archive)}: ${result.output.slice(-5).join("; ")}`);
  }
  for (const name of fs.readdirSync(path.join(unpacked, root))) {
    fs.renameSync(path.join(unpacked, root, name), path.join(directory, name));
  }
  fs.rmSync(unpacked, { recursive: true });
}

function reason(error: unknown): string {
  const { code, cause, message } = error as { code?: string; cause?: unknown; message?: string };
  if (cause !== undefined) {
    return reason(cause);
  }
  return message !== undefined && message !== "" ? message : (code ?? String(error));
}

const megabytes = (bytes: number): string => (bytes === 0 ? "?" : `${(bytes / 1e6).toFixed(1)} MB`);
