import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { ClusterTools } from "../toolchain";
import { expand, versions } from "../toolchain/versions";
import type { PortPlan } from "./addressPool";
import type { ClusterPorts } from "./ports";

/** The config file that kwokctl creates a cluster from: options of its components, and all lifecycle stages. */
export async function kwokConfig(
  tools: ClusterTools,
  ports: ClusterPorts,
  portPlan: PortPlan | undefined,
): Promise<string> {
  const configuration = {
    apiVersion: "config.kwok.x-k8s.io/v1alpha1",
    kind: "KwokctlConfiguration",
    options: {
      runtime: "binary",
      bindAddress: "127.0.0.1",
      disableQPSLimits: true,
      kubeAdmission: true,
      kubeAuthorization: true,
      securePort: true,
      etcdBinary: tools.etcd,
      kubeApiserverBinary: tools.kubeApiserver,
      kubeControllerManagerBinary: tools.kubeControllerManager,
      kubeSchedulerBinary: tools.kubeScheduler,
      kubectlBinary: tools.kubectl,
      kwokControllerBinary: tools.kwok,
      etcdPort: ports.etcd,
      etcdPeerPort: ports.etcdPeer,
      kubeApiserverPort: ports.apiServer,
      kubeControllerManagerPort: ports.controllerManager,
      kubeSchedulerPort: ports.scheduler,
      kwokControllerPort: ports.kwok,
    },
    componentsPatches: [
      // The only instance needs no election, which would hold it up for 15 s after its predecessor was killed.
      ...["kube-controller-manager", "kube-scheduler"].map((name) => ({
        name,
        extraArgs: [{ key: "leader-elect", value: "false" }],
      })),
      {
        name: "kwok-controller",
        // A kwok that was killed would keep its nodes' leases, and its successor would not touch them for minutes.
        extraArgs: [{ key: "node-lease-duration-seconds", value: "0", override: true }],
      },
      {
        name: "kube-apiserver",
        extraArgs: [
          // Without it the server advertises, and so names in its certificate errors, an address of the host's network.
          { key: "advertise-address", value: "127.0.0.1" },
          // kubeadm's default; the API server's own, a /24, is full after 254 Services.
          { key: "service-cluster-ip-range", value: "10.96.0.0/12" },
          ...(portPlan === undefined ? [] : [{ key: "service-node-port-range", value: portPlan.range }]),
        ],
      },
    ],
  };
  return [JSON.stringify(configuration), ...(await stages(portPlan))].join("\n---\n");
}

async function stages(portPlan: PortPlan | undefined): Promise<string[]> {
  const files = ["node.yaml", "pod.yaml", "podFailures.yaml", ...(portPlan === undefined ? [] : ["service.yaml"])];
  const values = {
    kubeletVersion: `v${versions.tools.kubernetes.version}`,
    firstPort: String(portPlan?.firstPort),
    ranges: (portPlan?.ranges ?? []).map((range) => `(list ${range.join(" ")})`).join(" "),
  };
  return Promise.all(
    files.map(async (file) => {
      const text = await fs.readFile(path.join(__dirname, "stages", file), "utf8");
      return text.replace(/\$(\{\w+\})/g, (_, placeholder: string) => expand(placeholder, values));
    }),
  );
}
