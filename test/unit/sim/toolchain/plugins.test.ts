import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { installAtomically } from "../../../../sim/toolchain/cache";
import { describePlugins, installedHome, installHome } from "../../../../sim/toolchain/plugins";
import { toolDirectory, type Toolchain } from "../../../../sim/toolchain/tools";
import { pluginNames, versions, type Plugin } from "../../../../sim/toolchain/versions";
import { archive, program, sha256, Site, Workbench } from "./fixture";

const programs = ["pulumi-language-nodejs", ...pluginNames.map((name) => `pulumi-resource-${name}`)];

describe("Pulumi plugins", function () {
  this.timeout(120_000);

  let site: Site;
  let bench: Workbench;

  beforeEach(async () => {
    site = new Site();
    await site.listen();
    bench = new Workbench(site);
    const sources = programs.map((name) => [`cmd/${name}/main.go`, program(name)]);
    bench.writeModule(bench.standIns, Object.fromEntries(sources) as Record<string, string>);
  });

  afterEach(async () => {
    await site.close();
    bench.remove();
  });

  /** A toolchain whose engine is installed already. */
  async function chain(source: "download" | "build"): Promise<Toolchain> {
    const plugins = Object.fromEntries(
      pluginNames.map((name): [string, Plugin] => [
        name,
        {
          version: versions.plugins[name].version,
          downloads: [bench.download(`/${name}.tar.gz`, { archiveRoot: "." })],
        },
      ]),
    ) as typeof versions.plugins;
    const toolchain = bench.chain({ pins: { plugins } });
    await installAtomically(bench.cache, toolDirectory(toolchain, "pulumi"), (directory) => {
      fs.writeFileSync(path.join(directory, "pulumi"), "engine", { mode: 0o755 });
      if (source === "download") {
        fs.writeFileSync(path.join(directory, "pulumi-language-nodejs"), "official", { mode: 0o755 });
      }
      return Promise.resolve({ source, from: "test" });
    });
    return toolchain;
  }

  function offer(): void {
    const archives = pluginNames.map(
      (name) => [name, archive(bench.directory, { [`pulumi-resource-${name}`]: name })] as const,
    );
    archives.forEach(([name, contents]) => site.files.set(`/${name}.tar.gz`, contents));
    site.files.set("/sums", archives.map(([name, contents]) => `${sha256(contents)}  ${name}.tar.gz`).join("\n"));
  }

  const pluginFile = (home: string, name: (typeof pluginNames)[number]) =>
    path.join(home, "plugins", `resource-${name}-v${versions.plugins[name].version}`, `pulumi-resource-${name}`);

  it("are the official ones where they can be downloaded, with the engine's own language host", async () => {
    offer();
    const toolchain = await chain("download");
    const home = await installHome(toolchain);
    assert.equal(home.plugins, "official");
    for (const name of pluginNames) {
      assert.equal(fs.readFileSync(pluginFile(home.directory, name), "utf8"), name);
    }
    assert.equal(fs.readFileSync(path.join(home.directory, "bin", "pulumi-language-nodejs"), "utf8"), "official");
    assert.equal(fs.readFileSync(path.join(home.directory, "bin", "pulumi"), "utf8"), "engine");
    assert.match(describePlugins(toolchain, home), /^Pulumi plugins: official \(kubernetes 4\./);
    assert.deepEqual(await installedHome(toolchain), home);
  });

  it("are stand-ins where one of the official ones cannot be downloaded", async () => {
    offer();
    site.files.delete("/command.tar.gz");
    const toolchain = await chain("download");
    const home = await installHome(toolchain);
    assert.equal(home.plugins, "stand-in");
    for (const name of pluginNames) {
      const output = execFileSync("sh", ["-c", `"${pluginFile(home.directory, name)}" 2>&1`], { encoding: "utf8" });
      assert.match(output, new RegExp(`^pulumi-resource-${name} `));
    }
    assert.deepEqual(fs.readdirSync(path.join(home.directory, "bin")).sort(), ["pulumi", "pulumi-language-nodejs"]);
    assert.match(describePlugins(toolchain, home), /stand-ins built from sim\/plugins .*could not be downloaded/);
    assert.ok(bench.lines.some((line) => /command\.tar\.gz: HTTP 404/.test(line)));
    assert.deepEqual(bench.leftovers(), []);
  });

  it("are stand-ins beside an engine that was built, as it has no official language host", async () => {
    offer();
    assert.equal((await installHome(await chain("build"))).plugins, "stand-in");
    assert.deepEqual(site.requests, []);
  });

  it("are rebuilt when their sources change, beside those of other checkouts", async () => {
    const toolchain = await chain("build");
    const first = await installHome(toolchain);
    assert.deepEqual(await installedHome(toolchain), first);
    fs.writeFileSync(path.join(bench.standIns, "cmd", programs[1]!, "main_test.go"), "package main\n");
    assert.deepEqual(await installedHome(toolchain), first, "tests do not end up in a plugin");
    bench.writeModule(bench.standIns, { [`cmd/${programs[1]}/main.go`]: program("changed") });
    assert.equal(await installedHome(toolchain), undefined);
    const second = await installHome(toolchain);
    assert.notEqual(second.directory, first.directory);
    assert.ok(fs.existsSync(pluginFile(first.directory, "kubernetes")));
    const output = execFileSync("sh", ["-c", `"${pluginFile(second.directory, "kubernetes")}" 2>&1`], {
      encoding: "utf8",
    });
    assert.match(output, /^changed /);
  });

  it("leave nothing behind when they do not compile", async () => {
    bench.writeModule(bench.standIns, { [`cmd/${programs[0]}/main.go`]: "package main\n" });
    await assert.rejects(installHome(await chain("build")), /stand-ins\): it does not compile/);
    assert.deepEqual(fs.readdirSync(bench.cache).sort(), ["tmp", "tools"]);
    assert.deepEqual(bench.leftovers(), []);
  });
});
