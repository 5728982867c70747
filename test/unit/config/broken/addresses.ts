import { broken, pool, simulated, type BrokenConfig } from "./build";

/** Address pools. */
export const addressMistakes: readonly BrokenConfig[] = [
  broken("address that is none", pool("192.168.64.300"), [
    "loadBalancer.addresses[0]",
    '"192.168.64.300"',
    /a range such as/,
    /CIDR/,
  ]),
  broken("bad CIDR", pool("192.168.64.0/33"), [
    "loadBalancer.addresses[0]",
    '"192.168.64.0/33"',
    /a CIDR such as/,
    /CIDR/,
  ]),
  broken("reversed range", pool("192.168.64.20-192.168.64.10"), [
    "loadBalancer.addresses[0]",
    '"192.168.64.20-192.168.64.10"',
    /starts at its lower/,
    /<first>-<last>/,
  ]),
  broken("range of two families", pool("192.168.64.20-fd00::1"), [
    "loadBalancer.addresses[0]",
    '"192.168.64.20-fd00::1"',
    /both ends IPv4 or both IPv6/,
    /<first>-<last>/,
  ]),
  broken("IPv6 beside IPv4 nodes", pool("fd00::1-fd00::9"), [
    "loadBalancer.addresses[0]",
    '"fd00::1-fd00::9"',
    /IPv4 addresses, as the nodes/,
    /replace it/,
  ]),
  broken("range outside the subnet", pool("192.168.65.10-192.168.65.20"), [
    "loadBalancer.addresses[0]",
    '"192.168.65.10-192.168.65.20"',
    /subnet 192\.168\.64\.0\/24/,
    /move the range/,
  ]),
  broken("range that leaves the subnet", pool("192.168.64.250-192.168.65.2"), [
    "loadBalancer.addresses[0]",
    '"192.168.64.250-192.168.65.2"',
    /inside the nodes' subnet/,
    /move the range/,
  ]),
  broken("node inside", pool("192.168.64.0/28"), [
    "loadBalancer.addresses[0]",
    '"192.168.64.0/28"',
    /192\.168\.64\.11 is a node's/,
    /leave that address out/,
  ]),
  broken("overlap", pool("192.168.64.100-192.168.64.110", "192.168.64.110-192.168.64.120"), [
    "loadBalancer.addresses[1]",
    '"192.168.64.110-192.168.64.120"',
    /no other entry holds/,
    /merge/,
  ]),
  broken("auto over a node", simulated([["cluster", "nodeGroups", 0, "count"], 240]), [
    "loadBalancer.addresses",
    '"auto" by default',
    /192\.168\.64\.240 is a node's/,
    /instead of auto/,
  ]),
  broken("auto outside the subnet", simulated([["cluster", "subnet"], "192.168.64.0/25"]), [
    "loadBalancer.addresses",
    '"auto" by default',
    /auto only where/,
    /list free addresses/,
  ]),
  broken(
    "too few addresses",
    simulated([["loadBalancer", "addresses"], ["192.168.64.9"]], [["models", 1], { name: "b", model: "a/b" }]),
    ["loadBalancer.addresses", "a list of 1 entry", /each of the 2 models.*there are 1/, /ClusterIP/],
  ),
];
