import { nearest } from "../nearest";
import { knownFieldsMinor, passThroughTables, type PassThroughTable } from "../passThrough";
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
    ...ignoredChecks(cluster, context),
  ];
};
