import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { StackValues } from "../../testStack";
import type { Lab, LabHost } from "../lab";
import { hostEntries, type HostEntry, type LabStack } from "./labStack";

/** The two releases that the lab's package repository holds. */
export const OLD = "1.36.2";
export const NEW = "1.36.3";

/** What a kernel shared by the hosts asks for, and a disk shared with all else on the machine, however full it is. */
export const labKubelet = {
  failCgroupV1: false,
  imageGCHighThresholdPercent: 100,
  evictionHard: { "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%" },
};

/** The `cluster` of a stack's config. */
export const clusterOf = (config: StackValues): StackValues => config["cluster"] as StackValues;

/** A stack of hosts and the network of their pods, without add-ons and models. */
export function bareStack(lab: Lab, hosts: Readonly<Record<string, HostEntry>>, cluster: StackValues): StackValues {
  return {
    cluster: {
      source: "hosts",
      cni: "flannel",
      hosts: hostEntries(lab, hosts),
      kubelet: labKubelet,
      kubeProxy: { conntrack: { maxPerCore: 0 } },
      kubeadm: { ignorePreflightErrors: ["SystemVerification"] },
      validation: { enabled: false },
      ...cluster,
    },
    gpu: { vendor: "amd", amd: { driver: "preinstalled" } },
    addons: { certManager: "existing", gpuOperator: "existing", metalLb: "existing" },
    storage: { type: "local", path: "/mnt/data/ai-models", size: "1Gi" },
    chartSource: "./test/hosts/charts",
    namespaces: [{ name: "chat", gpuQuota: 8 }],
    models: [],
  };
}

/** Tries a check again and again until it passes. */
export async function eventually(what: string, check: () => Promise<void>, seconds = 120): Promise<void> {
  for (const end = Date.now() + seconds * 1000; ; await sleep(500)) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what} did not come about within ${seconds} s`, { cause: error });
    }
  }
}

/** The cluster on a lab's hosts, as one of its control planes sees it. */
export class LabCluster {
  constructor(
    private readonly lab: Lab,
    private readonly stack: LabStack,
    readonly controlPlane: LabHost,
  ) {}

  kubectl(command: string): Promise<string> {
    return this.controlPlane.run(`kubectl --kubeconfig /etc/kubernetes/admin.conf ${command}`);
  }

  /** Puts other hosts into the stack's config; later entries of a name win. */
  setHosts(...entries: Readonly<Record<string, HostEntry>>[]): Promise<void> {
    return this.stack.configure((config) => {
      clusterOf(config)["hosts"] = hostEntries(this.lab, Object.assign({}, ...entries) as Record<string, HostEntry>);
    });
  }

  /** Waits until the cluster has exactly these nodes, all Ready. */
  ready(...names: string[]): Promise<void> {
    return eventually(`Ready nodes ${names.join(", ")}`, async () => {
      assert.deepEqual(await this.nodes(), Object.fromEntries(names.map((name) => [name, true])));
    });
  }

  /** Node name → whether it is Ready. */
  private async nodes(): Promise<Record<string, boolean>> {
    const format = `{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}`;
    const lines = (await this.kubectl(`get nodes -o 'jsonpath=${format}'`)).trim().split("\n");
    return Object.fromEntries(
      lines.map((line): [string, boolean] => [line.split("=")[0] ?? "", line.endsWith("=True")]),
    );
  }
}

/** Fails when a host that has left its cluster has anything of it left. */
export async function assertLeft(host: LabHost): Promise<void> {
  const left = await host.run(
    "ls -A /etc/kubernetes/manifests /etc/kubernetes/*.conf /etc/kubernetes/pki /etc/cni/net.d /var/lib/etcd " +
      "/var/lib/kubelet/pods /etc/inference-stack/cluster 2>/dev/null; " +
      "ip -o link | grep -E 'cni0|flannel' ; grep /var/lib/kubelet/ /proc/mounts ; " +
      `ip -o -4 address show dev eth0 | grep -v ' ${host.address}/' ; ` +
      "iptables-save 2>/dev/null | grep -E 'KUBE-|FLANNEL'; true",
  );
  // The package kubernetes-cni owns one file there.
  const files = left.split("\n").filter((line) => !/^$|:$|^\.kubernetes-cni-keep$/.test(line));
  assert.deepEqual(files, [], host.name);
}
