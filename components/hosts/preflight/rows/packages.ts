import { sources, type HostRow } from "../row";
import { kubernetesPackages, unresolvedNames } from "../requests";

/** apt, dpkg and where packages come from. */
export const packageRows: readonly HostRow[] = [
  {
    id: "package-lock",
    number: 31,
    severity: "fail",
    check: "No other program holds the locks of apt and dpkg",
    cause: "packages cannot be installed meanwhile, and an automatic upgrade may replace kernel or driver",
    fix: "wait until it has ended and run again; if it hangs, stop that process",
    source: `${sources.bloom} packages.yaml; GoogleCloudPlatform/cluster-toolkit#4136`,
    find: ({ facts }) => {
      const holders = new Map(facts.table("packageLocks").map(([lock, pid, ...command]) => [pid, { lock, command }]));
      return [...holders].map(
        ([pid, { lock, command }]) => `${lock} is held by process ${pid} (${command.join(" ") || "?"})`,
      );
    },
  },
  {
    id: "half-installed",
    number: 31,
    severity: "fail",
    check: "No package is half installed",
    cause: "apt refuses to install anything more",
    fix: "on the host: dpkg --configure -a, then apt-get --fix-broken install",
    source: `${sources.bloom} packages.yaml`,
    find: ({ facts }) => {
      const audit = facts.lines("dpkgAudit").filter((line) => line !== "");
      return audit.length > 0 ? `dpkg --audit says: ${audit.join(" ")}` : undefined;
    },
  },
  {
    id: "unattended-upgrades",
    number: 31,
    severity: "warn",
    check: "unattended-upgrades is off",
    cause: "it upgrades kernel and driver under load; what is installed for the cluster is held, the rest is not",
    fix: "turn it off (systemctl disable --now unattended-upgrades), or blacklist the kernel and driver packages in it",
    source: sources.nvidiaOperator,
    find: ({ facts }) => (facts.text("unattendedUpgrades") === "enabled" ? "upgrades packages by itself" : undefined),
  },
  {
    id: "logind-delay",
    number: 32,
    severity: "warn",
    check: "systemd-logind lets a shutdown wait longer than 30 s",
    cause: "kubelet cannot end pods gracefully at a shutdown when shutdownGracePeriod is longer",
    fix: "write InhibitDelayMaxSec=<seconds> into a file of /etc/systemd/logind.conf.d that sorts after unattended-upgrades' own",
    source: "kubernetes/kubernetes#102818",
    find: ({ facts }) => {
      const seconds = Number(/=(\d+)\s*s?$/.exec(facts.text("logindDelay"))?.[1] ?? Number.NaN);
      return seconds <= 30 ? `has ${facts.text("logindDelay")}` : undefined;
    },
  },
  {
    id: "package-source",
    number: 31,
    severity: "fail",
    check: "The package sources answer",
    cause: "packages cannot be installed",
    fix: "correct /etc/apt/sources.list, the network or cluster.proxy; without internet set cluster.mirrors.apt",
    source: sources.kubespray,
    find: ({ facts }) => {
      const [url, status, ...reason] = facts.text("aptSource").split(/\s+/);
      if (!url) return "has no package source (/etc/apt/sources.list)";
      return status === "200" ? undefined : `${url}: ${status === "000" ? reason.join(" ") : `HTTP status ${status}`}`;
    },
  },
  {
    id: "kubernetes-packages",
    number: 35,
    severity: "fail",
    check: "The repository has kubelet, kubeadm and kubectl of cluster.kubernetesVersion",
    cause: "the version cannot be installed",
    fix: "correct cluster.kubernetesVersion, or bring the packages to the mirror cluster.mirrors.apt.kubernetes",
    source: sources.kubespray,
    find: ({ facts }, plan) => {
      const [status = "", ...rows] = facts.lines("kubernetesPackages");
      const repository = kubernetesPackages(plan);
      if (unresolvedNames(facts, plan).includes(new URL(repository).hostname)) return undefined;
      if (!/^status 200\b/.test(status)) {
        return `${repository} cannot be read: ${status.replace(/^status (000 )?/, "")}`;
      }
      const missing = ["kubelet", "kubeadm", "kubectl"].filter(
        (name) => !rows.some((row) => row.startsWith(`${name} `)),
      );
      return missing.length > 0
        ? `${repository} has no ${missing.join(", ")} of version ${plan.kubernetesVersion}`
        : undefined;
    },
  },
];
