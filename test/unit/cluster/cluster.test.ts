import assert from "node:assert/strict";
import fs from "node:fs";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Cluster, connectCluster } from "../../../components/cluster";
import { toClusterNode } from "../../../components/cluster/liveNodes";
import { clusterSchema, type ClusterConfig } from "../../../components/config/schema/cluster";
import { gpuSchema } from "../../../components/config/schema/platform";
import { recordProgram, type RecordedProgram } from "../mocks";
import { kubeconfigFor, startApiServer, type FakeApiServer } from "./apiServer";

const config = (written: object): ClusterConfig => clusterSchema.parse(written);
const simulated = (place: string): ClusterConfig =>
  config({ source: "simulated", directory: place, nodeGroups: [{ name: "mi300x", count: 2 }] });
const existing = (written: object = {}) => config({ source: "kubeconfig", ...written });

const node = {
  metadata: { name: "gpu-a", labels: { "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM" } },
  status: {
    addresses: [
      { type: "Hostname", address: "gpu-a" },
      { type: "InternalIP", address: "fd00::5" },
      { type: "InternalIP", address: "10.0.0.5" },
    ],
    allocatable: { cpu: "191500m", memory: "1583434Ki", "amd.com/gpu": "8" },
  },
};
const gpuNode = {
  name: "gpu-a",
  address: "10.0.0.5",
  gpus: { amd: 8, nvidia: 0 },
  product: "AMD_Instinct_MI300X_OAM",
  labels: { "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM" },
  cpus: 191.5,
  memory: 1583434 * 2 ** 10,
};
const answers = {
  "/api/v1/nodes": { kind: "NodeList", apiVersion: "v1", metadata: {}, items: [node] },
  "/api/v1/namespaces/kube-system": { kind: "Namespace", metadata: { name: "kube-system", uid: "uid-of-lab" } },
};

/** connectCluster with what the rest of a stack's config says. */
const connect = ({ cluster, kubeconfig }: { cluster: ClusterConfig; kubeconfig?: pulumi.Output<string> }) =>
  connectCluster({ cluster, gpu, storage, models: [], secrets: { kubeconfig } });
const gpu = gpuSchema.parse({ vendor: "amd" });
const storage = { type: "local", path: "/mnt/data/ai-models", size: "1Ti" } as const;

let directory: string;
const written = (text: string): string => {
  const file = path.join(directory, "kubeconfig");
  fs.writeFileSync(file, text);
  return file;
};

before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "cluster-"));
});

after(() => {
  fs.rmSync(directory, { recursive: true });
});

/** A port of this machine that nothing listens on. */
async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const isRunError = (pattern: RegExp) => (error: unknown) => {
  assert.ok(pulumi.RunError.isInstance(error), String(error));
  assert.match(error.message, pattern);
  return true;
};

describe("toClusterNode", () => {
  it("reports what pods can be given, and the IPv4 InternalIP", () => {
    assert.deepEqual(toClusterNode(node), gpuNode);
  });

  it("counts no GPUs before the device plugin runs", () => {
    const bare = {
      ...node,
      metadata: { name: "n" },
      status: { ...node.status, allocatable: { cpu: "8", memory: "1Gi" } },
    };
    const expected = {
      ...gpuNode,
      name: "n",
      gpus: { amd: 0, nvidia: 0 },
      product: undefined,
      labels: {},
      cpus: 8,
      memory: 2 ** 30,
    };
    assert.deepEqual(toClusterNode(bare), expected);
  });

  it("refuses a node without an InternalIP", () => {
    assert.throws(() => toClusterNode({ metadata: { name: "n" }, status: {} }), /node n reports no InternalIP/);
  });
});

/** A simulated cluster whose directory holds this kubeconfig. */
function simulatedIn(kubeconfig: string): ClusterConfig {
  const place = fs.mkdtempSync(path.join(directory, "simulated-"));
  fs.writeFileSync(path.join(place, "kubeconfig"), kubeconfig);
  return simulated(place);
}

describe("connectCluster to a simulated cluster", () => {
  let server: FakeApiServer;
  beforeEach(async () => {
    server = await startApiServer({});
  });
  afterEach(() => server.close());

  it("takes the nodes from config and always has the same identity", async () => {
    const connection = await connect({ cluster: simulatedIn(kubeconfigFor(server.url)) });
    assert.equal(connection.identifier, "inference-stack-simulated");
    assert.equal(connection.kubeconfig?.server, server.url);
    assert.deepEqual(
      connection.nodes.map(({ name, address, gpus }) => ({ name, address, gpus })),
      [
        { name: "mi300x-0", address: "192.168.64.11", gpus: { amd: 8, nvidia: 0 } },
        { name: "mi300x-1", address: "192.168.64.12", gpus: { amd: 8, nvidia: 0 } },
      ],
    );
    assert.deepEqual(server.requests, []);
  });

  it("says how to start it when it has never been", async () => {
    await assert.rejects(
      connect({ cluster: simulated(path.join(directory, "absent")) }),
      isRunError(/cluster\.source: simulated \(Start the simulated cluster: make up\).*does not exist/),
    );
  });

  it("says how to start it when its API server is gone", async () => {
    const cluster = simulatedIn(kubeconfigFor(`http://127.0.0.1:${await closedPort()}`));
    await assert.rejects(
      connect({ cluster }),
      isRunError(/API server http:\/\/127\.0\.0\.1:\d+ \(context lab\): .*ECONNREFUSED.*make up/),
    );
  });
});

describe("connectCluster to a cluster that exists", () => {
  let server: FakeApiServer;
  afterEach(() => server.close());

  it("reads nodes and identity with the kubeconfig's credentials", async () => {
    server = await startApiServer(answers);
    const { identifier, nodes, kubeconfig } = await connect({
      cluster: existing({ path: written(kubeconfigFor(server.url)) }),
    });
    assert.deepEqual([identifier, nodes], ["uid-of-lab", [gpuNode]]);
    assert.equal(kubeconfig?.context, "lab");
    assert.deepEqual(server.requests, ["Bearer hush /api/v1/nodes", "Bearer hush /api/v1/namespaces/kube-system"]);
  });

  it("does not ask for the identity that config gives", async () => {
    server = await startApiServer({ ...answers, "/api/v1/namespaces/kube-system": 403 });
    const cluster = existing({ path: written(kubeconfigFor(server.url)), identifier: "lab-7" });
    assert.equal((await connect({ cluster })).identifier, "lab-7");
  });

  it("takes the kubeconfig from the stack's secrets", async () => {
    server = await startApiServer(answers);
    const program = await recordProgram(async () => {
      const kubeconfig = pulumi.secret(kubeconfigFor(server.url));
      return connect({ cluster: existing(), kubeconfig });
    });
    assert.deepEqual(program.result.nodes, [gpuNode]);
  });

  it("names server, context and what to check when the credentials are refused", async () => {
    for (const [status, reason] of [
      [401, /refused the credentials \(401\)/],
      [403, /may not do this \(403\)/],
      [500, /status 500/],
    ] as const) {
      server = await startApiServer({ "/api/v1/nodes": status });
      const cluster = existing({ path: written(kubeconfigFor(server.url)) });
      const failure = connect({ cluster });
      await assert.rejects(failure, isRunError(reason));
      await assert.rejects(
        failure,
        isRunError(/API server http:\/\/127\.0\.0\.1:\d+ \(context lab\).*kubectl --context lab/),
      );
      await assert.rejects(failure, (error: Error) => !error.message.includes("hush"));
      await server.close();
    }
  });

  it("gives up on a server that does not answer", async () => {
    server = await startApiServer({ "/api/v1/nodes": "hang" });
    const started = Date.now();
    await assert.rejects(
      connect({ cluster: existing({ path: written(kubeconfigFor(server.url)) }) }),
      isRunError(/no answer within 5 s/),
    );
    assert.ok(Date.now() - started < 9000);
  });

  it("says so when nothing listens", async () => {
    const cluster = existing({ path: written(kubeconfigFor(`http://127.0.0.1:${await closedPort()}`)) });
    await assert.rejects(connect({ cluster }), isRunError(/ECONNREFUSED.*Check that the server runs/));
  });

  it("asks for a kubeconfig when there is none", async () => {
    await assert.rejects(
      connect({ cluster: existing() }),
      isRunError(/cluster\.path: not set, and secrets\.kubeconfig/),
    );
  });
});

describe("connectCluster to bare hosts", () => {
  const cluster = config({
    source: "hosts",
    hosts: [
      { name: "a", address: "a.example.org", nodeAddress: "10.0.0.1", role: "control-plane" },
      { name: "b", address: "10.0.0.2", role: "worker", gpus: 8, product: "MI300X", labels: { pool: "a" } },
      { name: "c", address: "10.0.0.3", role: "worker", gpus: 4, vendor: "nvidia" },
    ],
  });

  it("plans the nodes that config describes, and asks nobody", async () => {
    const { nodes, kubeconfig, identifier } = await connect({ cluster });
    assert.deepEqual(
      nodes.map(({ name, address, gpus, product }) => [name, address, gpus, product]),
      [
        ["a", "10.0.0.1", { amd: 0, nvidia: 0 }, undefined],
        ["b", "10.0.0.2", { amd: 8, nvidia: 0 }, "MI300X"],
        ["c", "10.0.0.3", { amd: 0, nvidia: 4 }, undefined],
      ],
    );
    assert.deepEqual(nodes[1]?.labels, { pool: "a", "kubernetes.io/hostname": "b" });
    assert.deepEqual([kubeconfig, identifier], [undefined, undefined]);
  });

  it("hands on what the hosts are measured by", async () => {
    const secrets = { sudoPassword: pulumi.secret("a password") };
    const { hosts } = await connectCluster({ cluster, gpu, storage, models: [], secrets });
    assert.deepEqual(hosts, { cluster, gpu, storage, imageVolumes: false, secrets });
    const models = [{ weights: { type: "image", reference: "ghcr.io/acme/weights:v1" } }] as const;
    const served = await connectCluster({ cluster, gpu, storage, models, secrets });
    assert.equal(served.hosts?.imageVolumes, true);
  });
});

describe("Cluster", () => {
  const run = () =>
    recordProgram(() => {
      const kubeconfig = { contents: '{"kind":"Config"}', context: "lab", server: "https://10.0.0.1:6443" };
      return new Cluster("cluster", { kubeconfig, identifier: "uid-of-lab", nodes: [gpuNode] });
    });

  it("makes a provider whose kubeconfig is secret and whose identity does not hang on it", async () => {
    const program = await run();
    const provider = program.one("pulumi:providers:kubernetes");
    assert.deepEqual(provider.inputs, {
      kubeconfig: '{"kind":"Config"}',
      clusterIdentifier: "uid-of-lab",
      enableServerSideApply: "true",
      enableConfigMapMutable: "true",
      enableSecretMutable: "true",
    });
    assert.deepEqual(provider.secrets, ["kubeconfig"]);
    assert.equal(provider.parent, program.one("inference-stack:cluster:Cluster").urn);
  });

  it("hands on the nodes", async () => {
    assert.deepEqual((await run()).result.nodes, [gpuNode]);
  });
});

describe("Cluster of bare hosts, at the first preview", () => {
  const cluster = config({
    source: "hosts",
    trustOnFirstUse: true,
    hosts: [
      { name: "a", address: "10.0.0.1", role: "control-plane" },
      { name: "b", address: "10.0.0.2", role: "worker" },
    ],
  });
  const run = (validated = true) =>
    recordProgram(
      async () => {
        const secrets = { sshPrivateKey: pulumi.secret("a key") };
        const made = new Cluster("cluster", await connectCluster({ cluster, gpu, storage, models: [], secrets }));
        assert.ok(cluster.source === "hosts");
        const judged = { ...cluster, validation: { ...cluster.validation, enabled: validated } };
        return made.validate({ cluster: judged, gpu, after: [made.provider], rerunOn: [] });
      },
      { preview: true },
    );

  it("makes a provider whose kubeconfig will come from the hosts", async () => {
    const program = await run();
    const provider = program.one("pulumi:providers:kubernetes");
    assert.equal(provider.inputs.kubeconfig, pulumi.runtime.unknownValue);
  });

  it("puts whatever is on the cluster after every host, so that it goes before them", async () => {
    const program = await run();
    const awaited = program.names(program.one("pulumi:providers:kubernetes").dependencies);
    for (const step of ["a-init", "b-join"]) {
      const ancestors = awaited.flatMap((name) => [name, ...upstream(program, name)]);
      assert.ok(ancestors.includes(step), `${step} is not among ${ancestors.join(", ")}`);
    }
  });

  it("validates after what it is told to wait for, where config does not turn that off", async () => {
    const program = await run();
    const step = program.one("command:remote:Command", "validation");
    assert.ok(program.names(step.dependencies).includes("cluster"));
    assert.equal((await run(false)).result, undefined);
  });
});

/** Names of everything that a resource waits for, through others. */
function upstream(program: RecordedProgram<unknown>, name: string, seen = new Set<string>()): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  const direct = program.resources
    .filter((resource) => resource.name === name)
    .flatMap(({ dependencies }) => program.names(dependencies));
  return direct.flatMap((next) => [next, ...upstream(program, next, seen)]);
}
