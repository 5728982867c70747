import * as pulumi from "@pulumi/pulumi";
import type { HostsClusterConfig } from "../../config/schema/cluster";
import { RemoteStep } from "../remoteStep";
import { etcdBackup } from "./etcdBackup";
import { initDocuments } from "./kubeadmConfig";
import { kubeVipManifest } from "./kubeVip";
import { enrol, join, nodeValues, settings, upgrade, type ClusterSteps, type Member } from "./steps";
import { addressOf, type Topology } from "./topology";

export interface ControlPlaneArgs {
  readonly cluster: HostsClusterConfig;
  readonly topology: Topology;
  /** The control planes, the first one first. */
  readonly members: readonly [Member, ...Member[]];
}

/** Where kubeadm puts etcd's data. */
const ETCD_DIRECTORY = "/var/lib/etcd";

/**
 * Makes the cluster on the first control plane, then joins the others, one after the other: an etcd that grows by two
 * members at once can lose its majority. Upgrades go the same way round.
 */
export class ControlPlane extends pulumi.ComponentResource {
  /** kubeconfig of the administrator, as JSON. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** What nodes may join after: every control plane is up and at the configured version. */
  readonly upgraded: readonly pulumi.Resource[];
  /** What anything that uses the API server depends on. */
  readonly ready: readonly pulumi.Resource[];
  /** Labels and taints of the control planes' nodes. */
  readonly settings: readonly pulumi.Resource[];

  constructor(name: string, args: ControlPlaneArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:hosts:ControlPlane", name, {}, opts);
    const [first, ...others] = args.members;
    const steps: ClusterSteps = { ...args, first: first.connection };
    const hasOwnEtcd = !isFieldSet(args.cluster.kubeadm.clusterConfiguration.etcd, "external");

    const upgraded: pulumi.Resource[] = [];
    const renewed: pulumi.Resource[] = [];
    const nodes: pulumi.Resource[] = [];
    let joined: pulumi.Resource = this.makeCluster(steps, first);
    for (const member of [first, ...others]) {
      if (member !== first) joined = join(this, steps, member, [...upgraded, joined]);
      // An upgrade takes a snapshot first.
      const backup = hasOwnEtcd ? [etcdBackup(this, args.cluster.etcdSnapshots, member, joined)] : [];
      const upgradeStep = upgrade(this, steps, member, [joined, ...backup, ...upgraded]);
      upgraded.push(upgradeStep);
      nodes.push(settings(this, steps, member.host, [upgradeStep]));
      renewed.push(...this.renewCertificates(args.cluster, member, [upgradeStep, ...renewed]));
    }
    const kubeconfig = this.readKubeconfig(steps, [...upgraded.slice(0, 1), ...renewed.slice(0, 1)]);

    this.kubeconfig = kubeconfig.facts<{ kubeconfig: string }>().apply((facts) => facts.kubeconfig);
    this.upgraded = upgraded;
    this.ready = [kubeconfig];
    this.settings = nodes;
    this.registerOutputs({});
  }

  private makeCluster(steps: ClusterSteps, member: Member): RemoteStep {
    const { cluster, topology } = steps;
    const enrolment = enrol(this, member, false);
    return new RemoteStep(
      `${member.host.name}-init`,
      {
        connection: member.connection,
        script: "init.sh",
        libraries: ["kubernetes.sh"],
        values: {
          ...nodeValues(member.host, steps),
          NODE_ADDRESS: addressOf(member.host),
          API_PORT: String(topology.apiPort),
          ETCD_DIRECTORY: etcdDirectory(cluster),
        },
        files: {
          "kubeadm.yaml": initDocuments(cluster, topology),
          "kube-vip.yaml": kubeVipManifest(cluster, topology.apiPort),
        },
      },
      { parent: this, dependsOn: [enrolment] },
    );
  }

  private renewCertificates(
    { certificateRenewal }: HostsClusterConfig,
    { host, connection }: Member,
    dependsOn: readonly pulumi.Resource[],
  ): pulumi.Resource[] {
    if (certificateRenewal === undefined) return [];
    const step = new RemoteStep(
      `${host.name}-certificates`,
      {
        connection,
        script: "certificates.sh",
        libraries: ["kubernetes.sh", "etcd.sh"],
        values: { RENEWAL: certificateRenewal },
      },
      { parent: this, dependsOn: [...dependsOn] },
    );
    return [step];
  }

  private readKubeconfig(
    { cluster, topology, first }: ClusterSteps,
    dependsOn: readonly pulumi.Resource[],
  ): RemoteStep {
    return new RemoteStep(
      "kubeconfig",
      {
        connection: first,
        script: "kubeconfig.sh",
        libraries: ["kubernetes.sh"],
        values: { SERVER: topology.clientServer },
        // Both renew the certificate in it.
        rerunOn: [cluster.kubernetesVersion, cluster.certificateRenewal ?? ""],
        secret: true,
      },
      { parent: this, dependsOn: [...dependsOn] },
    );
  }
}

function etcdDirectory({ kubeadm }: HostsClusterConfig): string {
  const etcd = kubeadm.clusterConfiguration.etcd as { local?: { dataDir?: unknown } } | undefined;
  return typeof etcd?.local?.dataDir === "string" ? etcd.local.dataDir : ETCD_DIRECTORY;
}

function isFieldSet(fields: unknown, name: string): boolean {
  return typeof fields === "object" && fields !== null && name in fields;
}
