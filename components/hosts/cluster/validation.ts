import * as pulumi from "@pulumi/pulumi";
import { hostGpus } from "../../config/nodes";
import { gpuResourceName } from "../../config/schema/common";
import type { HostConfig, HostsClusterConfig } from "../../config/schema/cluster";
import type { GpuConfig } from "../../config/schema/platform";
import type { HostConnection } from "../connection";
import { RemoteStep } from "../remoteStep";
import { topologyOf } from "./topology";

export interface ValidationArgs {
  readonly cluster: HostsClusterConfig;
  readonly gpu: Pick<GpuConfig, "vendor">;
  /** How each host is reached, by its name. */
  readonly connections: ReadonlyMap<string, HostConnection>;
  /** What must be there first: nodes, pod network, device plugins, load balancer. */
  readonly after: readonly pulumi.Resource[];
  /** More values whose change asks the cluster again, such as the addresses of Services. */
  readonly rerunOn?: readonly pulumi.Input<string>[];
}

/** One check, and how it came out. */
export interface Finding {
  readonly check: "node-ready" | "gpus" | "pod-to-pod" | "dns" | "load-balancer" | "all-reduce";
  /** Node, pair of nodes or Service. */
  readonly subject: string;
  readonly passed: boolean;
  /** Why it failed, or what was found. */
  readonly reason: string;
}

/** Sizes of the all-reduce: from 8 MiB to 8 GiB, doubling. */
const ALL_REDUCE_SIZES = "-b 8M -e 8G -f 2";

/**
 * Proves that the cluster works: nodes Ready at their version, GPUs advertised as declared, names and pods of other
 * nodes reached from inside pods, LoadBalancer addresses that take connections, and the bandwidth between GPUs where
 * asked. A check that fails fails the update, after all of them were made.
 */
export class Validation extends pulumi.ComponentResource {
  readonly findings: pulumi.Output<Finding[]>;

  constructor(name: string, args: ValidationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:hosts:Validation", name, {}, opts);
    const mesh = this.mesh(args);
    const steps = [
      this.compare(args),
      ...args.cluster.hosts.map((host, index) => this.probe(args, mesh, host, args.cluster.hosts.slice(0, index + 1))),
      ...this.allReduce(args),
    ];
    this.findings = pulumi
      .all(steps.map((step) => step.facts<{ findings: Finding[] }>()))
      .apply((facts) => facts.flatMap(({ findings }) => findings));
    this.registerOutputs({ findings: this.findings });
  }

  /** A pod on each node. */
  private mesh(args: ValidationArgs): RemoteStep {
    return new RemoteStep(
      "validation-mesh",
      {
        connection: firstConnection(args),
        script: "mesh.sh",
        libraries: ["kubernetes.sh", "validationNamespace.sh"],
        values: { NODES: args.cluster.hosts.map(({ name }) => name).join(" ") },
        onDelete: true,
      },
      { parent: this, dependsOn: [...args.after] },
    );
  }

  /**
   * What a host sees from inside its pod. Each looks at the hosts before it: an answer proves both ways, and a host
   * that is added at the end asks for nothing to be done on the others.
   */
  private probe(args: ValidationArgs, mesh: RemoteStep, host: HostConfig, seen: readonly HostConfig[]): RemoteStep {
    const names = seen.map(({ name }) => name);
    const facts = mesh.facts<{ pods: string; dns: string }>();
    return new RemoteStep(
      `${host.name}-validation`,
      {
        connection: connectionOf(args, host.name),
        script: "probe.sh",
        libraries: ["kubernetes.sh", "validationNamespace.sh", "findings.sh"],
        values: { NODE: host.name, DNS: facts.dns, DOMAIN: dnsDomain(args.cluster) },
        files: { pods: facts.pods.apply((pods) => podsOf(pods, names)) },
      },
      { parent: this, dependsOn: [mesh] },
    );
  }

  private compare(args: ValidationArgs): RemoteStep {
    const { cluster, gpu, rerunOn = [] } = args;
    return new RemoteStep(
      "validation",
      {
        connection: firstConnection(args),
        script: "validate.sh",
        libraries: ["kubernetes.sh", "findings.sh"],
        values: { KUBERNETES_VERSION: cluster.kubernetesVersion },
        files: { nodes: cluster.hosts.map(({ name }) => `${name}\n`).join(""), gpus: gpuLines(cluster, gpu) },
        rerunOn,
      },
      { parent: this, dependsOn: [...args.after] },
    );
  }

  private allReduce(args: ValidationArgs): RemoteStep[] {
    const { allReduce } = args.cluster.validation;
    if (allReduce === undefined) return [];
    const step = new RemoteStep(
      "validation-all-reduce",
      {
        connection: firstConnection(args),
        script: "allReduce.sh",
        libraries: ["kubernetes.sh", "validationNamespace.sh", "findings.sh"],
        values: {
          IMAGE: allReduce.image,
          MINIMUM_BUS_BANDWIDTH: String(allReduce.minimumBusBandwidth),
          SIZES: ALL_REDUCE_SIZES,
        },
        files: { gpus: gpuLines(args.cluster, args.gpu) },
      },
      { parent: this, dependsOn: [...args.after] },
    );
    return [step];
  }
}

/** The lines of `node address` of these nodes, in order. */
export function podsOf(pods: string, names: readonly string[]): string {
  return pods
    .split("\n")
    .filter((line) => names.includes(line.split(" ")[0] ?? ""))
    .map((line) => `${line}\n`)
    .join("");
}

/** `node resource count` a line: what each node has to advertise. */
export function gpuLines(cluster: HostsClusterConfig, gpu: Pick<GpuConfig, "vendor">): string {
  return cluster.hosts
    .flatMap((host) =>
      Object.entries(hostGpus(host, gpu)).map(
        ([vendor, count]) => `${host.name} ${gpuResourceName[vendor as keyof typeof gpuResourceName]} ${count}\n`,
      ),
    )
    .join("");
}

function dnsDomain({ kubeadm }: HostsClusterConfig): string {
  const networking = kubeadm.clusterConfiguration.networking as { dnsDomain?: unknown } | undefined;
  return typeof networking?.dnsDomain === "string" ? networking.dnsDomain : "cluster.local";
}

function firstConnection(args: ValidationArgs): HostConnection {
  return connectionOf(args, topologyOf(args.cluster).first.name);
}

function connectionOf({ connections }: ValidationArgs, name: string): HostConnection {
  const connection = connections.get(name);
  if (connection === undefined) throw new Error(`${name}: no connection to validate it by`);
  return connection;
}
