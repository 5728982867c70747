import * as path from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { simulatedNodes } from "../config/nodes";
import { parseQuantity } from "../capacity/quantity";
import type { ClusterConfig, SimulatedClusterConfig } from "../config/schema/cluster";
import { flattenKubeconfig, KubeconfigError, readKubeconfig, type Kubeconfig } from "./kubeconfig";
import { readLiveCluster } from "./liveNodes";
import type { ClusterNode } from "./node";
import { checkListening, UnreachableError } from "./preflight";

export type { ClusterNode } from "./node";

export interface ConnectClusterArgs {
  /** Where the cluster comes from. */
  readonly cluster: ClusterConfig;
  /** `secrets.kubeconfig`; used by `cluster.source: kubeconfig` when `cluster.path` is not set. */
  readonly kubeconfig?: pulumi.Output<string>;
}

/** What is known of a cluster before any resource is registered. */
export interface ClusterConnection {
  readonly kubeconfig: Kubeconfig;
  /** Identity of the cluster for the provider. */
  readonly identifier: string;
  readonly nodes: readonly ClusterNode[];
}

type ExistingClusterConfig = Extract<ClusterConfig, { source: "kubeconfig" }>;

/**
 * Finds the cluster, checks that its API server can be used, and reads its nodes: from config for a simulated cluster,
 * from the API server otherwise. Registers nothing. Rejects with a RunError that says what to check.
 */
export async function connectCluster(args: ConnectClusterArgs): Promise<ClusterConnection> {
  try {
    switch (args.cluster.source) {
      case "simulated":
        return await connectSimulated(args.cluster);
      case "kubeconfig":
        return await connectExisting(args.cluster, args.kubeconfig);
      case "hosts":
        throw new pulumi.RunError(
          "cluster.source: hosts is validated but provisioned by a later release; make the cluster with a tool such " +
            "as kubeadm and use cluster.source: kubeconfig",
        );
    }
  } catch (error) {
    if (error instanceof KubeconfigError || error instanceof UnreachableError) {
      throw new pulumi.RunError(error.message);
    }
    throw error;
  }
}

/**
 * A simulated cluster that was made anew holds nothing of the stack, but it is made at the same time as its state, so
 * one name will do.
 */
const SIMULATED_IDENTIFIER = "inference-stack-simulated";

async function connectSimulated(cluster: SimulatedClusterConfig): Promise<ClusterConnection> {
  const nextStep = "Start the simulated cluster: make up";
  const kubeconfig = readKubeconfig(
    path.join(cluster.directory, "kubeconfig"),
    `cluster.source: simulated (${nextStep})`,
  );
  await checkListening(kubeconfig, nextStep);
  const nodes = simulatedNodes(cluster).map(({ vendor, gpus, memory, ...node }) => ({
    ...node,
    gpus: { amd: 0, nvidia: 0, [vendor]: gpus },
    memory: parseQuantity(memory),
  }));
  return { kubeconfig, identifier: SIMULATED_IDENTIFIER, nodes };
}

async function connectExisting(
  { path, context, identifier }: ExistingClusterConfig,
  contents: pulumi.Output<string> | undefined,
): Promise<ClusterConnection> {
  const kubeconfig = await existingKubeconfig(path, context, contents);
  return { kubeconfig, ...(await readLiveCluster(kubeconfig, identifier)) };
}

async function existingKubeconfig(
  path: string | undefined,
  context: string | undefined,
  contents: pulumi.Output<string> | undefined,
): Promise<Kubeconfig> {
  if (path !== undefined) {
    return readKubeconfig(path, "cluster.path", context);
  }
  if (contents !== undefined) {
    return flattenKubeconfig(await valueOf(contents), { key: "secrets.kubeconfig", context });
  }
  throw new KubeconfigError(
    "cluster.path: not set, and secrets.kubeconfig neither; set the path of a kubeconfig file, or its contents by " +
      "pulumi config set --secret --path secrets.kubeconfig",
  );
}

/** The preflight needs the text itself; it goes on to the provider as a secret only. */
function valueOf(output: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}

/** The Kubernetes cluster that the stack is put on. Made of what `connectCluster` found. */
export class Cluster extends pulumi.ComponentResource {
  /** Provider for every Kubernetes resource of the stack. */
  readonly provider: k8s.Provider;
  readonly nodes: readonly ClusterNode[];

  constructor(name: string, connection: ClusterConnection, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:cluster:Cluster", name, {}, opts);
    this.nodes = connection.nodes;
    this.provider = new k8s.Provider(
      name,
      {
        kubeconfig: pulumi.secret(connection.kubeconfig.contents),
        // Without it a changed address or credential in the kubeconfig would replace every resource of the stack.
        clusterIdentifier: connection.identifier,
        enableServerSideApply: true,
        // Contents that change are updated in place, under the same name.
        enableConfigMapMutable: true,
        enableSecretMutable: true,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
