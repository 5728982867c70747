import * as k8s from "../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { knownAfter } from "../knownAfter";
import { charts } from "./charts";
import { installChart, type Addon } from "./installChart";

export interface MetalLbArgs {
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
  /** Addresses for LoadBalancer Services: ranges (`192.168.1.240-192.168.1.250`) and CIDRs. At least one. */
  readonly addresses: pulumi.Input<string[]>;
  /** Network interfaces that announce the addresses. Defaults to all. */
  readonly interfaces?: readonly string[];
}

interface MetalLbValues {
  readonly frrk8s: { readonly enabled: boolean };
  readonly speaker: {
    /** Announce from nodes with the label node.kubernetes.io/exclude-from-external-load-balancers too. */
    readonly ignoreExcludeLB: boolean;
  };
}

const values: MetalLbValues = {
  // Layer 2 needs no routing daemon.
  frrk8s: { enabled: false },
  // kubeadm puts the label on control-plane nodes; where those are the GPU hosts nobody would announce.
  speaker: { ignoreExcludeLB: true },
};

const API_VERSION = "metallb.io/v1beta1";
const poolName = "default";

/** Installs MetalLB and announces one pool of addresses over layer 2. */
export class MetalLb extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];
  /** Name of the IPAddressPool that Services get their addresses from. */
  readonly addressPool: pulumi.Output<string>;

  constructor(name: string, args: MetalLbArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:MetalLb", name, {}, opts);
    const { namespace, release } = installChart(this, name, {
      chart: charts.metalLb,
      chartSource: args.chartSource,
      values,
      // Speakers answer ARP on the hosts' own network.
      privileged: true,
    });
    const pool = new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: API_VERSION,
        kind: "IPAddressPool",
        metadata: { name: poolName, namespace },
        // Some clients drop packets of addresses that end in .0 or .255, which a CIDR includes.
        spec: { addresses: args.addresses, avoidBuggyIPs: true },
      },
      // The release is ready once the controller is, and the controller once it has patched its webhook.
      { parent: this, dependsOn: release, deleteBeforeReplace: true },
    );
    this.addressPool = knownAfter(poolName, pool);
    const advertisement = new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: API_VERSION,
        kind: "L2Advertisement",
        metadata: { name: "default", namespace },
        spec: {
          ipAddressPools: [this.addressPool],
          ...(args.interfaces === undefined ? {} : { interfaces: [...args.interfaces] }),
        },
      },
      { parent: this, dependsOn: [release, pool], deleteBeforeReplace: true },
    );
    this.resources = [release, pool, advertisement];
    this.registerOutputs({ addressPool: this.addressPool });
  }
}
