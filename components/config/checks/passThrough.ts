import { nearest } from "../nearest";
import { knownFieldsMinor, managedKubeletArguments, passThroughTables, type PassThroughTable } from "../passThrough";
import { valueAt, type Path } from "../paths";
import type { HostsClusterConfig } from "../schema/cluster";
import type { Check, CheckContext, CheckProblem } from "./context";

function managedFields(table: PassThroughTable, { config, problem }: CheckContext): CheckProblem[] {
  return table.managed.flatMap(({ path: field, next }) => {
    const path: Path = [...table.path, ...field];
    if (valueAt(config, path) === undefined) return [];
    return [problem(path, `fields of ${table.kind} that the stack does not set itself`, next)];
  });
}

function unknownFields(table: PassThroughTable, { config, problem }: CheckContext): CheckProblem[] {
  const { fields, kind, managed } = table;
  const { cluster } = config;
  const minor = Number((cluster as HostsClusterConfig).kubernetesVersion.split(".")[1]);
  if (fields === undefined || minor > knownFieldsMinor) return [];
  const given = Object.keys(valueAt(config, table.path) ?? {});
  const reported = new Set(managed.map(({ path }) => path[0]));
  return given
    .filter((field) => !fields.includes(field) && !reported.has(field))
    .map((field) => {
      const guess = nearest(field, fields);
      const next = guess === undefined ? `see the reference of ${kind}` : `did you mean ${guess}?`;
      return problem([...table.path, field], `a field of ${kind} in Kubernetes 1.${knownFieldsMinor}`, next, [
        ["cluster", "kubernetesVersion"],
      ]);
    });
}

/** Arguments stand in lists, in which the last one of a name counts: the stack's own would win without a word. */
function kubeletArguments({ kubeadm }: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  return (["initConfiguration", "joinConfiguration"] as const).flatMap((section) => {
    const list = valueAt(kubeadm[section], ["nodeRegistration", "kubeletExtraArgs"]);
    if (!Array.isArray(list)) return [];
    return list.flatMap((argument: { name?: unknown } | null, index) => {
      const next = managedKubeletArguments[String(argument?.name)];
      if (next === undefined) return [];
      const path: Path = ["cluster", "kubeadm", section, "nodeRegistration", "kubeletExtraArgs", index, "name"];
      return [problem(path, "arguments of the kubelet that the stack does not set itself", next)];
    });
  });
}

/** What further control planes share is sealed to them from /etc/kubernetes/pki, where an external etcd's keys are not. */
function externalEtcd({ kubeadm, hosts }: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  const path: Path = ["cluster", "kubeadm", "clusterConfiguration", "etcd", "external"];
  const isExternal = valueAt(kubeadm.clusterConfiguration, ["etcd", "external"]) !== undefined;
  const roles = hosts.map((_, index): Path => ["cluster", "hosts", index, "role"]);
  if (!isExternal || hosts.filter(({ role }) => role === "control-plane").length < 2) return [];
  const allowed = "nothing with several control planes: the keys of an external etcd are not handed to those that join";
  return [problem(path, allowed, "leave it out: kubeadm runs etcd on the control planes", roles)];
}

/** The names of kubeadm 1.36's preflight checks, from `cmd/kubeadm/app/{preflight,phases/upgrade}`. */
const preflightNames = [
  "ContainerRuntimeVersion",
  "ControlPlaneNodesReady",
  "CreateJob",
  "CRI",
  "ExternalEtcdVersion",
  "Firewalld",
  "Hostname",
  "HTTPProxy",
  "HTTPProxyCIDR",
  "ImagePull",
  "IsPrivilegedUser",
  "KubeletVersion",
  "KubernetesVersion",
  "Mem",
  "NumCPU",
  "StaticPodManifest",
  "Swap",
  "SystemVerification",
];

/** Checks of one port, file, directory, program or service each. */
const preflightPrefixes = ["DirAvailable-", "FileAvailable-", "FileContent-", "FileExisting-", "Port-", "Service-"];

function isPreflightName(name: string): boolean {
  const plain = name.toLowerCase();
  const isPrefixed = preflightPrefixes.some(
    (prefix) => plain.startsWith(prefix.toLowerCase()) && name.length > prefix.length,
  );
  return isPrefixed || preflightNames.some((known) => known.toLowerCase() === plain);
}

function ignoredChecks(cluster: HostsClusterConfig, { problem }: CheckContext): CheckProblem[] {
  return cluster.kubeadm.ignorePreflightErrors.flatMap((name, index) => {
    if (isPreflightName(name)) return [];
    const allowed = `the name of one of kubeadm's checks: ${preflightNames.join(", ")}, or one that starts with ${preflightPrefixes.join(", ")}`;
    const guess = nearest(name, preflightNames);
    const next =
      name.toLowerCase() === "all"
        ? "name the checks: all of them would hide what breaks later"
        : guess === undefined
          ? "take the name from kubeadm's message, in brackets after ERROR"
          : `did you mean ${guess}?`;
    return [problem(["cluster", "kubeadm", "ignorePreflightErrors", index], allowed, next)];
  });
}

/** What is handed on to kubeadm, the kubelet, kube-proxy and containerd exists there and is not the stack's to set. */
export const checkPassThrough: Check = (context) => {
  const { cluster } = context.config;
  if (cluster.source !== "hosts") return [];
  return [
    ...passThroughTables.flatMap((table) => [...managedFields(table, context), ...unknownFields(table, context)]),
    ...kubeletArguments(cluster, context),
    ...externalEtcd(cluster, context),
    ...ignoredChecks(cluster, context),
  ];
};
