import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { olderThan } from "../../../../sim/toolchain/goBuild";
import { pinChecksums } from "../../../../sim/toolchain/pin";
import { Downloader, findSum } from "../../../../sim/toolchain/download";
import {
  currentPlatform,
  pluginNames,
  resolveDownloads,
  toolNames,
  versions,
} from "../../../../sim/toolchain/versions";
import { sha256, Site, Workbench } from "./fixture";

const root = path.join(__dirname, "..", "..", "..", "..");

describe("versions.json", () => {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };

  for (const name of pluginNames) {
    it(`pins the ${name} plugin at the version of the npm package`, () => {
      assert.equal(versions.plugins[name].version, manifest.dependencies[`@pulumi/${name}`]);
    });
  }

  it("pins the engine at the version of the npm package", () => {
    assert.equal(versions.tools.pulumi.version, manifest.dependencies["@pulumi/pulumi"]);
  });

  for (const name of [...toolNames, "actionlint"] as const) {
    it(`pins ${name} at the version of its go.mod, which asks for no newer Go`, () => {
      const { version, build } = versions.tools[name];
      const goMod = fs.readFileSync(path.join(root, "sim", "toolchain", "go", name, "go.mod"), "utf8");
      assert.ok(goMod.includes(`${build.module} v${version}\n`), `${build.module} v${version}`);
      assert.equal(olderThan(versions.go, /^go (\S+)$/m.exec(goMod)![1]!), false);
      for (const imported of Object.values(build.packages)) {
        const tools = fs.readFileSync(path.join(root, "sim", "toolchain", "go", name, "tools.go"), "utf8");
        assert.ok(tools.includes(`"${imported}"`), imported);
      }
    });
  }

  it("resolves to complete URLs, and holds whole sums only", () => {
    for (const tool of [...Object.values(versions.tools), ...Object.values(versions.plugins)]) {
      for (const platform of ["linux-amd64", "linux-arm64"]) {
        const [os = "", arch = ""] = platform.split("-");
        for (const download of resolveDownloads(tool, { os, arch }) ?? []) {
          assert.match(download.url, /^https:\/\/[^{}]+$/);
          assert.match(download.checksums, /^https:\/\/[^{}]+$/);
        }
      }
      for (const { sha256: sums, platforms } of tool.downloads) {
        for (const [platform, sum] of Object.entries(sums)) {
          assert.match(sum, /^[0-9a-f]{64}$/);
          assert.ok(platforms.includes(platform), platform);
        }
      }
    }
    const linux = resolveDownloads(versions.tools.pulumi, { os: "linux", arch: "amd64" })!;
    assert.equal(linux[0]?.fileName, `pulumi-v${versions.tools.pulumi.version}-linux-x64.tar.gz`);
  });
});

describe("currentPlatform", () => {
  it("speaks Go's names", () => {
    assert.deepEqual(currentPlatform("linux", "x64"), { os: "linux", arch: "amd64" });
    assert.deepEqual(currentPlatform("darwin", "arm64"), { os: "darwin", arch: "arm64" });
  });

  it("refuses platforms without a simulated cluster, and says what to do", () => {
    assert.throws(() => currentPlatform("win32", "x64"), /this is win32 on x64.*WSL 2/);
    assert.throws(() => currentPlatform("linux", "riscv64"), /linux on riscv64/);
  });
});

describe("olderThan", () => {
  for (const [version, minimum, expected] of [
    ["1.25.9", "1.26", true],
    ["1.26", "1.26", false],
    ["1.26rc1", "1.26", false],
    ["1.30.1", "1.26", false],
    ["1.9", "1.26", true],
    ["2.0", "1.26", false],
  ] as const) {
    it(`${version} is ${expected ? "" : "not "}older than ${minimum}`, () => {
      assert.equal(olderThan(version, minimum), expected);
    });
  }
});

describe("findSum", () => {
  const sum = sha256("x");

  it("reads sums with names, also of binary mode, and a bare sum", () => {
    assert.equal(findSum(`${sha256("y")}  b\n${sum}  a\n`, "a"), sum);
    assert.equal(findSum(`${sum.toUpperCase()} *./a\n`, "a"), sum);
    assert.equal(findSum(`${sum}\n`, "a"), sum);
  });

  it("reads the digests of a GitHub release", () => {
    const assets = [{ name: "b" }, { name: "a", digest: `sha256:${sum}` }];
    assert.equal(findSum(JSON.stringify({ assets }), "a"), sum);
    assert.equal(findSum(JSON.stringify({ assets }), "b"), undefined);
  });

  it("finds nothing in sums of other files, other kinds or error pages", () => {
    assert.equal(findSum(`${sum}  b\n`, "a"), undefined);
    assert.equal(findSum("a".repeat(40), "a"), undefined);
    assert.equal(findSum("<html>not found</html>", "a"), undefined);
  });
});

describe("pinChecksums", () => {
  it("fills in the sums that publishers name", async () => {
    const site = new Site();
    await site.listen();
    const bench = new Workbench(site);
    try {
      site.files.set("/sums", `${sha256("intel")}  etcd-amd64\n${sha256("arm")}  etcd-arm64\n`);
      const download = bench.download("/etcd-{arch}", { platforms: ["linux-amd64", "linux-arm64"] });
      const { etcd } = bench.chain({ downloads: [download] }).versions.tools;
      const none = { ...etcd, downloads: [] };
      const tools = { etcd, pulumi: none, kubernetes: none, kwok: none, helm: none, actionlint: none };
      const pinned = await pinChecksums(
        { ...versions, tools, plugins: { kubernetes: none, command: none, random: none } },
        new Downloader(),
      );
      const expected = { "linux-amd64": sha256("intel"), "linux-arm64": sha256("arm") };
      assert.deepEqual(pinned.tools.etcd.downloads[0]?.sha256, expected);
    } finally {
      bench.remove();
      await site.close();
    }
  });
});
