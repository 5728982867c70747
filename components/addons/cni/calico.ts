import * as k8s from "../../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { charts } from "../charts";
import { installChart, type Addon } from "../installChart";

export interface CalicoArgs {
  /** `official`, or a mirror of all charts: a directory, an `http(s)://` repository or an `oci://` registry path. */
  readonly chartSource: string;
  /** Addresses of pods: the `podSubnet` that kubeadm was given. */
  readonly podCidr: string;
}

interface TigeraOperatorValues {
  readonly installation: { readonly enabled: boolean };
  readonly apiServer: { readonly enabled: boolean };
  readonly goldmane: { readonly enabled: boolean };
  readonly whisker: { readonly enabled: boolean };
}

/** The operator alone: what it runs is said by the Installation, which is a resource of the stack. */
const values: TigeraOperatorValues = {
  installation: { enabled: false },
  apiServer: { enabled: false },
  goldmane: { enabled: false },
  whisker: { enabled: false },
};

/** The part of `operator.tigera.io/v1` Installation that the stack sets. */
export interface InstallationSpec {
  readonly calicoNetwork: {
    readonly bgp: "Enabled" | "Disabled";
    readonly ipPools: readonly IpPool[];
    readonly nodeAddressAutodetectionV4: { readonly kubernetes: "NodeInternalIP" };
  };
}

interface IpPool {
  readonly name: string;
  readonly cidr: string;
  readonly encapsulation: "VXLAN" | "VXLANCrossSubnet" | "IPIP" | "IPIPCrossSubnet" | "None";
  readonly natOutgoing: "Enabled" | "Disabled";
  readonly blockSize: number;
  readonly nodeSelector: string;
}

/**
 * One pool that is the whole of `podCidr`: with another one, kube-proxy would take traffic between pods for traffic
 * from outside. VXLAN between nodes and no routing daemon, so that nothing but UDP 4789 has to pass between hosts.
 */
export function installationSpec(podCidr: string): InstallationSpec {
  return {
    calicoNetwork: {
      bgp: "Disabled",
      ipPools: [
        {
          name: "default-ipv4-ippool",
          cidr: podCidr,
          encapsulation: "VXLAN",
          natOutgoing: "Enabled",
          blockSize: 26,
          nodeSelector: "all()",
        },
      ],
      // The address that kubeadm gave the kubelet, not that of the first interface, which may be a GPU's.
      nodeAddressAutodetectionV4: { kubernetes: "NodeInternalIP" },
    },
  };
}

/** The operator pulls its images one after the other before it reports Ready. */
const TIMEOUT = "15m";

/** Installs Calico by the Tigera operator, and is ready when the pod network is on all nodes. */
export class Calico extends pulumi.ComponentResource implements Addon {
  readonly resources: readonly pulumi.Resource[];

  constructor(name: string, { chartSource, podCidr }: CalicoArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:addons:Calico", name, {}, opts);
    // Helm creates these CRDs without kubectl's annotation, for which they are too large.
    const crds = installChart(this, `${name}-crds`, { chart: charts.calicoCrds, chartSource, values: {} });
    const { release } = installChart(this, name, {
      chart: charts.calico,
      chartSource,
      values,
      // The operator runs on the host's network, before there is another one.
      privileged: true,
      dependsOn: [crds.release],
    });
    const installation = new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: "operator.tigera.io/v1",
        kind: "Installation",
        metadata: { name: "default", annotations: { "pulumi.com/waitFor": "condition=Ready" } },
        spec: installationSpec(podCidr),
      },
      // On destroy the operator must still run to take the network down.
      {
        parent: this,
        dependsOn: release,
        deleteBeforeReplace: true,
        customTimeouts: { create: TIMEOUT, update: TIMEOUT },
      },
    );
    this.resources = [release, installation];
    this.registerOutputs({});
  }
}
