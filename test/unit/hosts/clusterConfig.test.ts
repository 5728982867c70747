import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { configurationDigest, initDocuments, joinDocument } from "../../../components/hosts/cluster/kubeadmConfig";
import { kubeVipManifest } from "../../../components/hosts/cluster/kubeVip";
import { isSchedulable, topologyOf } from "../../../components/hosts/cluster/topology";
import { labelLines, taintLines } from "../../../components/hosts/cluster/steps";
import { clusterConfig, controlPlane, worker } from "./clusterFixture";

type Document = Record<string, unknown> & { kind: string };

const documents = (yaml: string) => parseAllDocuments(yaml).map((document) => document.toJS() as Document);
const initOf = (cluster: ReturnType<typeof clusterConfig>) => {
  const all = documents(initDocuments(cluster, topologyOf(cluster)));
  return (kind: string) => all.find((document) => document.kind === kind) ?? assert.fail(`no ${kind}`);
};

const three = [
  controlPlane("cp-1", "10.0.0.1"),
  controlPlane("cp-2", "10.0.0.2"),
  controlPlane("cp-3", "10.0.0.3"),
  worker("gpu-1", "10.0.0.11"),
];

describe("topologyOf", () => {
  it("makes the first control plane of the config the one that makes the cluster", () => {
    const topology = topologyOf(
      clusterConfig([three[3]!, ...three.slice(0, 3)], { virtualIp: { address: "10.0.0.9" } }),
    );
    assert.equal(topology.first.name, "cp-1");
    assert.deepEqual(
      topology.otherControlPlanes.map(({ name }) => name),
      ["cp-2", "cp-3"],
    );
    assert.deepEqual(
      topology.workers.map(({ name }) => name),
      ["gpu-1"],
    );
  });

  const cases: [string, Record<string, unknown>, string, string][] = [
    ["the node's address inside, the SSH address outside", {}, "https://10.0.0.1:6443", "https://203.0.113.1:6443"],
    ["a given endpoint", { controlPlaneEndpoint: "api.example:7443" }, "https://api.example:7443", ""],
    ["the virtual IP", { virtualIp: { address: "10.0.0.9" } }, "https://10.0.0.9:6443", ""],
    ["the virtual IP in brackets", { virtualIp: { address: "fd00::9" } }, "https://[fd00::9]:6443", ""],
    [
      "the configured port",
      { kubeadm: { initConfiguration: { localAPIEndpoint: { bindPort: 443 } } } },
      "https://10.0.0.1:443",
      "https://203.0.113.1:443",
    ],
  ];
  for (const [what, more, nodeServer, clientServer] of cases) {
    it(`finds the API server by ${what}`, () => {
      const hosts = [controlPlane("cp-1", "203.0.113.1", { nodeAddress: "10.0.0.1" }), worker("gpu-1", "10.0.0.11")];
      const topology = topologyOf(clusterConfig(hosts, more));
      assert.equal(topology.nodeServer, nodeServer);
      assert.equal(topology.clientServer, clientServer || nodeServer);
    });
  }

  it("refuses a cluster without a control plane", () => {
    assert.throws(() => topologyOf(clusterConfig([worker("gpu-1", "10.0.0.11")])), /cluster\.hosts: no host has role/);
  });

  it("lets pods onto control planes that have GPUs, or no workers beside them", () => {
    const of = (hosts: Parameters<typeof clusterConfig>[0]) => {
      const topology = topologyOf(clusterConfig(hosts));
      return isSchedulable(topology.first, topology);
    };
    assert.equal(of([controlPlane("cp-1", "10.0.0.1")]), true);
    assert.equal(of([controlPlane("cp-1", "10.0.0.1"), worker("gpu-1", "10.0.0.11")]), false);
    assert.equal(of([controlPlane("cp-1", "10.0.0.1", { gpus: 8 }), worker("gpu-1", "10.0.0.11")]), true);
  });
});

describe("initDocuments", () => {
  it("names node, address, version and subnets, and makes no lasting token", () => {
    const of = initOf(clusterConfig());
    assert.deepEqual(of("InitConfiguration"), {
      apiVersion: "kubeadm.k8s.io/v1beta4",
      kind: "InitConfiguration",
      bootstrapTokens: [{ ttl: "10m0s" }],
      localAPIEndpoint: { advertiseAddress: "10.0.0.1", bindPort: 6443 },
      nodeRegistration: {
        name: "cp-1",
        criSocket: "unix:///run/containerd/containerd.sock",
        imagePullSerial: false,
        ignorePreflightErrors: [],
        kubeletExtraArgs: [{ name: "node-ip", value: "10.0.0.1" }],
      },
    });
    assert.deepEqual(of("ClusterConfiguration"), {
      apiVersion: "kubeadm.k8s.io/v1beta4",
      kind: "ClusterConfiguration",
      kubernetesVersion: "v1.36.3",
      networking: { podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/16" },
    });
  });

  it("lets the user's own fields stand beside the stack's", () => {
    const of = initOf(
      clusterConfig(undefined, {
        kubeadm: {
          clusterConfiguration: { networking: { dnsDomain: "example.org" }, apiServer: { certSANs: ["api.example"] } },
          initConfiguration: { nodeRegistration: { imagePullSerial: true }, timeouts: { kubernetesAPICall: "2m0s" } },
          ignorePreflightErrors: ["SystemVerification"],
        },
        kubelet: { failCgroupV1: false },
        kubeProxy: { conntrack: { maxPerCore: 0 } },
      }),
    );
    const cluster = of("ClusterConfiguration");
    assert.deepEqual(cluster.networking, {
      dnsDomain: "example.org",
      podSubnet: "10.244.0.0/16",
      serviceSubnet: "10.96.0.0/16",
    });
    assert.deepEqual(cluster.apiServer, { certSANs: ["api.example"] });
    const init = of("InitConfiguration");
    assert.deepEqual(init.timeouts, { kubernetesAPICall: "2m0s" });
    const registration = init.nodeRegistration as Record<string, unknown>;
    assert.equal(registration.imagePullSerial, true);
    assert.deepEqual(registration.ignorePreflightErrors, ["SystemVerification"]);
    assert.equal(of("KubeletConfiguration").failCgroupV1, false);
    assert.deepEqual(of("KubeProxyConfiguration").conntrack, { maxPerCore: 0 });
  });

  it("puts the node's own address last, so that it holds", () => {
    const nodeRegistration = {
      kubeletExtraArgs: [
        { name: "node-ip", value: "192.0.2.1" },
        { name: "v", value: "2" },
      ],
    };
    const of = initOf(clusterConfig(undefined, { kubeadm: { initConfiguration: { nodeRegistration } } }));
    assert.deepEqual((of("InitConfiguration").nodeRegistration as Record<string, unknown>).kubeletExtraArgs, [
      ...nodeRegistration.kubeletExtraArgs,
      { name: "node-ip", value: "10.0.0.1" },
    ]);
  });

  it("puts the address that SSH uses into the certificate where there is no endpoint", () => {
    const hosts = [controlPlane("cp-1", "cp-1.example", { nodeAddress: "10.0.0.1" })];
    assert.deepEqual(initOf(clusterConfig(hosts))("ClusterConfiguration").apiServer, { certSANs: ["cp-1.example"] });
    const of = initOf(clusterConfig(hosts, { controlPlaneEndpoint: "api.example:6443" }));
    assert.equal(of("ClusterConfiguration").controlPlaneEndpoint, "api.example:6443");
    assert.equal("apiServer" in of("ClusterConfiguration"), false);
  });

  it("does not change when a worker is added", () => {
    const before = clusterConfig([controlPlane("cp-1", "10.0.0.1")]);
    const after = clusterConfig([controlPlane("cp-1", "10.0.0.1"), worker("gpu-1", "10.0.0.11")]);
    assert.equal(initDocuments(before, topologyOf(before)), initDocuments(after, topologyOf(after)));
  });
});

describe("configurationDigest", () => {
  const digest = (more: Record<string, unknown>) => {
    const cluster = clusterConfig(undefined, more);
    return configurationDigest(cluster, topologyOf(cluster));
  };

  it("stays with another version, and changes with any field of the nodes", () => {
    assert.equal(digest({ kubernetesVersion: "1.36.2" }), digest({ kubernetesVersion: "1.36.3" }));
    assert.notEqual(digest({ kubelet: { maxPods: 200 } }), digest({}));
    assert.notEqual(digest({ kubeProxy: { mode: "nftables" } }), digest({}));
    assert.notEqual(digest({ kubeadm: { clusterConfiguration: { clusterName: "a" } } }), digest({}));
  });
});

describe("joinDocument", () => {
  const cluster = clusterConfig(three, {
    controlPlaneEndpoint: "api.example:6443",
    kubeadm: { joinConfiguration: { timeouts: { discovery: "1m0s" } }, ignorePreflightErrors: ["Swap"] },
  });
  const join = (index: number) => documents(joinDocument(cluster.hosts[index]!, cluster, topologyOf(cluster)))[0]!;

  it("finds the cluster by the file that the host makes, and names the node", () => {
    assert.deepEqual(join(3), {
      apiVersion: "kubeadm.k8s.io/v1beta4",
      kind: "JoinConfiguration",
      discovery: { file: { kubeConfigPath: "/etc/inference-stack/cluster/discovery.conf" } },
      timeouts: { discovery: "1m0s" },
      nodeRegistration: {
        name: "gpu-1",
        criSocket: "unix:///run/containerd/containerd.sock",
        imagePullSerial: false,
        ignorePreflightErrors: ["Swap"],
        kubeletExtraArgs: [{ name: "node-ip", value: "10.0.0.11" }],
      },
    });
  });

  it("gives control planes, and only them, an API server of their own", () => {
    assert.deepEqual(join(1).controlPlane, { localAPIEndpoint: { advertiseAddress: "10.0.0.2", bindPort: 6443 } });
    assert.equal("controlPlane" in join(3), false);
  });
});

describe("kubeVipManifest", () => {
  const manifest = (virtualIp: Record<string, unknown>) => {
    const [pod] = documents(kubeVipManifest(clusterConfig(three, { virtualIp }), 6443));
    const { spec } = pod as unknown as { spec: { containers: { env: { name: string; value?: string }[] }[] } };
    const env = Object.fromEntries(spec.containers[0]!.env.map(({ name, value }) => [name, value]));
    return { env, spec: spec as unknown as Record<string, unknown> };
  };

  it("holds the address on the host's own interface, with a kubeconfig that the host chooses", () => {
    const { env, spec } = manifest({ address: "10.0.0.9" });
    assert.equal(env.address, "10.0.0.9");
    assert.equal(env.vip_interface, "@INTERFACE@");
    assert.equal(env.vip_subnet, "32");
    assert.deepEqual(spec.volumes, [{ name: "kubeconfig", hostPath: { path: "@KUBECONFIG@", type: "File" } }]);
  });

  it("takes the interface of the config, and all bits of an IPv6 address", () => {
    const { env } = manifest({ address: "fd00::9", interface: "bond0" });
    assert.equal(env.vip_interface, "bond0");
    assert.equal(env.vip_subnet, "128");
  });

  it("is empty without a virtual IP", () => {
    assert.equal(kubeVipManifest(clusterConfig(), 6443), "");
  });
});

describe("labels and taints", () => {
  it("are lines as kubectl takes them, in a fixed order", () => {
    const host = clusterConfig([
      controlPlane("cp-1", "10.0.0.1", {
        labels: { zone: "b", "amd.com/gpu": "" },
        taints: [
          { key: "gpu", value: "amd", effect: "NoSchedule" },
          { key: "dedicated", effect: "NoExecute" },
        ],
      }),
    ]).hosts[0]!;
    assert.equal(labelLines(host), "amd.com/gpu=\nzone=b\n");
    assert.equal(taintLines(host), "dedicated:NoExecute\ngpu=amd:NoSchedule\n");
  });
});
