import { sources, type HostRow, type SeenHost } from "../row";
import type { PreflightPlan } from "../plan";

/** Ports that a host of each role listens on later. */
const ports = { "control-plane": [6443, 2379, 2380, 10250, 10257, 10259], worker: [10250] } as const;
/** The first release whose kubelet refuses containerd below 2. */
const containerd2Minor = 37;
/** The first containerd that mounts images as volumes (KEP-4639). */
const imageVolumesContainerd = [2, 1] as const;
/** How many minor versions a kubelet may be behind the API server. */
const maximumSkew = 3;

const minorOf = (version: string): number => Number(/^(?:\d+:)?v?1\.(\d+)/.exec(version)?.[1] ?? Number.NaN);
const patchOf = (version: string): number => Number(/^(?:\d+:)?v?1\.\d+\.(\d+)/.exec(version)?.[1] ?? Number.NaN);

function compare(version: string, wanted: string): number {
  return minorOf(version) - minorOf(wanted) || patchOf(version) - patchOf(wanted);
}

/** The containerd that a host has or gets, as far as that can be known before its repository is there. */
function containerdOf({ facts }: SeenHost, plan: PreflightPlan): string | undefined {
  const { package: name, version } = plan.containerd;
  const installed = facts.version(name);
  if (installed !== undefined) return installed;
  return version ?? (plan.distributionContainerd ? facts.text("containerdCandidate") : undefined);
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const found = /^(?:\d+:)?v?(\d+)\.(\d+)/.exec(version);
  return found !== null && (Number(found[1]) - major || Number(found[2]) - minor) < 0;
}

function bareSkew({ facts }: SeenHost, plan: PreflightPlan): string | undefined {
  const wrong = ["kubeadm", "kubelet", "kubectl"].flatMap((name) => {
    const version = facts.version(name);
    return version === undefined || compare(version, plan.kubernetesVersion) === 0 ? [] : [`${name} ${version}`];
  });
  return wrong.length > 0
    ? `has ${wrong.join(", ")}, but cluster.kubernetesVersion is ${plan.kubernetesVersion}`
    : undefined;
}

function memberSkew({ facts }: SeenHost, plan: PreflightPlan): string | undefined {
  const version = facts.version("kubelet");
  if (version === undefined) return undefined;
  const behind = minorOf(plan.kubernetesVersion) - minorOf(version);
  if (compare(version, plan.kubernetesVersion) > 0) {
    return `runs kubelet ${version}, which is newer than cluster.kubernetesVersion ${plan.kubernetesVersion}`;
  }
  if (behind > maximumSkew) return `runs kubelet ${version}, ${behind} minor versions behind ${plan.kubernetesVersion}`;
  if (behind > 1) return `runs kubelet ${version}; ${plan.kubernetesVersion} would skip a minor version`;
  return undefined;
}

/** What other clusters and runtimes left on the host. */
export const clusterRows: readonly HostRow[] = [
  {
    id: "other-cluster",
    number: 17,
    severity: "fail",
    check: "The host is no member of another cluster of this kind",
    cause: "two stacks would fight over the host",
    fix: "remove the host from the other stack's cluster.hosts and run pulumi up there; if that stack is gone: kubeadm reset on the host, then remove /etc/inference-stack/cluster-id",
    source: `${sources.bloom} data_safety_check.yaml`,
    find: ({ facts, member }) =>
      facts.text("clusterId") !== "" && !member ? `belongs to the cluster ${facts.text("clusterId")}` : undefined,
  },
  {
    id: "leftovers",
    number: 17,
    severity: "fail",
    bareOnly: true,
    check: "Nothing of an earlier or another cluster is on the host",
    cause: "kubeadm refuses to go on, or two pod networks mix",
    fix: "take the host out of its cluster, then on the host: kubeadm reset, remove /etc/cni/net.d, and the links (ip link delete <name>), or reboot; nothing is deleted for you",
    source: `${sources.kubeadm} FileAvailable, DirAvailable; ${sources.bloom}`,
    find: ({ facts }) => {
      const found = facts.lines("leftovers");
      return found.length > 0 ? `holds ${found.join(", ")}` : undefined;
    },
  },
  {
    id: "ports",
    number: 16,
    severity: "fail",
    bareOnly: true,
    check:
      "The ports of the role are free: 6443, 2379, 2380, 10250, 10257, 10259 on a control plane, 10250 on a worker",
    cause: "API server, etcd or kubelet cannot start",
    fix: "stop what listens there: k3s, rke2, microk8s, another etcd or kubelet",
    source: `${sources.kubeadm} Port-*`,
    find: ({ host, facts }) => {
      const wanted: readonly number[] = ports[host.role];
      const taken = new Map(facts.listeners.filter(({ port }) => wanted.includes(port)).map((one) => [one.port, one]));
      return [...taken.values()].map(
        ({ port, program }) => `port ${port} is taken${program === "" ? "" : ` by ${program}`}`,
      );
    },
  },
  {
    id: "other-distribution",
    number: 16,
    severity: "fail",
    bareOnly: true,
    check: "No other Kubernetes distribution runs",
    cause: "two kubelets cannot share a host",
    fix: "uninstall it with its own script, if nothing needs it any more",
    source: `${sources.bloom} k3s_pause.yaml`,
    find: ({ facts }) =>
      facts
        .lines("containerRuntimes")
        .filter((service) => !["docker", "crio"].includes(service))
        .map((service) => `runs ${service}`),
  },
  {
    id: "other-runtime",
    number: 9,
    severity: "warn",
    bareOnly: true,
    check: "No other container runtime runs",
    cause: "Docker shares containerd, whose configuration changes and which restarts; CRI-O is not used",
    fix: "move its containers elsewhere, or accept that they restart",
    source: sources.kubeadm,
    find: ({ facts }) =>
      facts
        .lines("containerRuntimes")
        .filter((service) => ["docker", "crio"].includes(service))
        .map((service) => `runs ${service}`),
  },
  {
    id: "containerd-version",
    number: 9,
    severity: "fail",
    check: "The distribution's containerd is new enough: 2.0 from Kubernetes 1.37 on",
    cause: "the kubelet asks the runtime for what containerd 1 does not have",
    fix: "set cluster.containerd.source to a repository with containerd 2, or stay on Kubernetes 1.36",
    source: `${sources.kubeadm} ContainerRuntimeVersion`,
    find: ({ facts }, plan) => {
      if (!plan.distributionContainerd || minorOf(plan.kubernetesVersion) < containerd2Minor) return undefined;
      const version = facts.version("containerd") ?? facts.text("containerdCandidate");
      return /^(\d+:)?[01]\./.test(version) ? `gets containerd ${version} from its distribution` : undefined;
    },
  },
  {
    id: "image-volumes",
    number: 9,
    severity: "fail",
    check: "containerd is 2.1 or newer where a model's weights come from an image (models[].weights.type: image)",
    cause: "an older one does not mount images as volumes: the model's pods never start",
    fix: "set cluster.containerd.source to a repository with containerd 2.1 or newer; where an older one is installed, drain the host and remove it first (apt-get purge --allow-change-held-packages containerd); or take the weights from Hugging Face or a bucket",
    source: "kubernetes/enhancements KEP-4639; containerd/containerd v2.1 release notes",
    find: (seen, plan) => {
      const version = plan.imageVolumes ? containerdOf(seen, plan) : undefined;
      if (version === undefined || !isOlder(version, imageVolumesContainerd)) return undefined;
      return `${seen.facts.version(plan.containerd.package) === undefined ? "gets" : "has"} containerd ${version}`;
    },
  },
  {
    id: "version-skew",
    number: 15,
    severity: "fail",
    check: "Kubernetes packages on the host fit cluster.kubernetesVersion",
    cause: "kubelet must not be newer than the API server, and kubeadm goes one minor version at a time",
    fix: "on a bare host remove the packages (apt-get purge --allow-change-held-packages kubelet kubeadm kubectl); on a member raise cluster.kubernetesVersion one minor version at a time and never lower it",
    source: `${sources.kubernetes}, Version Skew Policy`,
    find: (seen, plan) => (seen.member ? memberSkew(seen, plan) : bareSkew(seen, plan)),
  },
];
