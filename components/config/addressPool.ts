import ipaddr from "ipaddr.js";

/** First and last host number of the `auto` pool: `.240–.250` of the nodes' subnet. */
const autoFirst = 240n;
const autoLast = 250n;
const autoSize = autoLast - autoFirst + 1n;

export interface AddressPoolArgs {
  /** `auto`, or ranges (`192.168.1.240-192.168.1.250`), CIDRs (`192.168.1.240/28`) and single addresses. */
  readonly addresses: "auto" | readonly string[];
  /** IPv4 subnet of the nodes as a CIDR. Defaults to the /24 around the first IPv4 node address. */
  readonly subnet?: string;
  /** Addresses of the nodes; DNS names among them are passed over. */
  readonly nodeAddresses: readonly string[];
}

/** One thing wrong with a pool. */
export interface AddressPoolProblem {
  /** Index of the entry in `addresses`; absent when the pool as a whole is wrong. */
  readonly entry?: number;
  /** Whether it is wrong only for these nodes and their subnet, and not by itself. */
  readonly isPlacement: boolean;
  readonly allowed: string;
  readonly next: string;
}

/** An inclusive range of addresses of one family. */
export interface AddressRange {
  readonly family: "IPv4" | "IPv6";
  readonly first: bigint;
  readonly last: bigint;
}

function toNumber(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return address.toByteArray().reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

function toText(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
}

/** Parses one address, strictly: four decimal octets, or IPv6 without a zone. Undefined when it is none. */
function parseAddress(text: string): AddressRange | undefined {
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && !text.includes("%"));
  if (!isAddress) return undefined;
  const parsed = ipaddr.parse(text);
  const value = toNumber(parsed);
  return { family: parsed.kind() === "ipv4" ? "IPv4" : "IPv6", first: value, last: value };
}

/** Parses a CIDR; host bits may be set, as MetalLB allows. Undefined when it is none. */
export function parseCidr(text: string): AddressRange | undefined {
  const [addressText, prefixText, ...rest] = text.split("/");
  const address = parseAddress(addressText ?? "");
  if (!address || rest.length > 0 || !/^\d{1,3}$/.test(prefixText ?? "")) return undefined;
  const width = address.family === "IPv4" ? 32 : 128;
  const prefix = Number(prefixText);
  if (prefix > width) return undefined;
  const size = 1n << BigInt(width - prefix);
  const first = (address.first / size) * size;
  return { family: address.family, first, last: first + size - 1n };
}

/** Whether two ranges share an address. */
export function overlaps(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

function contains(outer: AddressRange, inner: AddressRange): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

/** Parses an entry of a pool: a range, a CIDR or one address. Returns a sentence when it is none of them. */
function parseEntry(text: string): AddressRange | string {
  if (text.includes("/")) return parseCidr(text) ?? "a CIDR such as 192.168.1.240/28";
  if (!text.includes("-")) return parseAddress(text) ?? "a range such as 192.168.1.240-192.168.1.250, or a CIDR";
  const ends = text.split("-").map((end) => parseAddress(end.trim()));
  const [from, to] = ends;
  if (ends.length !== 2 || !from || !to) return "a range of two addresses such as 192.168.1.240-192.168.1.250";
  if (from.family !== to.family) return "a range with both ends IPv4 or both IPv6";
  if (from.first > to.first) return "a range that starts at its lower address";
  return { family: from.family, first: from.first, last: to.first };
}

/** Parses an address or returns undefined, for what may also be a DNS name. */
export function parseNodeAddress(text: string): AddressRange | undefined {
  return parseAddress(text);
}

/** Subnet that a pool must lie in, as given or the /24 around the first IPv4 node address. */
function subnetOf({ subnet, nodeAddresses }: AddressPoolArgs): AddressRange | undefined {
  if (subnet !== undefined) return parseCidr(subnet);
  const first = nodeAddresses.map(parseAddress).find((address) => address?.family === "IPv4");
  return first && parseCidr(`${toText(first.first)}/24`);
}

function subnetText(range: AddressRange): string {
  return range.family === "IPv4" ? `${toText(range.first)}-${toText(range.last)}` : "the nodes' subnet";
}

/** The `auto` range: in the /24 of the first node, or the subnet's first /24 when no node is in it. */
function autoRange(args: AddressPoolArgs, subnet: AddressRange): AddressRange {
  const node = args.nodeAddresses.map(parseAddress).find((address) => address && contains(subnet, address));
  const base = ((node?.first ?? subnet.first) / 256n) * 256n;
  return { family: "IPv4", first: base + autoFirst, last: base + autoLast };
}

function nodeInside(range: AddressRange, nodeAddresses: readonly string[]): string | undefined {
  return nodeAddresses.find((text) => {
    const address = parseAddress(text);
    return address !== undefined && contains(range, address);
  });
}

function autoProblems(args: AddressPoolArgs, subnet: AddressRange): AddressPoolProblem[] {
  const range = autoRange(args, subnet);
  const text = `${toText(range.first)}-${toText(range.last)}`;
  if (!contains(subnet, range)) {
    const allowed = `auto only where ${text} lies in the nodes' subnet ${args.subnet ?? subnetText(subnet)}`;
    const next = "list free addresses of the subnet, e.g. [192.168.1.10-192.168.1.20]";
    return [{ isPlacement: true, allowed, next }];
  }
  const node = nodeInside(range, args.nodeAddresses);
  if (node === undefined) return [];
  const allowed = `auto only where no node has an address in ${text}; ${node} is a node's`;
  return [{ isPlacement: true, allowed, next: "list free addresses of the subnet instead of auto" }];
}

function entryProblem(
  range: AddressRange,
  args: AddressPoolArgs,
  subnet: AddressRange | undefined,
): Pick<AddressPoolProblem, "allowed" | "next"> | undefined {
  if (subnet && range.family !== subnet.family) {
    return { allowed: `${subnet.family} addresses, as the nodes have`, next: "replace it by a range of that family" };
  }
  if (subnet && !contains(subnet, range)) {
    const allowed = `addresses inside the nodes' subnet ${args.subnet ?? subnetText(subnet)}`;
    return { allowed, next: "move the range into the subnet, or correct loadBalancer.subnet" };
  }
  const node = nodeInside(range, args.nodeAddresses);
  if (node === undefined) return undefined;
  return { allowed: `a range that holds no node address; ${node} is a node's`, next: "leave that address out" };
}

interface PoolEntry {
  readonly range: AddressRange;
  readonly text: string;
}

/** What is wrong with an entry beside the ones before it. */
function clash(
  { range }: PoolEntry,
  earlier: readonly PoolEntry[],
): Pick<AddressPoolProblem, "allowed" | "next"> | undefined {
  const twin = earlier.find((other) => overlaps(other.range, range));
  if (twin) return { allowed: `addresses that no other entry holds; ${twin.text} does`, next: "merge the two" };
  const stranger = earlier.find((other) => other.range.family !== range.family);
  if (!stranger) return undefined;
  const allowed = `${stranger.range.family} addresses, as in ${stranger.text}`;
  return { allowed, next: "use one address family in the pool" };
}

/** Everything wrong with a pool; entries are judged by form alone where the subnet cannot be known yet. */
export function addressPoolProblems(args: AddressPoolArgs): AddressPoolProblem[] {
  const subnet = subnetOf(args);
  if (args.addresses === "auto") return subnet ? autoProblems(args, subnet) : [];
  const earlier: PoolEntry[] = [];
  return args.addresses.flatMap((text, entry): AddressPoolProblem[] => {
    const range = parseEntry(text);
    if (typeof range === "string") {
      return [{ entry, isPlacement: false, allowed: range, next: "write the range as <first>-<last> or as a CIDR" }];
    }
    const found = clash({ range, text }, earlier);
    const misplaced = found ? undefined : entryProblem(range, args, subnet);
    earlier.push({ range, text });
    if (found) return [{ entry, isPlacement: false, ...found }];
    return misplaced ? [{ entry, isPlacement: true, ...misplaced }] : [];
  });
}

/**
 * The addresses of MetalLB's pool, ready for `IPAddressPool.spec.addresses`.
 *
 * @returns ranges and CIDRs, none of which holds a node address or leaves the nodes' subnet
 * @throws Error naming the config key, the value, what is allowed and what to do
 */
export function resolveAddressPool(args: AddressPoolArgs): string[] {
  const subnet = subnetOf(args);
  if (args.addresses === "auto" && !subnet) {
    const reason = args.subnet === undefined ? "no node has an IPv4 address" : `${args.subnet} is no IPv4 CIDR`;
    throw new Error(
      `inference-stack:loadBalancer.addresses: "auto" needs the nodes' subnet, and ${reason}. ` +
        "Next: set loadBalancer.subnet, or list the addresses.",
    );
  }
  const problems = addressPoolProblems(args);
  if (problems.length > 0) {
    const lines = problems.map(({ entry, allowed, next }) => {
      const key = `inference-stack:loadBalancer.addresses${entry === undefined ? "" : `[${entry}]`}`;
      return `${key}: ${JSON.stringify(entry === undefined ? "auto" : args.addresses[entry])}. Allowed: ${allowed}. Next: ${next}.`;
    });
    throw new Error(lines.join("\n"));
  }
  if (args.addresses !== "auto") return [...args.addresses];
  const range = autoRange(args, subnet!);
  return [`${toText(range.first)}-${toText(range.last)}`];
}

/** How many addresses a checked pool holds. */
export function poolSize(addresses: "auto" | readonly string[]): bigint {
  if (addresses === "auto") return autoSize;
  return addresses.reduce((sum, text) => {
    const range = parseEntry(text);
    return typeof range === "string" ? sum : sum + range.last - range.first + 1n;
  }, 0n);
}

/** The parsed entries of a pool; those that are malformed are left out. */
export function poolRanges(addresses: "auto" | readonly string[]): AddressRange[] {
  if (addresses === "auto") return [];
  return addresses.map(parseEntry).filter((range) => typeof range !== "string");
}

/** Hosts 1–10 of a simulated cluster's subnet are left to routers and the machine itself. */
const firstNodeHost = 11n;

/** Up to `count` addresses for the nodes of a simulated cluster, from host 11 of the subnet. */
export function subnetNodeAddresses(cidr: string, count: number): string[] {
  const subnet = parseCidr(cidr);
  if (subnet?.family !== "IPv4") throw new Error(`cluster.subnet: ${cidr} is no IPv4 CIDR such as 192.168.64.0/24`);
  const addresses: string[] = [];
  for (let value = subnet.first + firstNodeHost; value < subnet.last && addresses.length < count; value++) {
    addresses.push(toText(value));
  }
  return addresses;
}
