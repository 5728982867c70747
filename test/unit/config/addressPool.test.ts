import * as assert from "node:assert/strict";
import { poolSize, resolveAddressPool, subnetNodeAddresses } from "../../../components/config/addressPool";
import { simulatedNodes } from "../../../components/config/nodes";
import { clusterSchema, type SimulatedClusterConfig } from "../../../components/config/schema/cluster";

const octets = (text: string): number => text.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);

/** Whether a resolved entry (range, CIDR or address) holds an address; an arithmetic of its own, on plain numbers. */
function holds(entry: string, address: string): boolean {
  const value = octets(address);
  if (entry.includes("/")) {
    const [base, prefix] = entry.split("/") as [string, string];
    const size = 2 ** (32 - Number(prefix));
    const first = Math.floor(octets(base) / size) * size;
    return value >= first && value < first + size;
  }
  const [first, last] = entry.includes("-") ? entry.split("-") : [entry, entry];
  return value >= octets(first!) && value <= octets(last!);
}

describe("resolveAddressPool", () => {
  const nodeAddresses = ["192.168.64.2", "192.168.64.3"];

  it("takes .240–.250 of the subnet for auto", () => {
    const pool = resolveAddressPool({ addresses: "auto", subnet: "192.168.64.0/24", nodeAddresses });
    assert.deepEqual(pool, ["192.168.64.240-192.168.64.250"]);
  });

  it("takes the /24 of the first IPv4 node where no subnet is given", () => {
    const pool = resolveAddressPool({ addresses: "auto", nodeAddresses: ["node.example.org", "fd00::1", "10.1.2.3"] });
    assert.deepEqual(pool, ["10.1.2.240-10.1.2.250"]);
  });

  it("stays beside the nodes in a subnet larger than a /24", () => {
    const pool = resolveAddressPool({ addresses: "auto", subnet: "10.1.0.0/16", nodeAddresses: ["10.1.7.3"] });
    assert.deepEqual(pool, ["10.1.7.240-10.1.7.250"]);
  });

  it("refuses auto where a node has one of the addresses, the first and the last included", () => {
    for (const last of [240, 245, 250]) {
      const args = { addresses: "auto", subnet: "192.168.64.0/24", nodeAddresses: [`192.168.64.${last}`] } as const;
      assert.throws(() => resolveAddressPool(args), {
        message: new RegExp(
          `^inference-stack:loadBalancer\\.addresses: "auto".*192\\.168\\.64\\.${last} is a node's.*Next: `,
        ),
      });
    }
    for (const last of [239, 251]) {
      const args = { addresses: "auto", subnet: "192.168.64.0/24", nodeAddresses: [`192.168.64.${last}`] } as const;
      assert.equal(resolveAddressPool(args).length, 1);
    }
  });

  it("refuses auto where it leaves the subnet", () => {
    for (const subnet of ["192.168.64.0/25", "192.168.64.240/29"]) {
      assert.throws(() => resolveAddressPool({ addresses: "auto", subnet, nodeAddresses: [] }), /auto only where/);
    }
  });

  it("refuses auto where nothing tells the subnet", () => {
    assert.throws(
      () => resolveAddressPool({ addresses: "auto", nodeAddresses: ["node.example.org"] }),
      /set loadBalancer\.subnet/,
    );
  });

  it("names every wrong entry", () => {
    const addresses = ["192.168.64.9-192.168.64.8", "10.0.0.1", "192.168.64.0/29"];
    assert.throws(() => resolveAddressPool({ addresses, subnet: "192.168.64.0/24", nodeAddresses }), {
      message: /addresses\[0\].*\n.*addresses\[1\].*\n.*addresses\[2\].*192\.168\.64\.2 is a node's/,
    });
  });

  it("refuses forms that are read in several ways", () => {
    for (const entry of [
      "192.168.64.010",
      "192.168.64",
      "0xc0a84001",
      "192.168.64.9-10",
      "192.168.64.9--192.168.64.12",
      "192.168.64.9/",
      "fe80::1%eth0",
    ]) {
      assert.throws(
        () => resolveAddressPool({ addresses: [entry], subnet: "192.168.64.0/24", nodeAddresses }),
        /addresses\[0\]/,
        entry,
      );
    }
  });

  it("accepts IPv6 where the nodes have it", () => {
    const addresses = ["fd00::100-fd00::1ff", "fd00::2:0/112"];
    assert.deepEqual(resolveAddressPool({ addresses, nodeAddresses: ["fd00::1"] }), addresses);
    assert.equal(poolSize(addresses), 256n + 65536n);
    assert.throws(
      () => resolveAddressPool({ addresses: ["fd00::/120"], nodeAddresses: ["fd00::1"] }),
      /fd00::1 is a node's/,
    );
  });

  it("never returns a node's address, whatever the subnet, nodes and entries", () => {
    let resolved = 0;
    let refused = 0;
    for (let node = 1; node < 255; node += 3) {
      for (const entry of ["auto", "10.9.8.1-10.9.8.99", "10.9.8.64/26", "10.9.8.200", "10.9.8.128/25"]) {
        const nodes = [`10.9.8.${node}`, `10.9.8.${(node * 7) % 254}`];
        const args = {
          addresses: entry === "auto" ? ("auto" as const) : [entry],
          subnet: "10.9.8.0/24",
          nodeAddresses: nodes,
        };
        let pool: string[] = [];
        try {
          pool = resolveAddressPool(args);
          resolved++;
        } catch (error) {
          assert.match((error as Error).message, /is a node's/);
          refused++;
          continue;
        }
        assert.ok(pool.length > 0);
        for (const address of nodes)
          assert.ok(
            pool.every((range) => !holds(range, address)),
            `${pool.join()} holds ${address}`,
          );
      }
    }
    assert.ok(resolved > 50 && refused > 50, `one-sided: ${resolved} resolved, ${refused} refused`);
  });
});

describe("subnetNodeAddresses", () => {
  it("counts up from host 11 and leaves out the broadcast", () => {
    assert.deepEqual(subnetNodeAddresses("10.0.0.0/28", 99), ["10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"]);
    assert.deepEqual(subnetNodeAddresses("10.0.0.0/16", 300).at(-1), "10.0.1.54");
    assert.deepEqual(subnetNodeAddresses("10.0.0.0/29", 1), []);
  });

  it("refuses what is no IPv4 CIDR", () => {
    assert.throws(() => subnetNodeAddresses("fd00::/64", 1), /no IPv4 CIDR/);
  });

  it("numbers the simulated nodes through all groups", () => {
    const cluster = clusterSchema.parse({
      source: "simulated",
      subnet: "10.3.0.0/16",
      nodeGroups: [
        { name: "a", count: 2 },
        { name: "b", count: 300, gpus: 4 },
      ],
    }) as SimulatedClusterConfig;
    const nodes = simulatedNodes(cluster);
    assert.deepEqual(
      [nodes[0], nodes[2], nodes[301]].map((node) => [node?.name, node?.address, node?.gpus]),
      [
        ["a-0", "10.3.0.11", 8],
        ["b-0", "10.3.0.13", 4],
        ["b-299", "10.3.1.56", 4],
      ],
    );
  });
});
