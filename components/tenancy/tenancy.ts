import * as k8s from "../kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { GpuConfig, NamespaceConfig } from "../config/schema/platform";
import { knownAfter } from "../knownAfter";
import { defaultRequests, podSecurityLabels, quotaLimits } from "./quota";

/** Arguments of `Tenancy`. */
export interface TenancyArgs {
  /** The namespace's config. */
  namespace: NamespaceConfig;
  /** The stack's `gpu.vendor`: GPUs of other vendors get a quota of 0. */
  gpuVendor: GpuConfig["vendor"];
  /** Kubernetes minor version whose Pod Security rules apply. Defaults to `v1.36`, so that an upgrade changes none. */
  podSecurityVersion?: string;
}

/**
 * One tenant: a namespace with Pod Security labels, a ResourceQuota that caps its GPUs (and CPU and memory where
 * config says so), and a LimitRange that lets pods without requests pass that quota. Needs a cluster, nothing else.
 */
export class Tenancy extends pulumi.ComponentResource {
  /**
   * Name of the namespace, known once its quota and limits exist, too. Whatever is put into the namespace by this
   * output never escapes the quota, and is gone on destroy before the namespace is deleted.
   */
  readonly namespace: pulumi.Output<string>;
  /** Pod Security Standard that the namespace enforces. */
  readonly podSecurity: NamespaceConfig["podSecurity"];

  constructor(name: string, args: TenancyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-stack:tenancy:Tenancy", name, {}, opts);
    const { namespace: config, gpuVendor, podSecurityVersion = "v1.36" } = args;
    const child = { parent: this, deleteBeforeReplace: true };

    const namespace = new k8s.core.v1.Namespace(
      name,
      {
        metadata: {
          name: config.name,
          labels: { ...labels, ...podSecurityLabels(config.podSecurity, podSecurityVersion) },
        },
      },
      // Whatever else lives in the namespace goes with it, and pods may take minutes to drain.
      { ...child, customTimeouts: { delete: "15m" } },
    );
    const inNamespace = (objectName: string) => ({
      name: objectName,
      namespace: knownAfter(config.name, namespace),
      labels,
    });
    const quota = new k8s.core.v1.ResourceQuota(
      name,
      { metadata: inNamespace("gpu-quota"), spec: { hard: quotaLimits(config, gpuVendor) } },
      child,
    );
    const limits = new k8s.core.v1.LimitRange(
      name,
      {
        metadata: inNamespace("default-requests"),
        spec: { limits: [{ type: "Container", defaultRequest: defaultRequests }] },
      },
      child,
    );

    this.namespace = knownAfter(config.name, namespace, quota, limits);
    this.podSecurity = config.podSecurity;
    this.registerOutputs({ namespace: this.namespace });
  }
}

const labels = {
  "app.kubernetes.io/name": "tenancy",
  "app.kubernetes.io/part-of": "inference-stack",
  "app.kubernetes.io/managed-by": "pulumi",
};
