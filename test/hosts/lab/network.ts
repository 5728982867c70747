import { execute } from "./execute";

/** Bytes: less than Ethernet's 1500, so that an overlay network that takes its size for granted is found out. */
export const mtu = 1400;

export const prefixLength = 24;

/** Addresses and names of the lab with this number. */
export function labNetwork(slot: number) {
  const prefix = `10.123.${slot}`;
  return {
    /** Network namespace that holds the lab's bridge, and the machine's interface to it. */
    name: `islab${slot}`,
    subnet: `${prefix}.0/${prefixLength}`,
    /** The machine, which is the outside world to the hosts. */
    gateway: `${prefix}.1`,
    hostAddress: (index: number) => `${prefix}.${11 + index}`,
    hostNamespace: (host: string) => `islab${slot}-${host}`,
  };
}

export type LabNetwork = ReturnType<typeof labNetwork>;

/**
 * A bridge in a network namespace of its own, which a firewall on the machine does not reach, and one interface that
 * connects the machine to it.
 */
export async function createNetwork({ name, gateway }: LabNetwork): Promise<void> {
  const size = String(mtu);
  await execute("ip", ["netns", "add", name]);
  await execute("ip", ["-n", name, "link", "add", "bridge", "mtu", size, "type", "bridge"]);
  await execute("ip", ["-n", name, "link", "set", "bridge", "up"]);
  await execute("ip", ["link", "add", name, "mtu", size, "type", "veth", "peer", "name", "machine", "netns", name]);
  await execute("ip", ["-n", name, "link", "set", "machine", "mtu", size, "master", "bridge", "up"]);
  await execute("ip", ["address", "add", `${gateway}/${prefixLength}`, "dev", name]);
  await execute("ip", ["link", "set", name, "up"]);
}

/** Removes every network namespace of the lab, and with them all its interfaces. */
export async function removeNetwork({ name }: LabNetwork): Promise<void> {
  // A namespace is cleared away some time after its deletion; the interface's name must be free for the next lab now.
  if ((await execute("ip", ["-o", "link", "show", "type", "veth"])).includes(` ${name}@`)) {
    await execute("ip", ["link", "delete", name]);
  }
  for (const namespace of await namespaces()) {
    if (namespace === name || namespace.startsWith(`${name}-`)) {
      await execute("ip", ["netns", "delete", namespace]);
    }
  }
}

async function namespaces(): Promise<string[]> {
  const lines = (await execute("ip", ["netns", "list"])).split("\n");
  return lines.map((line) => line.split(" ")[0] ?? "").filter((name) => name !== "");
}
