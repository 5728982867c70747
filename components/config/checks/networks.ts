import { overlaps, parseCidr, parseNodeAddress, poolRanges, type AddressRange } from "../addressPool";
import { valueAt, type Path } from "../paths";
import type { RawStackConfig } from "../schema/stack";
import type { Check } from "./context";

interface Network {
  readonly path: Path;
  readonly label: string;
  readonly range: AddressRange;
}

function cidr(config: RawStackConfig, path: Path, label: string): Network[] {
  const text = valueAt(config, path);
  const range = typeof text === "string" ? parseCidr(text) : undefined;
  return range ? [{ path, label: `${label} ${String(text)}`, range }] : [];
}

/** Networks whose addresses routers must tell apart: pods, Services, hosts and the load balancer's. */
export const checkNetworks: Check = ({ config, problem }) => {
  const { cluster, loadBalancer } = config;
  if (cluster.source !== "hosts") return [];
  const inner = [
    ...cidr(config, ["cluster", "podCidr"], "pods'"),
    ...cidr(config, ["cluster", "serviceCidr"], "Services'"),
  ];
  const outer: Network[] = [
    ...cluster.hosts.flatMap(({ address }, index) => {
      const range = parseNodeAddress(address);
      return range ? [{ path: ["cluster", "hosts", index, "address"], label: `host ${address}`, range }] : [];
    }),
    ...poolRanges(loadBalancer.addresses).map((range, index) => ({
      path: ["loadBalancer", "addresses", index],
      label: `load-balancer addresses ${String(valueAt(loadBalancer.addresses, [index]))}`,
      range,
    })),
    ...cidr(config, ["loadBalancer", "subnet"], "the nodes' subnet"),
  ];
  const pairs = [
    ...inner.map((one, index) => [one, inner.slice(0, index)] as const),
    ...outer.map((one) => [one, inner] as const),
  ];
  return pairs.flatMap(([network, others]) =>
    others
      .filter(({ range }) => overlaps(range, network.range))
      .map((other) => {
        const allowed = `addresses outside the ${other.label} network`;
        return problem(network.path, allowed, `move one of the two to other addresses`, [other.path]);
      }),
  );
};
