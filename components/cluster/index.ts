import * as k8s from "../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig } from "../config/schema/cluster";
import type { GpuConfig } from "../config/schema/platform";
import type * as HostsModule from "../hosts";
import type { ClusterConnection } from "./connect";
import type { ClusterNode } from "./node";

export { connectCluster, type ClusterConnection, type ConnectClusterArgs } from "./connect";
export type { ClusterNode } from "./node";

export interface ValidateArgs {
  /** Which hosts, and whether they are to be validated. */
  readonly cluster: ClusterConfig;
  readonly gpu: GpuConfig;
  /** What must be there first: add-ons and models. */
  readonly after: readonly pulumi.Resource[];
  /** Values whose change asks the cluster again, such as addresses of Services. */
  readonly rerunOn: readonly pulumi.Input<string>[];
}

/** The part of a provider's arguments by which it finds the cluster, and what must be there first. */
interface Access {
  readonly kubeconfig: pulumi.Input<string>;
  readonly identifier: pulumi.Input<string>;
  readonly ready: readonly pulumi.Resource[];
}

/** The Kubernetes cluster that the stack is put on: what `connectCluster` found, or made of bare hosts. */
export class Cluster extends pulumi.ComponentResource {
  /** Provider for every Kubernetes resource of the stack. */
  readonly provider: k8s.Provider;
  readonly nodes: readonly ClusterNode[];
  /** Kubeconfig of the cluster, secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** The hosts, where the stack makes the cluster of them. */
  readonly hosts: HostsModule.Hosts | undefined;

  constructor(name: string, connection: ClusterConnection, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:cluster:Cluster", name, {}, opts);
    this.nodes = connection.nodes;
    this.hosts = connection.hosts && new (hostsModule().Hosts)("hosts", connection.hosts, { parent: this });
    const { kubeconfig, identifier, ready } = accessTo(connection, this.hosts);
    this.kubeconfig = pulumi.secret(kubeconfig);
    this.provider = new k8s.Provider(
      name,
      {
        kubeconfig: this.kubeconfig,
        // Without it a changed address or credential in the kubeconfig would replace every resource of the stack.
        clusterIdentifier: identifier,
        enableServerSideApply: true,
        // Contents that change are updated in place, under the same name.
        enableConfigMapMutable: true,
        enableSecretMutable: true,
      },
      // What is on the cluster goes before its hosts do.
      { parent: this, dependsOn: [...ready] },
    );
    this.registerOutputs({});
  }

  /**
   * Proves that a cluster made of hosts works, where the config does not turn that off. A check that fails fails the
   * update. Undefined for other clusters.
   */
  validate(args: ValidateArgs): pulumi.Output<HostsModule.Finding[]> | undefined {
    const { cluster, gpu, after, rerunOn } = args;
    if (cluster.source !== "hosts" || this.hosts === undefined || !cluster.validation.enabled) return undefined;
    const { Validation } = hostsModule();
    const { connections } = this.hosts;
    return new Validation("validation", { cluster, gpu, connections, after, rerunOn }, { parent: this }).findings;
  }
}

/** What prepares hosts is loaded where there are some: other stacks start faster without it. */
function hostsModule(): typeof HostsModule {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require("../hosts") as typeof HostsModule;
}

function accessTo(connection: ClusterConnection, hosts: HostsModule.Hosts | undefined): Access {
  if (hosts !== undefined) {
    return { kubeconfig: hosts.kubeconfig, identifier: hosts.clusterIdentifier, ready: hosts.ready };
  }
  const { kubeconfig, identifier } = connection;
  if (kubeconfig === undefined) throw new Error("a cluster is reached by its kubeconfig, or made of hosts");
  return { kubeconfig: kubeconfig.contents, identifier, ready: [] };
}
