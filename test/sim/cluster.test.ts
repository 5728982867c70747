import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedClusterConfig } from "../../components/config/schema/cluster";
import { clusterStatus, startCluster, stopCluster, type StartedCluster } from "../../sim/cluster";
import { Kubectl } from "../../sim/cluster/kubectl";
import { isFree } from "../../sim/cluster/ports";
import { inspectProcess } from "../../sim/toolchain/processes";
import { ensureClusterTools, recordedProgress, type ClusterTools } from "../../sim/toolchain";

const cluster: SimulatedClusterConfig = {
  source: "simulated",
  directory: ".sim",
  subnet: "192.168.64.0/24",
  nodeGroups: [
    { name: "mi300x", count: 2, gpus: 8, vendor: "amd", product: "MI300X", cpus: 192, memory: "1536Gi" },
    { name: "cpu", count: 1, gpus: 0, vendor: "amd", product: "MI300X", cpus: 16, memory: "64Gi" },
  ],
};

interface Pod {
  metadata: { name: string };
  spec: { nodeName?: string };
  status: {
    phase: string;
    podIP?: string;
    conditions?: { type: string; status: string; message?: string }[];
    containerStatuses?: { ready: boolean; state: { waiting?: { reason: string } } }[];
  };
}

const podTemplate = (spec: object, annotations: Record<string, string> = {}) => ({
  metadata: { labels: { app: "test" }, annotations },
  spec: { terminationGracePeriodSeconds: 120, containers: [{ name: "main", image: "example.org/test:1", ...spec }] },
});

const pod = (name: string, spec: object, annotations: Record<string, string> = {}) => {
  const template = podTemplate(spec, annotations);
  return { apiVersion: "v1", kind: "Pod", ...template, metadata: { ...template.metadata, name } };
};

describe("the simulated cluster", function () {
  this.timeout(180_000);

  let directory: string;
  let tools: ClusterTools;
  let kubectl: Kubectl;
  let started: StartedCluster;

  const start = (options: { cluster?: SimulatedClusterConfig; addressPool?: string[]; lines?: string[] } = {}) =>
    startCluster({
      directory,
      tools,
      cluster: options.cluster ?? cluster,
      addressPool: options.addressPool ?? ["192.168.64.240-192.168.64.242"],
      report: recordedProgress(options.lines),
    });

  const pids = async () =>
    Object.fromEntries((await clusterStatus(directory)).components.map(({ name, pid }) => [name, pid]));

  /** Asks until the answer will do, as controllers take their time. */
  async function eventually<T>(ask: () => Promise<T>, check: (answer: T) => void, seconds = 30): Promise<T> {
    for (const deadline = Date.now() + seconds * 1000; ; await sleep(250)) {
      const answer = await ask();
      try {
        check(answer);
        return answer;
      } catch (error) {
        if (Date.now() > deadline) {
          throw error;
        }
      }
    }
  }

  const get = <T>(...args: string[]) => kubectl.getJson<T>(args);
  const listPods = async () => (await get<{ items: Pod[] }>("pods")).items;

  before(async function () {
    this.timeout(900_000);
    directory = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "sim-cluster-")), ".sim");
    tools = await ensureClusterTools({ report: recordedProgress() });
    started = await start();
    kubectl = new Kubectl(tools.kubectl, started.kubeconfig);
  });

  after(async () => {
    await stopCluster({ directory, report: recordedProgress() });
    fs.rmSync(path.dirname(directory), { recursive: true, force: true });
  });

  it("starts five components on 127.0.0.1 only, with a private kubeconfig", async () => {
    assert.equal(started.started.length, 5);
    assert.equal(started.nodes, 3);
    assert.equal((await clusterStatus(directory)).state, "running");
    assert.equal(fs.statSync(started.kubeconfig).mode & 0o777, 0o600);
    assert.match(await kubectl.run(["config", "current-context"]), /^inference-stack-sim-[0-9a-f]{8}$/);
    const { ports } = await clusterStatus(directory);
    for (const port of Object.values(ports!)) {
      assert.equal(await isFree(port), false, `port ${port}`);
      assert.ok(await refuses(nonLoopbackAddress(), port), `port ${port} is open to the network`);
    }
  });

  it("has the nodes of the config, labelled and Ready, with addresses from .11 on", async () => {
    const { items } = await get<{ items: NodeObject[] }>("nodes");
    const nodes = items.map(({ metadata, status }) => [
      metadata.name,
      status.addresses.find(({ type }) => type === "InternalIP")?.address,
      status.capacity["amd.com/gpu"],
      metadata.labels["amd.com/gpu.product-name"],
      status.conditions.find(({ type }) => type === "Ready")?.status,
    ]);
    assert.deepEqual(nodes, [
      ["cpu-0", "192.168.64.13", undefined, undefined, "True"],
      ["mi300x-0", "192.168.64.11", "8", "AMD_Instinct_MI300X_OAM", "True"],
      ["mi300x-1", "192.168.64.12", "8", "AMD_Instinct_MI300X_OAM", "True"],
    ]);
  });

  it("starts nothing when all runs", async () => {
    const before = await pids();
    const kubeconfig = fs.statSync(started.kubeconfig).mtimeMs;
    const lines: string[] = [];
    assert.deepEqual((await start({ lines })).started, []);
    assert.deepEqual(await pids(), before);
    assert.equal(fs.statSync(started.kubeconfig).mtimeMs, kubeconfig);
    assert.match(lines.at(-1) ?? "", /everything ran already/);
  });

  it("schedules GPU pods, makes them Ready, and leaves one over capacity Pending with the scheduler's words", async () => {
    const template = podTemplate({ resources: { limits: { "amd.com/gpu": "8" } } });
    const selector = { matchLabels: { app: "test" } };
    const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "gpu" } };
    await kubectl.apply([{ ...deployment, spec: { replicas: 3, selector, template } }]);
    const pods = await eventually(listPods, (items) => {
      assert.deepEqual(items.map(({ status }) => status.phase).sort(), ["Pending", "Running", "Running"]);
      assert.ok(
        items.some(({ status }) => status.conditions?.some(({ message }) => message?.includes("Insufficient"))),
      );
    });
    const running = pods.filter(({ status }) => status.phase === "Running");
    assert.deepEqual(running.map(({ spec }) => spec.nodeName).sort(), ["mi300x-0", "mi300x-1"]);
    assert.equal(new Set(running.map(({ status }) => status.podIP)).size, 2);
    assert.ok(running.every(({ status }) => status.containerStatuses?.every(({ ready }) => ready)));
    const pending = pods.find(({ status }) => status.phase === "Pending")!;
    const scheduled = pending.status.conditions?.find(({ type }) => type === "PodScheduled");
    assert.match(scheduled?.message ?? "", /0\/3 nodes are available: .*3 Insufficient amd\.com\/gpu/);
    await kubectl.run(["delete", "deployment", "gpu"]);
    await eventually(listPods, (items) => assert.deepEqual(items, []), 15);
  });

  it("completes Jobs and fails those that are told to", async () => {
    const job = (name: string, annotations: Record<string, string>) => {
      const template = podTemplate({}, annotations);
      const spec = { ...template.spec, restartPolicy: "Never" };
      return {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name },
        spec: { backoffLimit: 0, template: { ...template, spec } },
      };
    };
    await kubectl.apply([job("good", {}), job("bad", { "sim.inference-stack/fails": "Error" })]);
    const status = (name: string) => () => get<{ status: { succeeded?: number; failed?: number } }>("job", name);
    await eventually(status("good"), (object) => assert.equal(object.status.succeeded, 1));
    await eventually(status("bad"), (object) => assert.equal(object.status.failed, 1));
    await kubectl.run(["delete", "jobs", "--all"]);
  });

  it("makes pods fail in the ways that users meet", async () => {
    const reasons = ["CrashLoopBackOff", "ImagePullBackOff", "Unready"];
    await kubectl.apply(
      reasons.map((reason) => pod(reason.toLowerCase(), {}, { "sim.inference-stack/fails": reason })),
    );
    const pods = await eventually(listPods, (items) => {
      assert.equal(items.filter(({ status }) => status.containerStatuses !== undefined).length, reasons.length);
    });
    const states = pods.map(({ status }) => [status.phase, status.containerStatuses?.[0]?.state.waiting?.reason]);
    assert.deepEqual(states, [
      ["Running", "CrashLoopBackOff"],
      ["Pending", "ImagePullBackOff"],
      ["Running", undefined],
    ]);
    assert.ok(pods.every(({ status }) => status.containerStatuses?.[0]?.ready === false));
    await kubectl.run(["delete", "pods", "--all"]);
  });

  it("binds a claim that waits for its first consumer", async () => {
    const storageClassName = "local-storage";
    const resources = { requests: { storage: "50Gi" } };
    const expression = { key: "kubernetes.io/hostname", operator: "Exists" };
    await kubectl.apply([
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: storageClassName },
        provisioner: "kubernetes.io/no-provisioner",
        volumeBindingMode: "WaitForFirstConsumer",
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: "models" },
        spec: {
          storageClassName,
          capacity: { storage: "50Gi" },
          accessModes: ["ReadWriteOnce"],
          local: { path: "/mnt/data" },
          nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } },
        },
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "models" },
        spec: { storageClassName, accessModes: ["ReadWriteOnce"], resources },
      },
    ]);
    const claim = () => get<{ status: { phase: string } }>("pvc", "models");
    await sleep(1000);
    assert.equal((await claim()).status.phase, "Pending");
    const user = pod("user", {});
    const volumes = [{ name: "models", persistentVolumeClaim: { claimName: "models" } }];
    await kubectl.apply([{ ...user, spec: { ...user.spec, volumes } }]);
    await eventually(claim, ({ status }) => assert.equal(status.phase, "Bound"));
    await eventually(listPods, ([only]) => assert.equal(only?.status.phase, "Running"));
    await kubectl.run(["delete", "pod", "user"]);
    await kubectl.run(["delete", "pvc", "models"]);
    await kubectl.run(["delete", "pv", "models"]);
  });

  it("gives each LoadBalancer Service its own address, and leaves one beyond the pool pending", async () => {
    for (const name of ["a", "b", "c", "d"]) {
      // Two ports each: only one of them stands for the address.
      await kubectl.run(["create", "service", "clusterip", `internal-${name}`, "--tcp=80"]);
      await kubectl.run(["create", "service", "loadbalancer", name, "--tcp=80"]);
    }
    await eventually(addresses, (found) => assert.equal(new Set(Object.values(found)).size, 4));
    const found = Object.values(await addresses());
    assert.deepEqual(found.sort(), ["192.168.64.240", "192.168.64.241", "192.168.64.242", undefined]);
  });

  it("moves Services to a pool that changed", async () => {
    const lines: string[] = [];
    await start({ addressPool: ["192.168.64.250", "192.168.65.0/29"], lines });
    await eventually(addresses, (found) => {
      const given = Object.values(found).filter((address) => address !== undefined);
      assert.equal(new Set(given).size, 3);
      assert.ok(
        given.every((address) => /^192\.168\.(64\.250|65\.[0-7])$/.test(address)),
        given.join(),
      );
    });
    assert.ok(lines.some((line) => line.includes("the pool changed and no longer holds 192.168.64.24")));
  });

  async function addresses(): Promise<Record<string, string | undefined>> {
    const { items } = await get<{ items: ServiceObject[] }>("services");
    const balanced = items.filter(({ spec }) => spec.type === "LoadBalancer");
    return Object.fromEntries(
      balanced.map(({ metadata, status }) => [metadata.name, status.loadBalancer?.ingress?.[0]?.ip]),
    );
  }

  it("starts a killed API server again and keeps the data", async () => {
    await start();
    const before = await pids();
    await kubectl.run(["create", "configmap", "kept", "--from-literal=a=1"]);
    process.kill(before["kube-apiserver"]!, "SIGKILL");
    await eventually(
      async () => clusterStatus(directory),
      ({ state }) => assert.equal(state, "incomplete"),
    );
    const { started: again } = await start();
    assert.ok(again.includes("kube-apiserver"), again.join());
    const after = await pids();
    assert.equal(after["etcd"], before["etcd"]);
    assert.notEqual(after["kube-apiserver"], before["kube-apiserver"]);
    assert.equal((await get<{ data: Record<string, string> }>("configmap", "kept")).data["a"], "1");
  });

  it("starts again on the same ports after everything was killed, as after a reboot", async () => {
    const ports = (await clusterStatus(directory)).ports!;
    for (const pid of Object.values(await pids())) {
      process.kill(pid!, "SIGKILL");
    }
    // A pid file may name a process that has nothing to do with the cluster by now.
    const pidFiles = execFileSync("find", [directory, "-name", "*.pid"], { encoding: "utf8" }).trim().split("\n");
    assert.equal(pidFiles.length, 5);
    pidFiles.forEach((file) => fs.writeFileSync(file, String(process.pid)));
    await eventually(
      async () => clusterStatus(directory),
      ({ state }) => assert.equal(state, "stopped"),
    );
    assert.equal((await start()).started.length, 5);
    assert.deepEqual((await clusterStatus(directory)).ports, ports);
    assert.equal((await get<{ data: Record<string, string> }>("configmap", "kept")).data["a"], "1");
  });

  it("names the port and its owner when something else took it", async () => {
    const { ports } = await clusterStatus(directory);
    process.kill((await pids())["kube-scheduler"]!, "SIGKILL");
    await eventually(() => isFree(ports!.scheduler), assert.ok);
    const server = net.createServer().listen(ports!.scheduler, "127.0.0.1");
    try {
      await sleep(100);
      const message = new RegExp(`Port ${ports!.scheduler} .*kube-scheduler needs, is in use by .*${process.pid}`);
      await assert.rejects(start(), message);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    assert.deepEqual((await start()).started, ["kube-scheduler"]);
  });

  it("adds and removes nodes as the config changes, pods of removed ones included", async () => {
    const toleratingPod = pod("on-cpu", {});
    await kubectl.apply([{ ...toleratingPod, spec: { ...toleratingPod.spec, nodeName: "cpu-0" } }]);
    await eventually(listPods, ([only]) => assert.equal(only?.status.phase, "Running"));
    const [gpuGroup] = cluster.nodeGroups;
    await start({ cluster: { ...cluster, nodeGroups: [{ ...gpuGroup!, count: 3 }] } });
    const { items } = await get<{ items: NodeObject[] }>("nodes");
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ["mi300x-0", "mi300x-1", "mi300x-2"],
    );
    await eventually(listPods, (pods) => assert.deepEqual(pods, []));
  });

  it("goes on after a start that was interrupted before anything was remembered", async () => {
    const { ports } = await clusterStatus(directory);
    fs.rmSync(path.join(directory, "cluster.json"));
    await start();
    assert.equal((await clusterStatus(directory)).state, "running");
    assert.equal((await get<{ data: Record<string, string> }>("configmap", "kept")).data["a"], "1");
    assert.equal(Object.values((await clusterStatus(directory)).ports!).length, Object.values(ports!).length);
  });

  it("stops without leaving a process, a port or a file", async () => {
    const { ports } = await clusterStatus(directory);
    const before = Object.values(await pids());
    await stopCluster({ directory, report: recordedProgress() });
    assert.equal((await clusterStatus(directory)).state, "absent");
    for (const pid of before) {
      assert.equal(inspectProcess(pid!), undefined);
    }
    for (const port of Object.values(ports!)) {
      assert.ok(await isFree(port), `port ${port}`);
    }
    assert.deepEqual(fs.readdirSync(directory), []);
    await stopCluster({ directory, report: recordedProgress() });
  });
});

interface NodeObject {
  metadata: { name: string; labels: Record<string, string> };
  status: {
    addresses: { type: string; address: string }[];
    capacity: Record<string, string>;
    conditions: { type: string; status: string }[];
  };
}

interface ServiceObject {
  metadata: { name: string };
  spec: { type: string };
  status: { loadBalancer?: { ingress?: { ip?: string }[] } };
}

function nonLoopbackAddress(): string | undefined {
  const addresses = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address;
}

function refuses(host: string | undefined, port: number): Promise<boolean> {
  if (host === undefined) {
    return Promise.resolve(true);
  }
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.on("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", () => resolve(true));
  });
}
