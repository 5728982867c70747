import type * as pulumi from "@pulumi/pulumi";
import type { HostConfig, HostsClusterConfig } from "../../config/schema/cluster";
import type { HostConnection } from "../connection";
import { RemoteStep } from "../remoteStep";
import { configurationDigest, joinDocument } from "./kubeadmConfig";
import { kubeVipManifest } from "./kubeVip";
import { addressOf, isSchedulable, type Topology } from "./topology";

/** A host and how it is reached. */
export interface Member {
  readonly host: HostConfig;
  readonly connection: HostConnection;
  /** What must be there before anything of the cluster comes onto the host. */
  readonly dependsOn: readonly pulumi.Resource[];
}

/** What all steps of one cluster's life share. */
export interface ClusterSteps {
  readonly cluster: HostsClusterConfig;
  readonly topology: Topology;
  /** The first control plane: it admits hosts and speaks for the cluster. */
  readonly first: HostConnection;
}

/** Seconds that pods are given to leave a node. A large model takes minutes to end its requests and to start elsewhere. */
const DRAIN_TIMEOUT_SECONDS = 600;

interface EnrolFacts {
  readonly request: string;
}

interface AdmitFacts {
  readonly certificate: string;
  readonly authority: string;
  readonly sealed: string;
}

/**
 * The host's membership: on create its key, on delete its farewell. Everything else of the cluster on the host depends
 * on it, so that even a join that failed is taken back.
 */
export function enrol(parent: pulumi.Resource, { host, connection, dependsOn }: Member, joins: boolean): RemoteStep {
  return new RemoteStep(
    `${host.name}-enrol`,
    {
      connection,
      script: "enrol.sh",
      libraries: ["kubernetes.sh", "etcd.sh", "leave.sh"],
      values: { NODE: host.name, JOINS: joins ? "yes" : "no" },
      onDelete: true,
    },
    { parent, dependsOn: [...dependsOn] },
  );
}

/** Enrols, admits and joins a host. `after` are the steps of the control plane that the join needs. */
export function join(
  parent: pulumi.Resource,
  steps: ClusterSteps,
  member: Member,
  after: readonly pulumi.Resource[],
): RemoteStep {
  const { host, connection } = member;
  const { cluster, topology, first } = steps;
  const enrolment = enrol(parent, member, true);
  const admission = new RemoteStep(
    `${host.name}-admit`,
    {
      connection: first,
      script: "admit.sh",
      libraries: ["kubernetes.sh"],
      values: { NODE: host.name, ROLE: host.role },
      files: { "request.csr": enrolment.facts<EnrolFacts>().request },
    },
    { parent, dependsOn: [enrolment, ...after] },
  );
  const { certificate, authority, sealed } = admission.facts<AdmitFacts>();
  return new RemoteStep(
    `${host.name}-join`,
    {
      connection,
      script: "join.sh",
      libraries: ["kubernetes.sh", "etcd.sh", "leave.sh"],
      values: {
        ...nodeValues(host, steps),
        NODE_ADDRESS: addressOf(host),
        ROLE: host.role,
        SERVER: topology.nodeServer,
      },
      files: {
        "kubeadm.yaml": joinDocument(host, cluster, topology),
        "host.crt": certificate,
        "ca.crt": authority,
        sealed,
        "kube-vip.yaml": kubeVipManifest(cluster, topology.apiPort),
      },
    },
    { parent, dependsOn: [admission, ...after] },
  );
}

/** Labels and taints of a node; deleted, it is drained and leaves the cluster. */
export function settings(
  parent: pulumi.Resource,
  { topology, first }: ClusterSteps,
  host: HostConfig,
  dependsOn: readonly pulumi.Resource[],
): RemoteStep {
  return new RemoteStep(
    `${host.name}-node`,
    {
      connection: first,
      script: "node.sh",
      libraries: ["kubernetes.sh", "etcd.sh"],
      values: {
        NODE: host.name,
        ROLE: host.role,
        SCHEDULABLE: isSchedulable(host, topology) ? "yes" : "no",
        DRAIN_TIMEOUT: String(DRAIN_TIMEOUT_SECONDS),
      },
      files: { labels: labelLines(host), taints: taintLines(host) },
      onDelete: true,
    },
    { parent, dependsOn: [...dependsOn] },
  );
}

/** Brings a host to the configured version and configuration; does nothing where it has them. */
export function upgrade(
  parent: pulumi.Resource,
  steps: ClusterSteps,
  { host, connection }: Pick<Member, "host" | "connection">,
  dependsOn: readonly pulumi.Resource[],
): RemoteStep {
  return new RemoteStep(
    `${host.name}-upgrade`,
    {
      connection,
      script: "upgrade.sh",
      libraries: ["kubernetes.sh", "apt.sh"],
      values: {
        ...nodeValues(host, steps),
        ROLE: host.name === steps.topology.first.name ? "first" : host.role,
        KUBERNETES_VERSION: steps.cluster.kubernetesVersion,
        DRAIN_TIMEOUT: String(DRAIN_TIMEOUT_SECONDS),
      },
    },
    { parent, dependsOn: [...dependsOn] },
  );
}

/** Before a worker's upgrade its pods leave; after it they may come back. */
export function rollout(
  parent: pulumi.Resource,
  { cluster, first }: ClusterSteps,
  host: HostConfig,
  when: "before" | "after",
  dependsOn: readonly pulumi.Resource[],
): RemoteStep {
  return new RemoteStep(
    `${host.name}-${when === "before" ? "drain" : "uncordon"}`,
    {
      connection: first,
      script: "rollout.sh",
      libraries: ["kubernetes.sh"],
      values: {
        NODE: host.name,
        WHEN: when,
        KUBERNETES_VERSION: cluster.kubernetesVersion,
        DRAIN_TIMEOUT: String(DRAIN_TIMEOUT_SECONDS),
      },
    },
    { parent, dependsOn: [...dependsOn] },
  );
}

/** What `kubeadm init`, `join` and `upgrade` on a host have in common. */
export function nodeValues(host: HostConfig, { cluster, topology }: ClusterSteps): Record<string, string> {
  return {
    NODE: host.name,
    IGNORE_PREFLIGHT_ERRORS: cluster.kubeadm.ignorePreflightErrors.join(","),
    CONFIGURATION: configurationDigest(cluster, topology),
  };
}

/** One `key=value` a line. */
export function labelLines({ labels }: HostConfig): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}\n`)
    .sort()
    .join("");
}

/** One `key=value:effect` a line, as kubectl takes them. */
export function taintLines({ taints }: HostConfig): string {
  return taints
    .map(({ key, value, effect }) => `${key}${value === undefined ? "" : `=${value}`}:${effect}\n`)
    .sort()
    .join("");
}
