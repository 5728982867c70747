import { overlaps, parseCidr, parseNodeAddress, poolRanges, type AddressRange } from "../addressPool";
import { valueAt, type Path } from "../paths";
import { nodeAddress } from "../nodes";
import type { HostsClusterConfig } from "../schema/cluster";
import type { RawStackConfig } from "../schema/stack";
import type { Check, CheckContext, CheckProblem } from "./context";

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

function virtualIpNetwork({ virtualIp }: HostsClusterConfig): Network[] {
  const range = virtualIp && parseNodeAddress(virtualIp.address);
  return range
    ? [{ path: ["cluster", "virtualIp", "address"], label: `the virtual IP ${virtualIp.address}`, range }]
    : [];
}

/** Each node takes a /24 of the pods' network: kubeadm's default, and what flannel and Calico are set up for. */
const nodePrefix = 24;
/** The longest difference between the two that the controller manager can keep account of. */
const maximumNodeBits = 16;
/** A Service network may have this many bits for addresses. */
const maximumServiceBits = 20;
/** The least that kubeadm takes for Services is ten addresses. */
const maximumServicePrefix = 28;

/** The sizes that kubeadm accepts (`cmd/kubeadm/app/apis/kubeadm/validation`), and a /24 for each host. */
function sizes(cluster: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  const prefix = (subnet: string): number => Number(subnet.split("/")[1]);
  const pods = prefix(cluster.podCidr);
  const problems: CheckProblem[] = [];
  const hosts = cluster.hosts.length;
  const longest = nodePrefix - Math.ceil(Math.log2(hosts));
  const shortest = nodePrefix - maximumNodeBits;
  if (pods < shortest || pods > longest) {
    const allowed = `a /${shortest} to /${longest}, so that each of the ${hosts} hosts has a /${nodePrefix} for its pods`;
    problems.push(problem(["cluster", "podCidr"], allowed, "take a network of that size", [["cluster", "hosts"]]));
  }
  const services = prefix(cluster.serviceCidr);
  if (services < 32 - maximumServiceBits || services > maximumServicePrefix) {
    const allowed = `a /${32 - maximumServiceBits} to /${maximumServicePrefix}`;
    problems.push(problem(["cluster", "serviceCidr"], allowed, "take a network of that size; kubeadm refuses others"));
  }
  return problems;
}

/** Networks whose addresses routers must tell apart: pods, Services, hosts and the load balancer's. */
export const checkNetworks: Check = (context) => {
  const { config, problem } = context;
  const { cluster, loadBalancer } = config;
  if (cluster.source !== "hosts") return [];
  const virtualIp = virtualIpNetwork(cluster);
  const pool = poolRanges(loadBalancer.addresses).map((range, index) => ({
    path: ["loadBalancer", "addresses", index],
    label: `load-balancer addresses ${String(valueAt(loadBalancer.addresses, [index]))}`,
    range,
  }));
  const inner = [
    ...cidr(config, ["cluster", "podCidr"], "the pods'"),
    ...cidr(config, ["cluster", "serviceCidr"], "the Services'"),
  ];
  const outer: Network[] = [
    ...cluster.hosts.flatMap((host, index) => {
      const address = nodeAddress(host);
      const range = address === undefined ? undefined : parseNodeAddress(address);
      const key = host.nodeAddress === undefined ? "address" : "nodeAddress";
      return range ? [{ path: ["cluster", "hosts", index, key], label: `host ${address}`, range }] : [];
    }),
    ...virtualIp,
    ...pool,
    ...cidr(config, ["loadBalancer", "subnet"], "the nodes' subnet"),
  ];
  const pairs = [
    ...inner.map((one, index) => [one, inner.slice(0, index)] as const),
    ...outer.map((one) => [one, inner] as const),
    ...pool.map((one) => [one, virtualIp] as const),
  ];
  const clashes = pairs.flatMap(([network, others]) =>
    others
      .filter(({ range }) => overlaps(range, network.range))
      .map((other) => {
        const allowed = `addresses outside ${other.label}`;
        return problem(network.path, allowed, `move one of the two to other addresses`, [other.path]);
      }),
  );
  return [...sizes(cluster, context), ...clashes];
};
