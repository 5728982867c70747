import assert from "node:assert/strict";
import { readTarget } from "../../bench/hosts/runOptions";
import { parse, parseAllDocuments } from "yaml";
import { resourceSpans, type StampedEvent } from "../../bench/hosts/engineEvents";
import type { HostsRun } from "../../bench/hosts/measurement";
import { parseHostsOptions } from "../../bench/hosts/options";
import { modelObjects, objectList, plainKubeadmConfig } from "../../bench/hosts/plainInputs";
import { renderHostsReport } from "../../bench/hosts/report";
import { stagesOfMarks, stagesOfResources } from "../../bench/hosts/stages";

const hosts = "inference-stack:cluster:Cluster$inference-stack:hosts:Hosts$inference-stack:hosts";
const urn = (type: string, name: string): string => `urn:pulumi:lab::inference-stack::${type}::${name}`;
const step = (component: string, name: string): string => urn(`${hosts}:${component}$command:remote:Command`, name);

const begins = (at: number, of: string, op = "create"): StampedEvent => ({
  at,
  event: { resourcePreEvent: { metadata: { op, urn: of } } },
});
const ends = (at: number, of: string, op = "create"): StampedEvent => ({
  at,
  event: { resOutputsEvent: { metadata: { op, urn: of } } },
});

describe("bench:hosts: engine events", () => {
  const [system, init] = [step("Prerequisites", "h1-system"), step("ControlPlane", "h1-init")];

  it("become spans of the resources that were made, by when they began", () => {
    const component = urn("inference-stack:cluster:Cluster", "cluster");
    const events = [
      begins(1, component),
      begins(2, system),
      begins(3, init),
      ends(4, init),
      ends(5, system),
      ends(6, component),
    ];
    assert.deepEqual(resourceSpans(events), [
      { urn: system, from: 2, to: 5 },
      { urn: init, from: 3, to: 4 },
    ]);
  });

  it("leave out what was there before, and what has not ended", () => {
    const unended = [begins(1, system, "same"), ends(2, system, "same"), begins(3, init), { at: 4, event: {} }];
    assert.deepEqual(resourceSpans(unended), []);
  });
});

describe("bench:hosts: stages", () => {
  it("of the stack reach from the first of their resources to the last", () => {
    const addons = "inference-stack:addons:Addons";
    const release = "kubernetes:helm.sh/v3:Release";
    const spans = [
      { urn: urn(`${hosts}:Preflight$command:local:Command`, "preflight"), from: 6, to: 9 },
      { urn: step("Prerequisites", "h1-system"), from: 9, to: 11 },
      { urn: step("Prerequisites", "h2-containerd"), from: 12, to: 30 },
      { urn: step("Workers", "h2-enrol"), from: 30, to: 31 },
      { urn: step("ControlPlane", "h1-init"), from: 30, to: 50 },
      { urn: step("Workers", "h2-join"), from: 51, to: 55 },
      {
        urn: urn(`${addons}$inference-stack:addons:Cni$inference-stack:addons:Flannel$${release}`, "flannel"),
        from: 56,
        to: 60,
      },
      { urn: urn(`${addons}$inference-stack:addons:MetalLb$${release}`, "metallb"), from: 60, to: 70 },
      { urn: urn("inference-stack:tenancy:Tenancy$kubernetes:core/v1:Namespace", "chat"), from: 56, to: 57 },
      {
        urn: urn(
          "inference-stack:serving:Serving$inference-stack:serving:VllmModel$kubernetes:apps/v1:Deployment",
          "chat/m",
        ),
        from: 70,
        to: 80,
      },
      { urn: step("Validation", "validation"), from: 80, to: 82 },
    ];
    assert.deepEqual(
      stagesOfResources(spans).map(({ stage, from, to }) => [stage, from, to]),
      [
        ["engine and program start", 0, 6],
        ["preflight", 6, 9],
        ["prerequisites", 9, 30],
        ["control plane", 30, 50],
        ["worker", 51, 55],
        ["pod network", 56, 60],
        ["add-ons", 60, 70],
        ["model", 70, 80],
        ["validation", 80, 82],
      ],
    );
  });

  it("of the script are what it marks, whatever it prints between", () => {
    const output = [
      "@stage begin 1000.5 control plane",
      "[init] Using Kubernetes version: v1.36.3",
      "@stage end 1020.25 control plane",
      "@stage begin 1020.25 add-ons",
    ].join("\n");
    assert.deepEqual(stagesOfMarks(output, 1000), [{ stage: "control plane", from: 0.5, to: 20.25 }]);
    assert.throws(() => stagesOfMarks("@stage end 1.0 tea", 0), /plainBootstrap\.sh marks the stage tea; known are: /);
  });
});

describe("bench:hosts: what the script is given", () => {
  const state = [
    { urn: urn("pulumi:providers:kubernetes", "cluster"), type: "pulumi:providers:kubernetes" },
    {
      urn: urn("inference-stack:addons:Addons$inference-stack:addons:MetalLb$kubernetes:core/v1:Namespace", "metallb"),
      type: "kubernetes:core/v1:Namespace",
      inputs: { kind: "Namespace" },
    },
    { urn: urn("kubernetes:helm.sh/v3:Release", "metallb"), type: "kubernetes:helm.sh/v3:Release", inputs: {} },
    {
      urn: urn("inference-stack:addons:Addons$inference-stack:addons:MetalLb$kubernetes:metallb.io", "metallb"),
      type: "kubernetes:metallb.io/v1beta1:IPAddressPool",
      inputs: { kind: "IPAddressPool", spec: { addresses: ["10.123.1.240-10.123.1.250"] }, __defaults: [] },
    },
    {
      urn: urn("inference-stack:tenancy:Tenancy$kubernetes:core/v1:Namespace", "chat"),
      type: "kubernetes:core/v1:Namespace",
      inputs: { kind: "Namespace", metadata: { name: "chat" } },
    },
  ];

  it("are the stack's objects without charts and their namespaces, with addresses of its own lab", () => {
    const objects = modelObjects(state);
    const list = objectList({ subnet: "10.123.1.0/24", objects }, "10.123.12.0/24");
    assert.deepEqual(parse(list), {
      apiVersion: "v1",
      kind: "List",
      items: [
        { kind: "IPAddressPool", spec: { addresses: ["10.123.12.240-10.123.12.250"] } },
        { kind: "Namespace", metadata: { name: "chat" } },
      ],
    });
  });

  it("has the stack's settings for kubelet and kube-proxy", () => {
    const { cluster } = readTarget();
    const documents = parseAllDocuments(plainKubeadmConfig(cluster)).map(
      (document) => document.toJS() as Record<string, unknown>,
    );
    assert.deepEqual(
      documents.map(({ kind }) => kind),
      ["InitConfiguration", "ClusterConfiguration", "KubeletConfiguration", "KubeProxyConfiguration"],
    );
    assert.equal(documents[1]?.["kubernetesVersion"], `v${cluster.kubernetesVersion}`);
    assert.equal(documents[2]?.["failCgroupV1"], false);
    assert.deepEqual(documents[3]?.["conntrack"], { maxPerCore: 0 });
  });
});

describe("bench:hosts: options and report", () => {
  it("takes whole numbers in their bounds", () => {
    assert.deepEqual(parseHostsOptions([]), { repeat: 1, limitSeconds: 1200, json: undefined });
    assert.equal(parseHostsOptions(["--help"]), undefined);
    assert.throws(() => parseHostsOptions(["--repeat", "0"]), /--repeat 0 is not a whole number from 1 to 100/);
  });

  it("shows medians, ratios and stages, and a dash where a subject has none", () => {
    const plain: HostsRun = {
      subject: "plain",
      nodesReady: 40,
      answered: 60,
      ended: 61,
      stages: [{ stage: "control plane", from: 20, to: 35 }],
    };
    const ours: HostsRun = {
      subject: "ours",
      nodesReady: 50,
      answered: 66,
      ended: 80,
      secondUp: 7.04,
      destroy: 30,
      stages: [{ stage: "preflight", from: 5, to: 8.5 }],
    };
    const runs = [ours, plain, { ...plain, answered: 50 }, { ...ours, answered: 77 }];
    const load = [0, 0] as const;
    const report = renderHostsReport({ command: "npm run bench:hosts", startedAt: "2026-01-01T00:00:00Z", load, runs });
    const rows = report.split("\n");
    for (const row of [
      "| request answered | 55.0 s | 71.5 s | 1.30× |",
      "| second `up`, no changes | – | 7.0 s | – |",
      "| preflight | – | 3.5 s (5 – 9) |",
      "| control plane | 15.0 s (20 – 35) | – |",
    ]) {
      assert.ok(rows.includes(row), `${row}\n${report}`);
    }
    assert.match(report, /medians of 2 run\(s\)/);
  });
});
