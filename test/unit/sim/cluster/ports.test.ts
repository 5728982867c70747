import assert from "node:assert/strict";
import * as net from "node:net";
import { becomesFree, choosePorts, isFree, portOwner } from "../../../../sim/cluster/ports";

async function listening<T>(port: number, action: (port: number) => Promise<T>): Promise<T> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  try {
    return await action((server.address() as net.AddressInfo).port);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("ports", () => {
  it("chooses six different free ports below those of outgoing connections", async () => {
    const ports = Object.values(await choosePorts("/some/checkout/.sim"));
    assert.equal(new Set(ports).size, 6);
    assert.ok(ports.every((port) => port >= 20_000 && port < 29_000));
  });

  it("moves on when a port is taken", async () => {
    const first = await choosePorts("/some/checkout/.sim");
    const second = await listening(first.etcd, () => choosePorts("/some/checkout/.sim"));
    assert.ok(!Object.values(second).includes(first.etcd));
  });

  it("knows a taken port, and who took it", async () => {
    await listening(0, async (port) => {
      assert.equal(await isFree(port), false);
      assert.match(portOwner(port) ?? "", new RegExp(`\\(process ${process.pid}\\)`));
      assert.equal(await becomesFree(port, 200), false);
    });
  });

  it("waits for a port that is given up", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as net.AddressInfo;
    setTimeout(() => server.close(), 300);
    assert.equal(await becomesFree(port), true);
    assert.equal(portOwner(port), undefined);
  });
});
