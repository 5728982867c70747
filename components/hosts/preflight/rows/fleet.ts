import { sources, type FleetProblem, type FleetRow, type SeenHost } from "../row";

/** What k0sctl allows, too: certificates and tokens count in seconds. */
const maximumClockOffset = 30;
/** Links that every host has with the same address. */
const sharedMac = "00:00:00:00:00:00";

/** Hosts of which others have the same value: one problem for each, naming the others. */
function duplicates(
  hosts: readonly SeenHost[],
  values: (seen: SeenHost) => readonly string[],
  what: string,
): FleetProblem[] {
  const owners = new Map<string, Set<string>>();
  for (const seen of hosts) {
    for (const value of values(seen)) owners.set(value, (owners.get(value) ?? new Set()).add(seen.host.name));
  }
  return hosts.flatMap(({ host, ...seen }) =>
    [...new Set(values({ host, ...seen }))].flatMap((value) => {
      const others = [...(owners.get(value) ?? [])].filter((name) => name !== host.name);
      return others.length > 0
        ? [{ host: host.name, found: `has the same ${what} ${value} as ${others.join(", ")}` }]
        : [];
    }),
  );
}

const present = (text: string): string[] => (text === "" ? [] : [text]);

/** Middle value; of an even number the mean of the two. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Hosts whose value is not what most have. */
function unlikeMost(
  hosts: readonly SeenHost[],
  value: (seen: SeenHost) => string | undefined,
  tell: (own: string, common: string) => string,
): FleetProblem[] {
  const known = hosts.flatMap((seen) => {
    const own = value(seen);
    return own === undefined || own === "" ? [] : [{ host: seen.host.name, own }];
  });
  const counts = new Map<string, number>();
  for (const { own } of known) counts.set(own, (counts.get(own) ?? 0) + 1);
  const [common] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
  if (common === undefined) return [];
  return known.filter(({ own }) => own !== common).map(({ host, own }) => ({ host, found: tell(own, common) }));
}

/** Rows that compare the hosts with each other. */
export const fleetRows: readonly FleetRow[] = [
  {
    id: "hostname-unique",
    number: 11,
    severity: "fail",
    check: "Every host has a hostname of its own",
    cause: "the second node of a name takes the place of the first",
    fix: "give the hosts different names: hostnamectl set-hostname <name>",
    source: "kubernetes/kubeadm#31, #1130",
    findInFleet: (hosts) => duplicates(hosts, ({ facts }) => present(facts.text("hostname")), "hostname"),
  },
  {
    id: "product-uuid-unique",
    number: 12,
    severity: "fail",
    check: "Every host has a product_uuid of its own",
    cause: "nodes of cloned machines take each other's place",
    fix: "give the virtual machine another UUID in its hypervisor, or ask the vendor of the board",
    source: `${sources.kubernetes}, Installing kubeadm`,
    findInFleet: (hosts) =>
      duplicates(hosts, ({ facts }) => present(facts.text("productUuid").toLowerCase()), "product_uuid"),
  },
  {
    id: "machine-id-unique",
    number: 12,
    severity: "fail",
    check: "Every host has a machine-id of its own",
    cause: "cloned images get equal DHCP leases, and pod networks mix the nodes up",
    fix: "on the clones: empty /etc/machine-id, run systemd-machine-id-setup, reboot; correct the image",
    source: "k0sproject/k0sctl#435",
    findInFleet: (hosts) => duplicates(hosts, ({ facts }) => present(facts.text("machineId")), "machine-id"),
  },
  {
    id: "mac-unique",
    number: 12,
    severity: "fail",
    check: "No two hosts have a network card of the same MAC address",
    cause: "switches and pod networks mix the nodes up",
    fix: "give the virtual machine's card another MAC address in its hypervisor",
    source: `${sources.kubernetes}, Installing kubeadm`,
    findInFleet: (hosts) =>
      duplicates(
        hosts,
        ({ facts }) =>
          facts.links
            .filter(({ name, mac }) => /^(en|eth|ib|bond|wl)/.test(name) && mac.length > 0 && mac !== sharedMac)
            .map(({ mac }) => mac),
        "MAC address",
      ),
  },
  {
    id: "node-address-unique",
    number: 12,
    severity: "fail",
    check: "Every host has a node address of its own",
    cause: "two of the config's hosts are one machine, or two machines fight over an address",
    fix: "correct address or nodeAddress of one of them",
    source: sources.kubespray,
    findInFleet: (hosts) => duplicates(hosts, ({ host }) => present(host.nodeAddress ?? ""), "node address"),
  },
  {
    id: "clock",
    number: 19,
    severity: "fail",
    check: "Clocks are within 30 s of the median of all hosts and this machine",
    cause: "certificates count as not yet valid, or as expired",
    fix: "start a time service on the host and let it set the clock: chronyc makestep, or timedatectl set-ntp true",
    source: `${sources.k0sctl}; ${sources.bloom} ntp.yaml`,
    findInFleet: (hosts) => {
      const middle = median([0, ...hosts.map(({ facts }) => facts.clockOffset)]);
      return hosts.flatMap(({ host, facts }) => {
        const offset = Math.round(facts.clockOffset - middle);
        if (Math.abs(offset) <= maximumClockOffset) return [];
        return [{ host: host.name, found: `its clock is ${Math.abs(offset)} s ${offset > 0 ? "ahead" : "behind"}` }];
      });
    },
  },
  {
    id: "etcd-member",
    number: 18,
    severity: "warn",
    check: "A control plane that joins is not in etcd's list of members yet",
    cause: "the host was replaced: its former self is still a member, and the join never gets in sync",
    fix: "on a control plane: etcdctl member remove <id>, then run pulumi up again",
    source: "k0sproject/k0sctl phase/validate_etcd_members.go",
    findInFleet: (hosts) => {
      const members = hosts.flatMap(({ facts }) => facts.lines("etcdMembers"));
      return hosts.flatMap(({ host, member }) => {
        if (member || host.role !== "control-plane" || host.nodeAddress === undefined) return [];
        const line = members.find((one) => one.includes(`https://${host.nodeAddress}:`));
        return line === undefined ? [] : [{ host: host.name, found: `is a member of etcd already: ${line}` }];
      });
    },
  },
  {
    id: "mtu",
    number: 25,
    severity: "warn",
    check: "The network cards of the node addresses have one MTU",
    cause: "only big packets get lost: connections hang after they opened",
    fix: "set it in netplan or networkd on the hosts that differ",
    source: `${sources.amdNetwork}/single-node-config.rst`,
    findInFleet: (hosts) =>
      unlikeMost(
        hosts,
        ({ host, facts }) => {
          const link = host.nodeAddress === undefined ? undefined : facts.linkOf(host.nodeAddress);
          return link === undefined ? undefined : facts.mtus.get(link)?.toString();
        },
        (own, common) => `has MTU ${own}, others ${common}`,
      ),
  },
  {
    id: "same-os",
    number: 1,
    severity: "warn",
    check: "All hosts with NVIDIA GPUs run one release",
    cause: "they share the operator's driver image, which is made for one release",
    fix: "install the same release on them, or preinstall the driver (gpu.nvidia.driver: preinstalled)",
    source: `${sources.nvidiaOperator} platform-support.rst`,
    findInFleet: (hosts, plan) =>
      plan.gpu.nvidia.driver !== "operator" || plan.gpu.vendor === "amd"
        ? []
        : unlikeMost(
            hosts.filter(({ host }) => host.gpus > 0 && host.vendor !== "amd"),
            ({ facts }) => `${facts.os("ID")} ${facts.os("VERSION_ID")}`,
            (own, common) => `runs ${own}, others ${common}`,
          ),
  },
  {
    id: "rdma-names",
    number: 46,
    severity: "warn",
    check: "RDMA ports and their network cards have the same names on all hosts that have some",
    cause: "one setting of NCCL_IB_HCA cannot fit all",
    fix: "give them the same names by udev rules",
    source: `${sources.amdNetwork}/multi-node-config.rst`,
    findInFleet: (hosts) =>
      unlikeMost(
        hosts,
        ({ facts }) =>
          facts
            .table("rdmaPorts")
            .map(([port, , card]) => `${port} ${card}`)
            .sort()
            .join(", "),
        (own, common) => `has RDMA ports ${own}; others ${common}`,
      ),
  },
];
