import assert from "node:assert/strict";
import fs from "node:fs";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Cluster, connectCluster } from "../../../components/cluster";
import { toClusterNode } from "../../../components/cluster/liveNodes";
import { clusterSchema, type ClusterConfig } from "../../../components/config/schema/cluster";
import { recordProgram } from "../mocks";
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
  cpus: 191.5,
  memory: 1583434 * 2 ** 10,
};
const answers = {
  "/api/v1/nodes": { kind: "NodeList", apiVersion: "v1", metadata: {}, items: [node] },
  "/api/v1/namespaces/kube-system": { kind: "Namespace", metadata: { name: "kube-system", uid: "uid-of-lab" } },
};

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
    const connection = await connectCluster({ cluster: simulatedIn(kubeconfigFor(server.url)) });
    assert.equal(connection.identifier, "inference-stack-simulated");
    assert.equal(connection.kubeconfig.server, server.url);
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
      connectCluster({ cluster: simulated(path.join(directory, "absent")) }),
      isRunError(/cluster\.source: simulated \(Start the simulated cluster: make up\).*does not exist/),
    );
  });

  it("says how to start it when its API server is gone", async () => {
    const cluster = simulatedIn(kubeconfigFor(`http://127.0.0.1:${await closedPort()}`));
    await assert.rejects(
      connectCluster({ cluster }),
      isRunError(/API server http:\/\/127\.0\.0\.1:\d+ \(context lab\): .*ECONNREFUSED.*make up/),
    );
  });
});

describe("connectCluster to a cluster that exists", () => {
  let server: FakeApiServer;
  afterEach(() => server.close());

  it("reads nodes and identity with the kubeconfig's credentials", async () => {
    server = await startApiServer(answers);
    const { identifier, nodes, kubeconfig } = await connectCluster({
      cluster: existing({ path: written(kubeconfigFor(server.url)) }),
    });
    assert.deepEqual([identifier, nodes], ["uid-of-lab", [gpuNode]]);
    assert.equal(kubeconfig.context, "lab");
    assert.deepEqual(server.requests, ["Bearer hush /api/v1/nodes", "Bearer hush /api/v1/namespaces/kube-system"]);
  });

  it("does not ask for the identity that config gives", async () => {
    server = await startApiServer({ ...answers, "/api/v1/namespaces/kube-system": 403 });
    const cluster = existing({ path: written(kubeconfigFor(server.url)), identifier: "lab-7" });
    assert.equal((await connectCluster({ cluster })).identifier, "lab-7");
  });

  it("takes the kubeconfig from the stack's secrets", async () => {
    server = await startApiServer(answers);
    const program = await recordProgram(async () => {
      const kubeconfig = pulumi.secret(kubeconfigFor(server.url));
      return connectCluster({ cluster: existing(), kubeconfig });
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
      const failure = connectCluster({ cluster });
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
      connectCluster({ cluster: existing({ path: written(kubeconfigFor(server.url)) }) }),
      isRunError(/no answer within 5 s/),
    );
    assert.ok(Date.now() - started < 9000);
  });

  it("says so when nothing listens", async () => {
    const cluster = existing({ path: written(kubeconfigFor(`http://127.0.0.1:${await closedPort()}`)) });
    await assert.rejects(connectCluster({ cluster }), isRunError(/ECONNREFUSED.*Check that the server runs/));
  });

  it("asks for a kubeconfig when there is none", async () => {
    await assert.rejects(
      connectCluster({ cluster: existing() }),
      isRunError(/cluster\.path: not set, and secrets\.kubeconfig/),
    );
  });
});

describe("connectCluster to bare hosts", () => {
  it("says that they are not provisioned yet", async () => {
    const cluster = config({
      source: "hosts",
      hosts: [{ name: "a", address: "10.0.0.1", role: "control-plane" }],
    });
    await assert.rejects(
      connectCluster({ cluster }),
      isRunError(
        /cluster\.source: hosts is validated but provisioned by a later release; .* cluster\.source: kubeconfig/,
      ),
    );
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
