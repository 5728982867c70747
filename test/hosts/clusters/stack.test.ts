import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { answer } from "../../../cli/ask/chat";
import { findModel, openTunnel, readyPod } from "../../../cli/ask/cluster";
import type { Engine, RunResult } from "../../../cli/engine";
import { prepareLabStack } from "../../../cli/lab/stack";
import { policyArguments } from "../../../cli/stack";
import { stopStateService } from "../../../cli/stateBackend";
import { kubeconfigInState } from "../../../cli/stateKubeconfig";
import { consoleProgress, ensureTools } from "../../../sim/toolchain";
import { inOrder } from "../../inOrder";
import { assertSucceeded, changes } from "../../sim/sandbox";
import { Lab } from "../lab";
import { needsLab } from "../needsLab";

const modelName = "qwen3-8b";

/** The lines that curl prints for one question. */
function curl(url: string): Promise<{ readonly exitCode: number; readonly stdout: string }> {
  const body = { model: "Qwen/Qwen3-8B", messages: [{ role: "user", content: "Hello" }], max_tokens: 8 };
  const json = ["-H", "Content-Type: application/json", "-d", JSON.stringify(body)];
  const child = spawn("curl", ["-sS", "--max-time", "30", `${url}/v1/chat/completions`, ...json]);
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 1, stdout }));
  });
}

describe("hosts: the stack lab, from two bare hosts to an answered request", function () {
  this.timeout("20m");
  inOrder(this);
  let directory: string;
  let lab: Lab;
  let engine: Engine;
  let config: KubeConfig;
  const up = (...more: string[]): Promise<RunResult> =>
    engine.capture(["up", "--yes", "--non-interactive", "--skip-preview", ...policyArguments("lab"), ...more]);

  before(async function () {
    await needsLab(this);
    directory = mkdtempSync(path.join(tmpdir(), "inference-stack-lab-stack-"));
    const tools = await ensureTools({ report: consoleProgress() });
    const hosts = ["h1", "h2"].map((name) => ({ name, gpus: 8 }));
    lab = await Lab.start({ hosts, report: consoleProgress() });
    engine = await prepareLabStack({ lab, tools, directory });
  });
  after(async () => {
    await lab?.stop();
    if (directory !== undefined && existsSync(directory)) {
      await stopStateService(directory);
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("previews everything before there is a cluster, with the policy pack", async () => {
    const preview = await engine.capture(["preview", "--non-interactive", ...policyArguments("lab")]);
    assertSucceeded(preview);
    assert.match(preview.stdout, /kubernetes:apps\/v1:Deployment chat\/qwen3-8b create/);
    assert.match(preview.stdout, /kubernetes:metallb\.io\/v1beta1:IPAddressPool metallb create/);
  });

  it("comes up at once, with the policy pack", async () => {
    assertSucceeded(await up());
    const kubeconfig = await kubeconfigInState(engine);
    assert.ok(kubeconfig);
    config = new KubeConfig();
    config.loadFromString(kubeconfig);
  });

  it("has both hosts as Ready nodes that advertise their GPUs", async () => {
    const { items } = await config.makeApiClient(CoreV1Api).listNode();
    assert.deepEqual(
      items.map(({ metadata, status }) => [
        metadata?.name,
        status?.conditions?.find(({ type }) => type === "Ready")?.status,
        status?.allocatable?.["amd.com/gpu"],
      ]),
      [
        ["h1", "True", "8"],
        ["h2", "True", "8"],
      ],
    );
  });

  it("answers curl on this machine, at the address that MetalLB announces", async () => {
    const { url, namespace } = await findModel(config, modelName);
    assert.equal(namespace, "chat");
    const prefix = lab.network.subnet.split(".").slice(0, 3).join("\\.");
    assert.match(url ?? "", new RegExp(`^http://${prefix}\\.(24\\d|250):8000$`));
    const { exitCode, stdout } = await curl(url ?? "");
    assert.equal(exitCode, 0, stdout);
    const { choices } = JSON.parse(stdout) as { choices: { message: { role: string; content: string } }[] };
    assert.equal(choices[0]?.message.role, "assistant");
    assert.ok((choices[0]?.message.content.length ?? 0) > 0);
  });

  it("answers through the API server too, as npm run ask does where the address is out of reach", async () => {
    const tunnel = await openTunnel(config, readyPod(await findModel(config, modelName)));
    let text = "";
    try {
      await answer(tunnel.url, "Hello", (part) => (text += part));
    } finally {
      await tunnel.close();
    }
    assert.ok(text.trim().length > 0);
  });

  it("finds nothing to do the second time", async () => {
    const second = await up("--expect-no-changes");
    assertSucceeded(second);
    assert.deepEqual(Object.keys(changes(second)), ["unchanged"]);
  });

  it("keeps the SSH key and the kubeconfig out of its state and of what it prints", async () => {
    const exported = await engine.capture(["stack", "export"]);
    assertSucceeded(exported);
    const output = await engine.capture(["stack", "output", "kubeconfig", "--show-secrets", "--stack", "lab"]);
    assertSucceeded(output);
    const sshKey = lab.privateKey.split("\n").slice(1, 3).join("").slice(0, 60);
    const adminKey = /"client-key-data":\s*"([^"]{60})/.exec(output.stdout)?.[1];
    assert.ok(sshKey.length === 60 && adminKey !== undefined);
    const state = exported.stdout.replaceAll("\\n", "");
    assert.ok(!state.includes(sshKey), "the SSH key");
    assert.ok(!state.includes(adminKey), "the administrator's key");
  });

  it("is destroyed in order: no resource is left, and the hosts are bare again", async () => {
    assertSucceeded(await engine.capture(["destroy", "--yes", "--skip-preview", "--non-interactive"]));
    for (const host of lab.hosts) {
      assert.equal((await host.tryRun("ls /etc/kubernetes/*.conf")).code, 2, host.name);
      assert.equal((await host.tryRun("pgrep -x kubelet")).code, 1, host.name);
    }
  });
});
