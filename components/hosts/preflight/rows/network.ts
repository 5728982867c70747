import * as ipaddr from "ipaddr.js";
import { sources, type HostRow, type SeenHost } from "../row";
import type { PreflightPlan } from "../plan";
import { downloadsOf, unresolvedNames } from "../requests";

/** Links of pod networks; their addresses are the cluster's own. */
const podLink = /^(lo|cni|flannel|vxlan\.calico|cali|tunl|kube-|veth|docker|virbr)/;

function overlap(one: string, other: string): boolean {
  if (!ipaddr.isValidCIDR(one) || !ipaddr.isValidCIDR(other)) return false;
  const [address, prefix] = ipaddr.parseCIDR(one);
  const [otherAddress, otherPrefix] = ipaddr.parseCIDR(other);
  if (address.kind() !== otherAddress.kind()) return false;
  const common = Math.min(prefix, otherPrefix);
  return address.kind() === "ipv4"
    ? (address as ipaddr.IPv4).match(otherAddress, common)
    : (address as ipaddr.IPv6).match(otherAddress, common);
}

function overlaps({ facts }: SeenHost, plan: PreflightPlan): string[] {
  const own = [...facts.addresses, ...facts.routes].filter(({ link }) => !podLink.test(link));
  const clusterNetworks = { "cluster.podCidr": plan.podCidr, "cluster.serviceCidr": plan.serviceCidr };
  return Object.entries(clusterNetworks).flatMap(([key, network]) => {
    const hit = own.find(({ cidr }) => overlap(cidr, network));
    return hit === undefined ? [] : [`has ${hit.cidr} on ${hit.link}, inside ${key} ${network}`];
  });
}

const isLoopback = (address: string): boolean => address.startsWith("127.") || address === "::1";

function nameservers(text: string): string[] {
  return [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, address]) => address!);
}

/** Is a name, address or network excepted from the proxy by this list? */
function excepted(list: string, wanted: string): boolean {
  return list
    .split(/[\s,]+/)
    .some((entry) => entry === wanted || (wanted.includes("/") ? false : overlap(entry, `${wanted}/32`)));
}

const firewallTexts: Readonly<Record<string, string>> = {
  firewalld: "firewalld is active",
  ufw: "ufw is active",
  "input-policy": "the firewall drops what is not allowed to come in",
  reject: "a rule rejects with icmp-host-prohibited",
};

/** Names, addresses, routes, firewalls and what the host can reach. */
export const networkRows: readonly HostRow[] = [
  {
    id: "node-address",
    number: 13,
    severity: "fail",
    check: "The node's address is on the host",
    cause: "the address is translated on the way, or another network card's: kubelet cannot use it",
    fix: "set nodeAddress of the host to the address that its network card has",
    source: sources.kubespray,
    find: ({ host, facts }) => {
      if (host.nodeAddress === undefined || facts.linkOf(host.nodeAddress) !== undefined) return undefined;
      const own = facts.addresses.filter(({ link }) => !podLink.test(link)).map(({ cidr }) => cidr.split("/")[0]);
      return `has no address ${host.nodeAddress}; it has ${own.join(", ")}`;
    },
  },
  {
    id: "subnet-overlap",
    number: 14,
    severity: "fail",
    check: "The networks of pods and Services are none that the host has addresses in or routes to",
    cause: "hosts of that network cannot be reached from pods, or pods not from hosts",
    fix: "choose another cluster.podCidr or cluster.serviceCidr: they cannot be changed later",
    source: "kubernetes-sigs/kubespray roles/validate_inventory",
    find: overlaps,
  },
  {
    id: "reach",
    number: 13,
    severity: "fail",
    check: "The other hosts are reached at their node addresses",
    cause: "nodes talk to each other directly",
    fix: "open the way between the hosts (routes, security groups, firewalls), or correct nodeAddress",
    source: sources.kubespray,
    find: ({ facts }) =>
      facts
        .table("reach")
        .filter(([, , result]) => result !== "reached")
        .map(([name, address]) => `does not reach ${name} at ${address}`),
  },
  {
    id: "nameserver",
    number: 20,
    severity: "fail",
    check: "The host has a name server that is not itself",
    cause: "CoreDNS asks the host's name server; one on 127.0.0.1 is, inside a pod, CoreDNS itself",
    fix: "turn systemd-resolved on, or write real name servers into /etc/resolv.conf; for dnsmasq or unbound on the host set cluster.kubelet.resolvConf to a file with the real ones",
    source: `${sources.kubeadm} kubelet_unix.go`,
    find: ({ facts }) => {
      const file = facts.text("resolvedActive") === "active" ? "resolvedConf" : "resolvConf";
      const servers = nameservers(facts.text(file));
      if (servers.length === 0) return "has no name server";
      return servers.every(isLoopback) ? `has only the name server ${servers.join(", ")}` : undefined;
    },
  },
  {
    id: "dns",
    number: 20,
    severity: "fail",
    check: "The names of package sources and image registries resolve",
    cause: "nothing can be downloaded",
    fix: "correct the host's name servers; without internet set cluster.mirrors",
    source: sources.kubespray,
    find: ({ facts }, plan) => {
      const unresolved = unresolvedNames(facts, plan);
      return unresolved.length > 0 ? `does not resolve ${unresolved.join(", ")}` : undefined;
    },
  },
  {
    id: "downloads",
    number: 35,
    severity: "fail",
    check: "Image registries, and mirrors where set, answer",
    cause: "images of Kubernetes cannot be pulled",
    fix: "open the way to it, set cluster.proxy, or set cluster.mirrors.images to a mirror that has the images",
    source: `${sources.kubeadm} ImagePull`,
    find: ({ facts }, plan) =>
      downloadsOf(plan).flatMap(({ id, url, what, allowed }) => {
        const row = facts.table("downloads").find(([name]) => name === id);
        const [, status = "", ...reason] = row ?? [];
        if (status === "" || allowed.test(status)) return [];
        // The row of the name says it already.
        if (unresolvedNames(facts, plan).includes(new URL(url).hostname)) return [];
        return [`${what} at ${url}: ${status === "000" ? reason.join(" ") || "no answer" : `HTTP status ${status}`}`];
      }),
  },
  {
    id: "proxy",
    number: 21,
    severity: "warn",
    check: "Addresses of nodes and of the cluster's networks are excepted from the proxy",
    cause: "kubectl and the pod network would go by the proxy and hang",
    fix: "add them to no_proxy in that file; cluster.proxy does so for containerd and kubelet by itself",
    source: `${sources.kubeadm} HTTPProxy, HTTPProxyCIDR`,
    find: ({ facts }, plan) => {
      const settings = facts.lines("proxySettings");
      if (!settings.some((line) => /^(.*\W)?https?_proxy=/i.test(line))) return undefined;
      const list = settings.map((line) => /no_proxy=["']?([^"']*)/i.exec(line)?.[1] ?? "").join(",");
      const wanted = [...plan.hosts.flatMap(({ nodeAddress }) => nodeAddress ?? []), plan.podCidr, plan.serviceCidr];
      const missing = wanted.filter((one) => !excepted(list, one));
      return missing.length > 0 ? `uses a proxy, also for ${missing.join(", ")}` : undefined;
    },
  },
  {
    id: "firewall",
    number: 22,
    severity: "warn",
    check: "No firewall drops what nodes send each other",
    cause: "node or pod traffic dies without a message",
    fix: "open 6443, 2379-2380, 10250, the pod network's ports (Calico 179/tcp 4789/udp 5473/tcp, flannel 8472/udp) and 7946 between the hosts, or turn the firewall off",
    source: `${sources.kubeadm} Firewalld; ${sources.bloom} ip_table_check.yaml`,
    find: ({ facts }) => facts.table("firewall").flatMap(([what]) => firewallTexts[what ?? ""] ?? []),
  },
  {
    id: "forward-policy",
    number: 23,
    severity: "warn",
    bareOnly: true,
    check: "Forwarded packets are not dropped by default, and no rules of an earlier cluster are saved",
    cause: "traffic of pods is dropped, or old rules come back at boot",
    fix: "set the FORWARD policy to ACCEPT; remove KUBE-, cali- and CILIUM chains from the saved file; keep to one of iptables-legacy and nft",
    source: "moby/moby#22054; charmed-kubernetes/bundle#502",
    find: ({ facts }) =>
      facts.table("firewall").flatMap(([what, detail]) => {
        if (what === "forward-policy") return ["drops forwarded packets by default"];
        if (what === "saved-rules") return [`${detail} holds rules of a cluster`];
        return what === "iptables-legacy" ? ["has rules of iptables-legacy"] : [];
      }),
  },
  {
    id: "reverse-path",
    number: 24,
    severity: "warn",
    check: "Several network cards: strict reverse-path filtering is off",
    cause: "packets that come in on another card than answers go out on (RDMA, virtual IPs) are dropped",
    fix: "set net.ipv4.conf.all.rp_filter to 2, or 0 on the cards of the backend network",
    source: "projectcalico/calico felix/dataplane/linux",
    find: ({ facts }) => {
      const cards = facts.links.filter(({ name, up }) => up && !podLink.test(name));
      return cards.length > 1 && facts.text("rpFilter") === "1"
        ? `has ${cards.length} cards and rp_filter 1`
        : undefined;
    },
  },
  {
    id: "network-manager",
    number: 26,
    severity: "warn",
    check: "NetworkManager leaves the pod network's links alone",
    cause: "it takes them over, and routes vanish",
    fix: "write /etc/NetworkManager/conf.d/cluster.conf: [keyfile] unmanaged-devices=interface-name:cali*;interface-name:tunl*;interface-name:vxlan.calico;interface-name:flannel*;interface-name:cni0",
    source: "kubernetes-sigs/kubespray 0062-networkmanager-unmanaged-devices.yml",
    find: ({ facts }) => (facts.text("networkManager") === "active" ? "runs NetworkManager for all links" : undefined),
  },
];
