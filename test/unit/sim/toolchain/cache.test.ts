import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { installAtomically, markUsed, removeUnused } from "../../../../sim/toolchain/cache";

describe("removeUnused", () => {
  let cache: string;
  let parent: string;

  beforeEach(() => {
    cache = fs.mkdtempSync(path.join(os.tmpdir(), "cache-"));
    parent = path.join(cache, "pulumi-home");
  });
  afterEach(() => fs.rmSync(cache, { recursive: true }));

  /** Installs a directory that was used so many hours ago. */
  async function install(name: string, hours: number): Promise<string> {
    const directory = path.join(parent, name);
    await installAtomically(cache, directory, () => Promise.resolve({ source: "build", from: "test" }));
    const used = new Date(Date.now() - hours * 3_600_000);
    fs.utimesSync(path.join(directory, "source.json"), used, used);
    return directory;
  }

  const left = (): string[] => fs.readdirSync(parent).sort();

  it("keeps the three directories used last, and all used within the hour", async () => {
    for (const [name, hours] of Object.entries({ a: 50, b: 40, c: 30, d: 20, e: 10 })) await install(name, hours);
    await removeUnused(parent);
    assert.deepEqual(left(), ["c", "d", "e"]);
    for (const name of ["f", "g", "h", "i"]) await install(name, 0.5);
    await removeUnused(parent);
    assert.deepEqual(left(), ["f", "g", "h", "i"]);
  });

  it("keeps a directory that was marked as used", async () => {
    const oldest = await install("a", 50);
    for (const name of ["b", "c", "d"]) await install(name, 10);
    await markUsed(oldest);
    await removeUnused(parent);
    assert.equal(left().length, 3);
    assert.ok(fs.existsSync(oldest));
  });

  it("keeps a directory of which a program runs, and what it did not install", async () => {
    const running = await install("a", 50);
    for (const name of ["b", "c", "d", "e"]) await install(name, 10);
    fs.mkdirSync(path.join(parent, "foreign"));
    const program = path.join(running, "program");
    fs.copyFileSync("/bin/sleep", program);
    const child = spawn(program, ["60"]);
    try {
      await once(child, "spawn");
      await removeUnused(parent);
      assert.ok(fs.existsSync(running));
      assert.ok(left().includes("foreign"));
      assert.equal(left().length, 5);
    } finally {
      child.kill("SIGKILL");
      await once(child, "close");
    }
  });

  it("has nothing to do where nothing is installed", async () => {
    await removeUnused(parent);
    await assert.rejects(markUsed(path.join(parent, "a")), { code: "ENOENT" });
  });
});
