import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installedSource, removeLeftovers } from "../../../../sim/toolchain/cache";
import { inspectProcess } from "../../../../sim/toolchain/processes";
import { installTools, missingTools, type Toolchain } from "../../../../sim/toolchain/tools";
import { versions } from "../../../../sim/toolchain/versions";
import { archive, sha256, Site, Workbench } from "./fixture";

const script = (text: string): string => `#!/bin/sh\necho ${text}\n`;

describe("installing a tool", function () {
  this.timeout(120_000);

  let site: Site;
  let bench: Workbench;

  beforeEach(async () => {
    site = new Site();
    await site.listen();
    bench = new Workbench(site);
  });

  afterEach(async () => {
    await site.close();
    bench.remove();
  });

  const install = (chain: Toolchain) => installTools(chain, ["etcd"]);
  const run = () => execFileSync(path.join(bench.installed, "etcd"), { encoding: "utf8" });
  const noGo = { env: { PATH: "/nonexistent" } };

  describe("by download", () => {
    it("installs a binary whose sum is pinned, and asks for nothing else", async () => {
      const binary = script("downloaded");
      site.files.set("/etcd", binary);
      const chain = bench.chain({
        downloads: [bench.download("/etcd", { sha256: { "linux-amd64": sha256(binary) } })],
      });
      assert.deepEqual(await missingTools(chain, ["etcd"]), ["etcd"]);
      await install(chain);
      assert.equal(run(), "downloaded\n");
      assert.equal(await installedSource(bench.installed), "download");
      assert.deepEqual(await missingTools(chain, ["etcd"]), []);
      assert.deepEqual(site.requests, ["/etcd"]);
      assert.deepEqual(bench.leftovers(), []);
    });

    it("installs what lies below the root of an archive, checked by the publisher's sums", async () => {
      const packed = archive(bench.directory, { "etcd-9/etcd": script("unpacked"), "etcd-9/README": "" });
      site.files.set("/etcd.tar.gz", packed);
      site.files.set("/sums", `${"0".repeat(64)}  other.tar.gz\n${sha256(packed)}  etcd.tar.gz\n`);
      await install(bench.chain({ downloads: [bench.download("/etcd.tar.gz", { archiveRoot: "etcd-9" })] }));
      assert.equal(run(), "unpacked\n");
      assert.deepEqual(fs.readdirSync(bench.installed).sort(), ["README", "etcd", "source.json"]);
    });

    for (const pinned of [true, false]) {
      it(`refuses a file with another sum than the ${pinned ? "pinned" : "published"} one, and names both`, async () => {
        const expected = sha256("what was published");
        site.files.set("/etcd", "something else");
        site.files.set("/sums", expected);
        const download = bench.download("/etcd", { sha256: pinned ? { "linux-amd64": expected } : {} });
        await assert.rejects(install(bench.chain({ downloads: [download] })), (error: Error) => {
          assert.match(error.message, new RegExp(`${sha256("something else")}.*${expected}`));
          assert.match(error.message, pinned ? /versions\.json says/ : /\/sums says/);
          return true;
        });
        assert.equal(fs.existsSync(bench.installed), false);
        assert.deepEqual(bench.leftovers(), []);
      });
    }
  });

  describe("by a build, when the download", () => {
    const builds = async (chain: Toolchain, why: RegExp) => {
      await install(chain);
      assert.equal(await installedSource(bench.installed), "build");
      assert.equal(
        execFileSync("sh", ["-c", `${bench.installed}/etcd 2>&1`], { encoding: "utf8" }),
        "built etcd v9.9.9\n",
      );
      assert.ok(
        bench.lines.some((line) => why.test(line)),
        bench.lines.join("\n"),
      );
      assert.deepEqual(bench.leftovers(), []);
    };

    it("does not exist", async () => {
      site.files.set("/sums", sha256(""));
      await builds(bench.chain(), /\/etcd: HTTP 404/);
    });

    it("cannot be checked", async () => {
      site.files.set("/etcd", script("unchecked"));
      await builds(bench.chain(), /\/sums: HTTP 404/);
      site.files.set("/sums", `${sha256("")}  another-file\n`);
      fs.rmSync(bench.installed, { recursive: true });
      await builds(bench.chain(), /names no sha256 of etcd/);
      assert.ok(!site.requests.includes("/etcd"));
    });

    it("is refused", async () => {
      const gone = new Site();
      await gone.listen();
      const download = { ...bench.download("/etcd"), checksums: `${gone.url}/sums` };
      await gone.close();
      await builds(bench.chain({ downloads: [download] }), /ECONNREFUSED/);
    });

    it("breaks off", async () => {
      site.files.set("/sums", sha256("whole"));
      site.files.set("/etcd", (response) => {
        response.writeHead(200, { "content-length": "1000000" });
        response.write("half", () => response.destroy());
      });
      await builds(bench.chain(), /broke off after/);
    });

    it("stalls", async () => {
      site.files.set("/sums", sha256("whole"));
      site.files.set("/etcd", (response) => void response.writeHead(200, { "content-length": "100" }).write("half"));
      await builds(bench.chain(), /broke off after/);
    });

    it("is not offered for this platform", async () => {
      const download = bench.download("/etcd", { platforms: ["plan9-amd64"] });
      await builds(bench.chain({ downloads: [download] }), /offers no download for linux-amd64/);
      assert.deepEqual(site.requests, []);
    });
  });

  it("waits once for a host that does not answer, however many files it has", async () => {
    // TEST-NET-1 (RFC 5737) is never routed; some networks refuse it at once, which is just as good here.
    const dark = (name: string) => ({
      ...bench.download("/"),
      url: `http://192.0.2.1/${name}`,
      checksums: `http://192.0.2.1/${name}.sum`,
    });
    const started = Date.now();
    await install(
      bench.chain({
        downloads: [dark("etcd"), dark("a"), dark("b"), dark("c")],
        go: { env: bench.fakeGoVersion("go1.30", "exit 1") },
      }),
    ).catch(() => undefined);
    assert.ok(Date.now() - started < 1500, `${Date.now() - started} ms`);
  });

  describe("fails clearly when", () => {
    it("there is no Go compiler", async () => {
      await assert.rejects(install(bench.chain({ go: noGo })), (error: Error) => {
        assert.match(error.message, /etcd 9\.9\.9 must be built, and no Go compiler was found on PATH/);
        assert.match(error.message, /Install Go 1\.21 or newer \(https:\/\/go\.dev\/dl\//);
        assert.match(error.message, new RegExp(`tried:\\n\\s+${site.url}/sums: HTTP 404`));
        return true;
      });
      assert.equal(fs.existsSync(bench.installed), false);
    });

    it("Go is too old", async () => {
      const go = { env: bench.fakeGoVersion("go1.19.3", "exit 1"), minimumGo: "1.26" };
      await assert.rejects(
        install(bench.chain({ go })),
        /Go 1\.26 or newer is needed to build etcd 9\.9\.9; found 1\.19\.3/,
      );
    });

    it("the disk has too little room, before anything is built", async () => {
      const env = bench.fakeGoVersion("go1.30", `touch ${bench.directory}/ran`);
      const diskSpace = () => Promise.resolve({ free: 50 * 1024 ** 2, fileSystem: "1" });
      const message =
        /Building etcd 9\.9\.9 takes about 0\.1 GiB on the disk that holds .*; 0\.0 GiB are free\. Free some/;
      await assert.rejects(install(bench.chain({ go: { env, diskSpace } })), message);
      assert.equal(fs.existsSync(path.join(bench.directory, "ran")), false);
    });

    it("the disk becomes full during the build", async () => {
      const full = 'if [ "$1" = build ]; then echo "write $WORK/b001/_pkg_.a: no space left on device" >&2; exit 1; fi';
      const go = { env: bench.fakeGoVersion("go1.30", full) };
      await assert.rejects(
        install(bench.chain({ go })),
        /The disk became full while etcd 9\.9\.9 was built\. Free about/,
      );
      assert.deepEqual(bench.leftovers(), []);
    });

    it("the source does not compile", async () => {
      bench.writeModule(path.join(bench.goModules, "etcd"), {
        "main.go": "package main\n\nfunc main() { nonsense() }\n",
      });
      await assert.rejects(install(bench.chain()), /etcd 9\.9\.9: it does not compile.*\n.*undefined: nonsense/s);
      assert.equal(fs.existsSync(bench.installed), false);
      assert.deepEqual(bench.leftovers(), []);
    });
  });

  for (const [whose, own, expected] of [
    ["its own", undefined, "400"],
    ["the user's", "50", "50"],
  ] as const) {
    it(`compiles outside the user's workspace, with ${whose} setting for the compiler's garbage`, async () => {
      const [seen, env] = recordingGo();
      const go = { env: { ...env, GOWORK: "/users/go.work", GOGC: own } };
      await assert.rejects(install(bench.chain({ go })), /could not be loaded/);
      assert.equal(fs.readFileSync(seen, "utf8"), `list off ${expected}\n`);
    });
  }

  it("compiles the members of its workspace in it", async () => {
    const [seen, env] = recordingGo();
    fs.writeFileSync(bench.workspace, "go 1.21\n\nuse (\n\t./go/etcd\n\t./plugins\n)\n");
    await assert.rejects(install(bench.chain({ go: { env } })), /could not be loaded/);
    assert.equal(fs.readFileSync(seen, "utf8"), `list ${bench.workspace} 400\n`);
  });

  /** A file, and the environment of a `go` that notes there what it is to do, and fails. */
  function recordingGo(): [string, NodeJS.ProcessEnv] {
    const seen = path.join(bench.directory, "seen");
    return [seen, bench.fakeGoVersion("go1.30", `echo "$1 $GOWORK $GOGC" >> ${seen}; exit 1`)];
  }

  it("builds the smallest first, and begins no more after a failure", async () => {
    const started = path.join(bench.directory, "started");
    const fakeBuild =
      `if [ "$1" = build ]; then echo "\${PWD##*/}" >> ${started}; case $PWD in */kwok) exit 1 ;; esac; ` +
      'while [ "$1" != -o ]; do shift; done; echo > "$2"; chmod +x "$2"; fi';
    const tool = (name: string, diskGiB: number) => {
      bench.writeModule(path.join(bench.goModules, name), {});
      const build = { module: "example", packages: { [name]: "." }, variables: {}, diskGiB };
      return { version: "9.9.9", downloads: [bench.download(`/${name}`)], build };
    };
    const tools = { ...versions.tools, helm: tool("helm", 0.3), kwok: tool("kwok", 0.2) };
    const chain = bench.chain({ pins: { tools }, go: { env: bench.fakeGoVersion("go1.30", fakeBuild) } });
    await assert.rejects(installTools(chain, ["helm", "kwok", "etcd"]), /kwok 9\.9\.9: it does not compile/);
    assert.deepEqual(fs.readFileSync(started, "utf8").trim().split("\n"), ["etcd", "kwok"]);
    assert.deepEqual(await missingTools(chain, ["etcd", "helm", "kwok"]), ["helm", "kwok"]);
  });

  describe("interrupted", () => {
    const runOnce = path.join(__dirname, "installOnce.ts");

    /** Starts an installation in a process of its own and waits until it is in the middle. */
    async function started(env: NodeJS.ProcessEnv, middle: () => boolean) {
      const child = spawn(process.execPath, ["--import=tsx", runOnce, bench.directory, site.url], {
        env,
        stdio: "ignore",
      });
      while (!middle()) {
        assert.equal(child.exitCode, null, "ended too early");
        await sleep(50);
      }
      return child;
    }

    it("during a download, leaves nothing installed, and the next run goes on", async () => {
      const binary = script("second try");
      site.files.set("/sums", sha256(binary));
      site.files.set("/etcd", (response) => void response.writeHead(200, { "content-length": "100" }).write("half"));
      const child = await started(process.env, () => site.requests.includes("/etcd") && bench.leftovers().length > 0);
      child.kill("SIGKILL");
      await once(child, "exit");
      assert.equal(fs.existsSync(bench.installed), false);
      site.files.set("/etcd", binary);
      await removeLeftovers(bench.cache);
      assert.deepEqual(
        bench.leftovers().filter((file) => !file.endsWith("lock")),
        [],
      );
      await install(bench.chain());
      assert.equal(run(), "second try\n");
    });

    it("during a build, ends the compiler too", async () => {
      const pidFile = path.join(bench.directory, "go.pid");
      const env = bench.fakeGoVersion("go1.30", `if [ "$1" = build ]; then echo $$ > ${pidFile}; exec sleep 60; fi`);
      const compiling = () => fs.existsSync(pidFile) && fs.readFileSync(pidFile, "utf8").endsWith("\n");
      const child = await started({ ...env, PATH: `${env["PATH"]}:${path.dirname(process.execPath)}` }, compiling);
      const compiler = Number(fs.readFileSync(pidFile, "utf8"));
      assert.ok(inspectProcess(compiler) !== undefined);
      child.kill("SIGINT");
      assert.deepEqual(await once(child, "exit"), [null, "SIGINT"]);
      for (let i = 0; i < 50 && inspectProcess(compiler) !== undefined; i++) {
        await sleep(100);
      }
      assert.equal(inspectProcess(compiler), undefined);
      assert.equal(fs.existsSync(bench.installed), false);
    });
  });

  it("does not take a directory without its marker for an installed tool", async () => {
    fs.mkdirSync(bench.installed, { recursive: true });
    fs.writeFileSync(path.join(bench.installed, "etcd"), "half");
    site.files.set("/etcd", script("whole"));
    site.files.set("/sums", sha256(script("whole")));
    const chain = bench.chain();
    assert.deepEqual(await missingTools(chain, ["etcd"]), ["etcd"]);
    await install(chain);
    assert.equal(run(), "whole\n");
  });
});
