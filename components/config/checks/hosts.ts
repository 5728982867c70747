import { nodeAddress } from "../nodes";
import type { Path } from "../paths";
import type { HostConfig, HostsClusterConfig } from "../schema/cluster";
import type { Check, CheckContext, CheckProblem } from "./context";

const hostsPath: Path = ["cluster", "hosts"];

function duplicates(cluster: HostsClusterConfig, key: "name" | "address", { problem }: CheckContext): CheckProblem[] {
  const identity = (host: HostConfig): string =>
    key === "name" ? host.name : `${host.address.toLowerCase()} ${host.port}`;
  return cluster.hosts.flatMap((host, index) => {
    const twin = cluster.hosts.findIndex((other) => identity(other) === identity(host));
    if (twin === index) return [];
    const allowed = `${key === "name" ? "a name" : "an address"} that no other host has; host ${twin} has it already`;
    return [problem([...hostsPath, index, key], allowed, "correct one of the two", [[...hostsPath, twin, key]])];
  });
}

function controlPlanes(cluster: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  const roles = cluster.hosts.map((_, index): Path => [...hostsPath, index, "role"]);
  const count = cluster.hosts.filter(({ role }) => role === "control-plane").length;
  if (count === 0) {
    return [problem(hostsPath, "at least one host with role: control-plane", "give one host that role", roles)];
  }
  const problems: CheckProblem[] = [];
  if (count % 2 === 0) {
    const allowed = `an odd number of control planes, so that etcd keeps a majority; there are ${count}`;
    problems.push(problem(hostsPath, allowed, "make one of them a worker, or add one", roles));
  }
  if (count > 1 && cluster.controlPlaneEndpoint === undefined && cluster.virtualIp === undefined) {
    const allowed = `an address and port that all ${count} control planes share, such as 10.0.0.10:6443`;
    const next = "add it for a load balancer in front of them, or set cluster.virtualIp.address to a free address";
    problems.push(problem(["cluster", "controlPlaneEndpoint"], allowed, next, [...roles, ["cluster", "virtualIp"]]));
  }
  return problems;
}

function endpointPort(cluster: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  const port = Number(cluster.controlPlaneEndpoint?.split(":").at(-1) ?? 6443);
  if (port >= 1 && port <= 65535) return [];
  const allowed = "a port from 1 to 65535 after the colon";
  return [problem(["cluster", "controlPlaneEndpoint"], allowed, "correct the port; kubeadm's is 6443")];
}

/** The lowest release that the AMD GPU operator supports, from its chart's kubeVersion. */
const lowestMinor = 29;

function kubernetesVersion(cluster: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  if (Number(cluster.kubernetesVersion.split(".")[1]) >= lowestMinor) return [];
  const allowed = `1.${lowestMinor}.0 or newer, which the GPU operators need`;
  return [problem(["cluster", "kubernetesVersion"], allowed, "choose a supported release")];
}

/** Where a public key is to be pinned. */
interface SshTarget {
  readonly path: Path;
  readonly address: string;
  readonly port: number;
  readonly hostKey?: string;
}

function hostKeys(cluster: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  if (cluster.trustOnFirstUse) return [];
  const targets: SshTarget[] = cluster.hosts.map((host, index) => ({ ...host, path: [...hostsPath, index] }));
  if (cluster.bastion) targets.push({ ...cluster.bastion, path: ["cluster", "bastion"] });
  return targets.flatMap(({ hostKey, address, port, path }) => {
    if (hostKey !== undefined) return [];
    const scan = `ssh-keyscan -t ecdsa ${port === 22 ? "" : `-p ${port} `}${address}`;
    const allowed = "a pinned SSH host key, unless cluster.trustOnFirstUse is true";
    const next = `compare the output of \`${scan}\` with the host's console and put it here`;
    const basis: Path[] = [
      ["cluster", "trustOnFirstUse"],
      [...path, "address"],
    ];
    return [problem([...path, "hostKey"], allowed, next, basis)];
  });
}

/** Nodes name each other by IP address; a name that SSH resolves may mean another one on each of them. */
function nodeAddresses(cluster: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  const addresses = cluster.hosts.map(nodeAddress);
  return cluster.hosts.flatMap((host, index) => {
    const path: Path = [...hostsPath, index, "nodeAddress"];
    const basis: Path[] = [[...hostsPath, index, "address"]];
    if (addresses[index] === undefined) {
      const allowed = `the IP address of the node, as ${host.address} is a name`;
      return [problem(path, allowed, "add it: the address by which the other hosts reach this one", basis)];
    }
    const twin = addresses.indexOf(addresses[index]);
    if (twin === index || (host.nodeAddress === undefined && host.address === cluster.hosts[twin]!.address)) return [];
    const allowed = `an address that no other host has; host ${twin} has it already`;
    return [problem(path, allowed, "correct one of the two", [...basis, [...hostsPath, twin]])];
  });
}

/** The virtual IP is nobody's own address, and what names the API server names it. */
function virtualIp(cluster: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  const { virtualIp: shared } = cluster;
  if (shared === undefined) return [];
  const owner = cluster.hosts.findIndex((host) => nodeAddress(host) === shared.address);
  if (owner < 0) return [];
  const allowed = `a free address; host ${owner} has this one`;
  return [
    problem(["cluster", "virtualIp", "address"], allowed, "choose another one of the same subnet", [
      [...hostsPath, owner],
    ]),
  ];
}

/** Bare hosts: unique, with a control plane that can be reached and trusted. */
export const checkHosts: Check = (context) => {
  const { cluster } = context.config;
  if (cluster.source !== "hosts") return [];
  return [
    ...duplicates(cluster, "name", context),
    ...duplicates(cluster, "address", context),
    ...controlPlanes(cluster, context),
    ...endpointPort(cluster, context),
    ...kubernetesVersion(cluster, context),
    ...hostKeys(cluster, context),
    ...nodeAddresses(cluster, context),
    ...virtualIp(cluster, context),
  ];
};
