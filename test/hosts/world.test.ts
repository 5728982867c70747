import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { consoleProgress } from "../../sim/toolchain";
import { inspectProcess } from "../../sim/toolchain/processes";
import { kubernetesReleases, packageRevision, World } from "./lab/world";
import { needsLab } from "./needsLab";

/** An address of this machine that no lab uses; nothing but the test listens there. */
const address = "127.123.0.1";

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly location?: string;
}

describe("lab: the outside world", function () {
  this.timeout("30m");
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-world-"));
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  let world: World;

  before(async function () {
    await needsLab(this);
    world = await World.start({ directory, address, report: consoleProgress() });
    resolver.setServers([address]);
  });
  afterEach(() => world.set({}));
  after(async () => {
    await World.stopIn(directory);
    rmSync(directory, { recursive: true });
  });

  /** Fetches a URL as a host would: its name leads to the world, whose authority is trusted. */
  function get(url: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { hostname, pathname } = new URL(url);
      const options = { host: address, path: pathname, servername: hostname, headers: { host: hostname } };
      https
        .get({ ...options, ca: world.caCertificate, agent: false }, (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body, location: response.headers.location }),
          );
        })
        .on("error", reject);
    });
  }

  const repository = (minor: string): string => `https://pkgs.k8s.io/core:/stable:/v${minor}/deb`;
  const minor = kubernetesReleases[0]!.split(".").slice(0, 2).join(".");

  async function packagesIndex(): Promise<string> {
    const { location = "" } = await get(`${repository(minor)}/Packages`);
    return (await get(location)).body;
  }

  it("resolves the names of its servers, and says at once that others do not exist", async () => {
    assert.deepEqual(await resolver.resolve4("registry.k8s.io"), [address]);
    await assert.rejects(resolver.resolve4("example.com"), { code: "ENOTFOUND" });
    world.set({ records: { "api.example.test": "10.0.0.50" }, unknownNames: ["quay.io"] });
    assert.deepEqual(await resolver.resolve4("api.example.test"), ["10.0.0.50"]);
    await assert.rejects(resolver.resolve4("quay.io"), { code: "ENOTFOUND" });
  });

  it("offers each package of Kubernetes in every release, behind the official redirect", async () => {
    const index = await packagesIndex();
    for (const release of kubernetesReleases) {
      for (const name of ["kubelet", "kubeadm", "kubectl"]) {
        assert.ok(index.includes(`Package: ${name}\nVersion: ${release}-${packageRevision}\n`), `${name} ${release}`);
      }
    }
    world.set({ missingPackages: ["kubeadm"] });
    assert.doesNotMatch(await packagesIndex(), /^Package: kubeadm$/m);
  });

  it("serves an image that is whole, until its registry lacks it", async () => {
    const manifest = "https://registry.k8s.io/v2/pause/manifests/3.10.2";
    const { config, layers } = JSON.parse((await get(manifest)).body) as Record<"config", { digest: string }> & {
      layers: { digest: string }[];
    };
    for (const { digest } of [config, ...layers]) {
      assert.equal((await get(`https://registry.k8s.io/v2/pause/blobs/${digest}`)).status, 200, digest);
    }
    world.set({ missingImages: ["registry.k8s.io/pause"] });
    assert.equal((await get(manifest)).status, 404);
    assert.equal((await get("https://registry.k8s.io/v2/etcd/manifests/nothing")).status, 404);
  });

  it("breaks connections to a host that is out of reach", async () => {
    world.set({ unreachable: ["ghcr.io"] });
    await assert.rejects(get("https://ghcr.io/v2/"));
    assert.equal((await get("https://quay.io/v2/")).status, 200);
  });

  it("remembers what was asked", async () => {
    await get("https://quay.io/v2/remembered/manifests/v1");
    const request = world.requests().find(({ path: asked }) => asked === "/v2/remembered/manifests/v1");
    assert.deepEqual(
      [request?.host, request?.method, request?.status, request?.scheme],
      ["quay.io", "GET", 404, "https"],
    );
  });

  it("ends when whoever started it is killed", async () => {
    const other = mkdtempSync(path.join(tmpdir(), "inference-stack-world-"));
    const options = JSON.stringify({ directory: other, address: "127.123.0.2" });
    const program = `require("./test/hosts/lab/world").World.start(${options}).then(() => {
      console.log("started");
      setInterval(() => undefined, 1000);
    });`;
    const child = spawn(process.execPath, ["--import", "tsx", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const { pid } = JSON.parse(readFileSync(path.join(other, "world-process.json"), "utf8")) as { pid: number };
    assert.ok(inspectProcess(pid));
    child.kill("SIGKILL");
    for (let waited = 0; inspectProcess(pid) !== undefined && waited < 5000; waited += 50) {
      await sleep(50);
    }
    assert.equal(inspectProcess(pid), undefined);
    rmSync(other, { recursive: true });
  });
});
