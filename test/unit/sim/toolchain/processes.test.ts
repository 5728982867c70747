import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { collectOutput, runCommand } from "../../../../sim/toolchain/command";
import { endProcess, inspectProcess } from "../../../../sim/toolchain/processes";

const program = (code: string): readonly string[] => ["-e", code];

/** A Node.js program that runs until it is ended; it has installed its handlers. */
async function running(code: string): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn(process.execPath, program(`${code}; setInterval(() => undefined, 1000); console.log("ready")`), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child as ChildProcess & { readonly pid: number };
}

describe("endProcess", () => {
  it("ends a process that listens to its first signal", async () => {
    const child = await running("");
    const closed = once(child, "close");
    assert.equal(await endProcess(child.pid, ["SIGTERM", "SIGKILL"], 5), true);
    await closed;
    assert.equal(child.signalCode, "SIGTERM");
  });

  it("goes on to the next signal when the first is ignored", async () => {
    const child = await running("process.on('SIGTERM', () => undefined)");
    assert.equal(await endProcess(child.pid, ["SIGTERM"], 0.3), false);
    assert.notEqual(inspectProcess(child.pid), undefined);
    assert.equal(await endProcess(child.pid, ["SIGTERM", "SIGKILL"], 0.3), true);
    assert.equal(inspectProcess(child.pid), undefined);
  });

  it("takes a process that is gone for ended", async () => {
    const child = await running("");
    child.kill("SIGKILL");
    await once(child, "close");
    assert.equal(await endProcess(child.pid, ["SIGTERM"], 1), true);
  });
});

describe("collectOutput", () => {
  it("keeps both streams as they were printed, and passes on their lines", async () => {
    const lines: string[] = [];
    const code = "process.stdout.write('a\\nb\\n'); process.stderr.write('é'); process.exitCode = 3";
    const result = await runCommand(process.execPath, program(code), { onLine: (line) => lines.push(line) });
    assert.deepEqual(
      { ...result, output: [...result.output].sort() },
      { code: 3, stdout: "a\nb\n", stderr: "é", output: ["a", "b", "é"] },
    );
    assert.deepEqual([...lines].sort(), ["a", "b", "é"]);
  });

  it("gives a command its input, and lets it end without reading it", async () => {
    const input = "x".repeat(1 << 20);
    const count = "let n = 0; process.stdin.on('data', (d) => (n += d.length)).on('end', () => console.log(n))";
    assert.equal((await runCommand(process.execPath, program(count), { input })).stdout, `${input.length}\n`);
    assert.equal((await runCommand(process.execPath, program("process.exit(4)"), { input })).code, 4);
  });

  it("fails when the command cannot be started", async () => {
    await assert.rejects(collectOutput(spawn("/nowhere/at/all")), { code: "ENOENT" });
  });
});
