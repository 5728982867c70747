import ipaddr from "ipaddr.js";

/** Consecutive IPv4 addresses: the first as a number, and how many. */
export interface AddressRange {
  readonly first: number;
  readonly count: number;
}

/** Node ports from here on; 30000 is Kubernetes' own default. */
const basePort = 30_000;

/** The most addresses that the simulated cluster can hand out: node ports up to 65535, less the API server's reserve. */
export const maximumAddresses = 35_000;

/**
 * Parses the entries of a load-balancer pool: `first-last`, a CIDR, or one address; all IPv4.
 * @throws naming the entry that is none of these
 */
export function parseAddressPool(entries: readonly string[]): AddressRange[] {
  return entries.map((entry) => {
    const [from = "", to] = entry.split("-").map((part) => part.trim());
    try {
      if (to !== undefined) {
        return checked(toNumber(from), toNumber(to) - toNumber(from) + 1);
      }
      if (from.includes("/")) {
        const [, prefix] = ipaddr.IPv4.parseCIDR(from);
        return checked(toNumber(ipaddr.IPv4.networkAddressFromCIDR(from).toString()), 2 ** (32 - prefix));
      }
      return checked(toNumber(from), 1);
    } catch {
      throw new Error(
        `Load-balancer address ${JSON.stringify(entry)} is not an IPv4 range (10.0.0.10-10.0.0.20), ` +
          "CIDR (10.0.0.0/28) or address: correct loadBalancer.addresses of the stack.",
      );
    }
  });
}

function checked(first: number, count: number): AddressRange {
  if (count < 1) {
    throw new RangeError("empty range");
  }
  return { first, count };
}

export const toNumber = (address: string): number =>
  ipaddr.IPv4.parse(address).octets.reduce((number, octet) => number * 256 + octet, 0);

export const toAddress = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");

export const poolContains = (pool: readonly AddressRange[], address: number): boolean =>
  pool.some((range) => address >= range.first && address < range.first + range.count);

/** How node ports stand for addresses of a pool. */
export interface PortPlan {
  /** The API server's `--service-node-port-range`. */
  readonly range: string;
  /** Node port of the pool's first address. */
  readonly firstPort: number;
  /** Pool as the stage template takes it: lists of place of the first address, count, first address as a number. */
  readonly ranges: readonly (readonly [number, number, number])[];
}

/**
 * Plans node ports so that the API server's own allocator, which never gives a port twice, also gives out addresses.
 *
 * The allocator keeps the lower part of its range for ports that users choose and only falls back to it when the upper
 * part is full. The upper part gets exactly the pool's size, so Services beyond the pool get a port but no address and
 * stay pending, as with a real load balancer.
 */
export function planPorts(pool: readonly AddressRange[]): PortPlan | undefined {
  const ranges: [number, number, number][] = [];
  let place = 0;
  for (const { first, count } of mergeOverlaps(pool)) {
    const usable = Math.min(count, maximumAddresses - place);
    if (usable > 0) {
      ranges.push([place, usable, first]);
      place += usable;
    }
  }
  if (place === 0) {
    return undefined;
  }
  const reserved = reservedPorts(place);
  return { range: `${basePort}-${basePort + reserved + place - 1}`, firstPort: basePort + reserved, ranges };
}

/** An address in two entries must not be given out twice. */
function mergeOverlaps(pool: readonly AddressRange[]): AddressRange[] {
  const merged: AddressRange[] = [];
  for (const range of [...pool].sort((a, b) => a.first - b.first)) {
    const last = merged.at(-1);
    if (last !== undefined && range.first <= last.first + last.count) {
      const end = Math.max(last.first + last.count, range.first + range.count);
      merged[merged.length - 1] = { first: last.first, count: end - last.first };
    } else {
      merged.push(range);
    }
  }
  return merged;
}

/** Size of the lower part for which the upper part has the wanted size: see staticSubrange. */
function reservedPorts(upper: number): number {
  for (let reserved = 16; reserved <= 128; reserved++) {
    if (staticSubrange(reserved + upper) === reserved) {
      return reserved;
    }
  }
  throw new Error(`no node port range has room for ${upper} addresses`);
}

/** Ports that kube-apiserver reserves at the lower end of a range: a 32nd, at least 16 and at most 128 (KEP-3668). */
const staticSubrange = (size: number): number => Math.min(Math.max(Math.floor(size / 32), 16), 128);
