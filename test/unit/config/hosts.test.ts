import * as assert from "node:assert/strict";
import fields136 from "../../../components/config/kubernetesFields/1.36.json";
import { configuredNodeAddresses, nodeAddress } from "../../../components/config/nodes";
import { passThroughTables } from "../../../components/config/passThrough";
import type { HostsClusterConfig } from "../../../components/config/schema/cluster";
import { accepted, hostsConfig, withValue, type Values } from "./support";

function clusterOf(values: Values): HostsClusterConfig {
  const { cluster } = accepted(values);
  assert.ok(cluster.source === "hosts");
  return cluster;
}

describe("cluster.source: hosts", () => {
  it("needs no more than hosts and a key", () => {
    const cluster = clusterOf(hostsConfig());
    assert.deepEqual(cluster.containerd, {
      source: "distribution",
      pullProgressTimeout: "30m",
      config: {},
    });
    assert.deepEqual(cluster.kubeadm, {
      clusterConfiguration: {},
      initConfiguration: {},
      joinConfiguration: {},
      ignorePreflightErrors: [],
    });
    assert.deepEqual(cluster.mirrors, { apt: {}, images: {} });
    assert.deepEqual(cluster.tuning, {
      iommuPassthrough: false,
      numaBalancing: "keep",
      blacklistNouveau: false,
      kernelParameters: [],
      reboot: "never",
    });
    assert.deepEqual(cluster.etcdSnapshots, {
      schedule: "daily",
      keep: 7,
      directory: "/var/lib/inference-stack/etcd-snapshots",
    });
    assert.deepEqual(cluster.validation, { enabled: true });
  });

  it("hands tables of other programs on as they are", () => {
    const kubelet = { failCgroupV1: false, evictionHard: { "memory.available": "2Gi" } };
    const kubeProxy = { conntrack: { maxPerCore: 0 }, mode: "nftables" };
    const clusterConfiguration = { apiServer: { extraArgs: [{ name: "audit-log-maxage", value: "30" }] } };
    const values = hostsConfig();
    Object.assign(values.cluster, {
      kubelet,
      kubeProxy,
      kubeadm: { clusterConfiguration, ignorePreflightErrors: ["SystemVerification", "Port-10250", "swap"] },
      containerd: { config: { plugins: { "io.containerd.cri.v1.runtime": { restrict_oom_score_adj: true } } } },
    });
    const cluster = clusterOf(values);
    assert.deepEqual(cluster.kubelet, kubelet);
    assert.deepEqual(cluster.kubeProxy, kubeProxy);
    assert.deepEqual(cluster.kubeadm.clusterConfiguration, clusterConfiguration);
    assert.deepEqual(cluster.containerd.config, {
      plugins: { "io.containerd.cri.v1.runtime": { restrict_oom_score_adj: true } },
    });
  });

  it("lets fields pass that a newer Kubernetes may have", () => {
    const values = withValue(hostsConfig(), ["cluster", "kubernetesVersion"], "1.37.0");
    assert.deepEqual(clusterOf(withValue(values, ["cluster", "kubelet"], { brandNew: 1 })).kubelet, { brandNew: 1 });
  });

  it("takes three control planes behind a virtual IP", () => {
    const values = hostsConfig();
    const { hosts } = values.cluster;
    hosts[1]!.role = "control-plane";
    hosts.push({ ...hosts[1], name: "three", address: "192.168.10.13" });
    assert.equal(
      clusterOf(withValue(values, ["cluster", "virtualIp"], { address: "192.168.10.9" })).virtualIp?.address,
      "192.168.10.9",
    );
  });

  it("takes the SSH agent in place of a key", () => {
    const values = withValue(hostsConfig(), ["secrets"], undefined);
    assert.equal(clusterOf(withValue(values, ["cluster", "sshAgent"], true)).sshAgent, true);
  });

  it("knows nodes by nodeAddress, else by an address that is an IP", () => {
    const values = hostsConfig();
    Object.assign(values.cluster.hosts[0]!, { address: "node-1.example.org", nodeAddress: "10.0.0.1" });
    const cluster = clusterOf(values);
    assert.deepEqual(configuredNodeAddresses(cluster), ["10.0.0.1", "192.168.10.12"]);
    assert.equal(nodeAddress({ ...cluster.hosts[0]!, nodeAddress: undefined }), undefined);
  });
});

describe("fields that are handed on", () => {
  it("that the stack sets exist in Kubernetes, so that a check of a misspelt name cannot hide", () => {
    for (const { kind, fields, managed } of passThroughTables) {
      if (fields === undefined) continue;
      for (const { path } of managed) {
        assert.ok(["apiVersion", "kind", ...fields].includes(path[0]!), `${kind}.${path.join(".")}`);
      }
    }
  });

  it("are listed in order and once", () => {
    for (const names of Object.values(fields136.fields)) {
      assert.deepEqual(names, [...new Set(names)].sort());
    }
  });
});
