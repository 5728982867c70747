import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { debianSources, parseDeb822, parseOneLine, sourcesList } from "../../hosts/lab/aptSources";
import { hierarchies } from "../../hosts/lab/cgroups";
import { checkSpec } from "../../hosts/lab/hostFiles";
import { writeMachine } from "../../hosts/lab/machine";

describe("lab hosts: apt sources of the machine", () => {
  let etc: string;
  beforeEach(() => {
    etc = mkdtempSync(path.join(tmpdir(), "inference-stack-test-"));
    mkdirSync(path.join(etc, "sources.list.d"));
  });
  afterEach(() => rmSync(etc, { recursive: true }));

  it("are read in the one-line form", () => {
    const text = [
      "# deb http://mirror.test/debian commented main",
      "deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian/ bookworm main contrib",
      "deb-src http://mirror.test/debian bookworm main",
      "deb http://mirror.test/debian bookworm-backports contrib",
    ].join("\n");
    assert.deepEqual(parseOneLine(text), [{ uri: "http://mirror.test/debian/", suites: ["bookworm"] }]);
  });

  it("are read in the deb822 form", () => {
    const text = `Types: deb deb-src
# a comment
URIs: http://one.test/debian
 http://two.test/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb-src
URIs: http://sources.test/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://disabled.test/debian
Suites: bookworm
Components: main
`;
    const suites = ["bookworm", "bookworm-updates"];
    assert.deepEqual(parseDeb822(text), [
      { uri: "http://one.test/debian", suites },
      { uri: "http://two.test/debian", suites },
    ]);
  });

  it("of other distributions are left out", async () => {
    writeFileSync(path.join(etc, "sources.list"), "deb http://mirror.test/debian/ bookworm main\n");
    writeFileSync(path.join(etc, "sources.list.d", "other.list"), "deb http://other.test/apt stable main\n");
    writeFileSync(path.join(etc, "sources.list.d", "old.list.disabled"), "deb http://old.test/ bookworm main\n");
    const sources = await debianSources({}, etc);
    assert.deepEqual(sources, [{ uri: "http://mirror.test/debian", suites: ["bookworm"] }]);
    assert.equal(sourcesList(sources), "deb http://mirror.test/debian bookworm main\n");
  });

  it("give way to the variable, which the error names where there are none", async () => {
    await assert.rejects(debianSources({}, etc), /INFERENCE_STACK_LAB_MIRROR/);
    const [source] = await debianSources({ INFERENCE_STACK_LAB_MIRROR: "http://named.test/debian" }, etc);
    assert.equal(source?.uri, "http://named.test/debian");
  });
});

describe("lab hosts: cgroup hierarchies", () => {
  it("are one with v2", () => {
    const mounts = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    assert.deepEqual(hierarchies(mounts), ["/sys/fs/cgroup"]);
  });

  it("are one for each controller with v1, however often it is mounted", () => {
    const mounts = [
      "36 35 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
      "37 35 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
      "38 35 0:32 / /other rw - cgroup cgroup rw,memory",
      "39 35 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
      "40 35 0:34 / /sys/fs rw - tmpfs tmpfs rw",
    ].join("\n");
    const expected = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"];
    assert.deepEqual(hierarchies(mounts), expected);
  });
});

describe("lab hosts: hardware", () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), "inference-stack-test-"))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it("shows an MI300X to lspci as PCI configuration space does", () => {
    writeMachine(directory, { productUuid: "00000000-0000-4000-8000-000000000000", gpus: 1 });
    const space = readFileSync(path.join(directory, "pci", "0000:0c:00.0", "config"));
    assert.equal(space.readUInt16LE(0), 0x1002);
    assert.equal(space.readUInt16LE(2), 0x74a1);
    // Class 12 00 00: processing accelerator.
    assert.deepEqual([...space.subarray(9, 12)], [0x00, 0x00, 0x12]);
    const capability = space.readUInt8(0x34);
    assert.equal(space.readUInt8(capability), 0x10);
    const linkStatus = space.readUInt16LE(capability + 0x12);
    assert.deepEqual({ speed: linkStatus & 0xf, width: (linkStatus >> 4) & 0x3f }, { speed: 5, width: 16 });
  });

  it("has the driver where there are GPUs, unless told otherwise", () => {
    const modules = (name: string, gpus: number, gpuDriver?: boolean): string[] => {
      const own = path.join(directory, name);
      writeMachine(own, { productUuid: "x", gpus, gpuDriver });
      return readdirSync(path.join(own, "modules"));
    };
    assert.deepEqual(modules("with", 8), ["amdgpu"]);
    assert.deepEqual(modules("bare", 8, false), []);
    assert.deepEqual(modules("without", 0), []);
  });

  it("is refused beyond what a platform has", () => {
    assert.throws(() => checkSpec({ name: "h1", gpus: 9 }), /h1 cannot have 9 GPUs; allowed: 0 to 8/);
    assert.throws(() => checkSpec({ name: "H1" }), /"H1"/);
  });
});
