import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { needsImageVolumes } from "../config/imageVolumes";
import { hostGpus, hostLabels, nodeAddress, simulatedNodes } from "../config/nodes";
import { parseQuantity } from "../capacity/quantity";
import type { ClusterConfig, HostsClusterConfig, SimulatedClusterConfig } from "../config/schema/cluster";
import type { ModelConfig } from "../config/schema/model";
import type { GpuConfig, StorageConfig } from "../config/schema/platform";
import type { HostsArgs, HostsSecrets } from "../hosts";
import { flattenKubeconfig, KubeconfigError, readKubeconfig, type Kubeconfig } from "./kubeconfig";
import { readLiveCluster } from "./liveNodes";
import type { ClusterNode } from "./node";
import { checkListening, UnreachableError } from "./preflight";

export interface ConnectClusterArgs {
  /** Where the cluster comes from. */
  readonly cluster: ClusterConfig;
  /** GPU vendor of hosts that name none, and who installs the driver. */
  readonly gpu: GpuConfig;
  /** Where the weights are kept: a directory of bare hosts must have room for them. */
  readonly storage: StorageConfig;
  /** What is served: weights from images ask something of the hosts' container runtime. */
  readonly models: readonly Pick<ModelConfig, "weights">[];
  readonly secrets: ClusterSecrets;
}

/** The secrets by which a cluster is reached. */
export interface ClusterSecrets extends HostsSecrets {
  /** `secrets.kubeconfig`; used by `cluster.source: kubeconfig` when `cluster.path` is not set. */
  readonly kubeconfig?: pulumi.Output<string>;
}

/** What is known of a cluster before any resource is registered. */
export type ClusterConnection = ReachableCluster | PlannedCluster;

/** A cluster whose API server answers already. */
export interface ReachableCluster {
  readonly kubeconfig: Kubeconfig;
  /** Identity of the cluster for the provider. */
  readonly identifier: string;
  readonly nodes: readonly ClusterNode[];
  readonly hosts?: undefined;
}

/** A cluster that the stack itself makes of bare hosts. */
export interface PlannedCluster {
  readonly hosts: HostsArgs;
  readonly nodes: readonly ClusterNode[];
  readonly kubeconfig?: undefined;
  readonly identifier?: undefined;
}

type ExistingClusterConfig = Extract<ClusterConfig, { source: "kubeconfig" }>;

/**
 * Finds the cluster, checks that its API server can be used, and reads its nodes: from the API server of a cluster that
 * exists, from config otherwise. Bare hosts are looked at later, by their preflight. Registers nothing. Rejects with a
 * RunError that says what to check.
 */
export async function connectCluster(args: ConnectClusterArgs): Promise<ClusterConnection> {
  try {
    switch (args.cluster.source) {
      case "simulated":
        return await connectSimulated(args.cluster);
      case "kubeconfig":
        return await connectExisting(args.cluster, args.secrets.kubeconfig);
      case "hosts":
        return planHosts(args.cluster, args);
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

async function connectSimulated(cluster: SimulatedClusterConfig): Promise<ReachableCluster> {
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

/**
 * Config tells the GPUs of a host, not its CPUs and memory; they count as enough, as on GPU hosts the GPUs run out
 * first.
 */
function planHosts(cluster: HostsClusterConfig, { gpu, storage, models, secrets }: ConnectClusterArgs): PlannedCluster {
  const nodes = cluster.hosts.map((host) => ({
    name: host.name,
    // The check of the config refuses a host without one.
    address: nodeAddress(host) ?? host.address,
    gpus: { amd: 0, nvidia: 0, ...hostGpus(host, gpu) },
    product: host.product,
    labels: hostLabels(host),
    cpus: Infinity,
    memory: Infinity,
  }));
  const imageVolumes = needsImageVolumes(models);
  return { hosts: { cluster, gpu, storage, imageVolumes, secrets }, nodes };
}

async function connectExisting(
  { path, context, identifier }: ExistingClusterConfig,
  contents: pulumi.Output<string> | undefined,
): Promise<ReachableCluster> {
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
