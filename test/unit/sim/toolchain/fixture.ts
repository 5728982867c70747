import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { Downloader } from "../../../../sim/toolchain/download";
import { diskSpace, type GoEnvironment } from "../../../../sim/toolchain/goBuild";
import { recordedProgress } from "../../../../sim/toolchain/progress";
import type { Toolchain } from "../../../../sim/toolchain/tools";
import { versions, type Download, type Versions } from "../../../../sim/toolchain/versions";

export const sha256 = (contents: string | Buffer): string => createHash("sha256").update(contents).digest("hex");

/** A publisher's web site: files by path, and what was asked for. */
export class Site {
  readonly files = new Map<string, string | Buffer | ((response: http.ServerResponse) => void)>();
  readonly requests: string[] = [];
  private readonly server = http.createServer((request, response) => {
    const url = request.url ?? "";
    this.requests.push(url);
    const file = this.files.get(url);
    if (typeof file === "function") {
      file(response);
    } else {
      response.writeHead(file === undefined ? 404 : 200).end(file);
    }
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A directory with a toolchain of its own, whose only tool of interest is a tiny etcd. */
export class Workbench {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), "toolchain-"));
  readonly lines: string[] = [];
  readonly cache = path.join(this.directory, "cache");
  readonly goModules = path.join(this.directory, "go");
  readonly standIns = path.join(this.directory, "plugins");
  /** Has no member until a test writes one. */
  readonly workspace = path.join(this.directory, "go.work");

  constructor(readonly site: Site) {
    fs.writeFileSync(this.workspace, "go 1.21\n");
    this.writeModule(path.join(this.goModules, "etcd"), { "main.go": program("built etcd") });
  }

  remove(): void {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  writeModule(directory: string, files: Readonly<Record<string, string>>): void {
    for (const [name, contents] of Object.entries({ "go.mod": "module example\n\ngo 1.21\n", ...files })) {
      fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
      fs.writeFileSync(path.join(directory, name), contents);
    }
  }

  /** Puts a `go` on the PATH that runs a shell script instead; its environment, to be used for the toolchain. */
  fakeGo(script: string): NodeJS.ProcessEnv {
    const bin = path.join(this.directory, "bin");
    fs.mkdirSync(bin, { recursive: true });
    fs.writeFileSync(path.join(bin, "go"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { ...process.env, PATH: `${bin}:/usr/bin:/bin` };
  }

  /** A `go` that says which version it is, and runs a script for all else. */
  fakeGoVersion(version: string, script: string): NodeJS.ProcessEnv {
    const settings = { GOVERSION: version, GOTOOLCHAIN: "local", GOCACHE: this.cache, GOMODCACHE: this.cache };
    return this.fakeGo(`if [ "$1" = env ]; then echo '${JSON.stringify(settings)}'; exit; fi\n${script}`);
  }

  chain(options: { downloads?: Download[]; go?: Partial<GoEnvironment>; pins?: Partial<Versions> } = {}): Toolchain {
    const packages = { etcd: "." };
    const build = { module: "example", packages, variables: { "main.version": "v{version}" }, diskGiB: 0.1 };
    const etcd = { version: "9.9.9", downloads: options.downloads ?? [this.download("/etcd")], build };
    return {
      cache: this.cache,
      versions: { ...versions, ...options.pins, tools: { ...versions.tools, ...options.pins?.tools, etcd } },
      report: recordedProgress(this.lines),
      downloader: new Downloader({ connect: 500, idle: 1000 }),
      go: { platform: linux, minimumGo: "1.21", workspace: this.workspace, env: process.env, diskSpace, ...options.go },
      goModules: this.goModules,
      standIns: this.standIns,
      stateService: path.join(this.directory, "backend"),
    };
  }

  /** A download from the site; its sum is in `/sums`. */
  download(url: string, options: Partial<Download> = {}): Download {
    const platforms = ["linux-amd64"];
    return { url: this.site.url + url, platforms, checksums: `${this.site.url}/sums`, sha256: {}, ...options };
  }

  get installed(): string {
    return path.join(this.cache, "tools", "etcd", "9.9.9-linux-amd64");
  }

  /** Everything in the cache, except that which finished. */
  leftovers(): string[] {
    const list = (directory: string): string[] =>
      fs.existsSync(directory) ? fs.readdirSync(directory).map((name) => path.join(directory, name)) : [];
    return [...list(path.join(this.cache, "tmp")), ...list(this.cache).filter((file) => file.endsWith("lock"))];
  }
}

export const linux = { os: "linux", arch: "amd64" };

export const program = (text: string): string =>
  `package main\n\nvar version = ""\n\nfunc main() { println(${JSON.stringify(text)}, version) }\n`;

/** A .tar.gz of files. */
export function archive(directory: string, files: Readonly<Record<string, string>>): Buffer {
  const root = fs.mkdtempSync(path.join(directory, "archive-"));
  for (const [name, contents] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), contents, { mode: 0o755 });
  }
  return execFileSync("tar", ["-czf", "-", "-C", root, "."]);
}
