import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { Engine, type RunResult } from "../../cli/engine";
import { root } from "../../cli/paths";
import { policyArguments } from "../../cli/stack";
import { assertSucceeded, Sandbox } from "./sandbox";

/** A program with one Deployment of one GPU per pod; `replicas` and `before` are text of the program. */
function program(name: string, replicas: string, before = ""): string {
  return `
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
const provider = new k8s.Provider("cluster", { kubeconfig: process.env.TEST_KUBECONFIG });
${before}
new k8s.core.v1.ResourceQuota("quota", {
  metadata: { name: "${name}", namespace: "chat" },
  spec: { hard: { "requests.amd.com/gpu": "8" } },
}, { provider });
new k8s.apps.v1.Deployment("${name}", {
  metadata: { name: "${name}", namespace: "chat", annotations: { "pulumi.com/skipAwait": "true" } },
  spec: {
    replicas: ${replicas},
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
    selector: { matchLabels: { app: "${name}" } },
    template: {
      metadata: { labels: { app: "${name}" } },
      spec: {
        nodeSelector: { "feature.node.kubernetes.io/amd-gpu": "true" },
        terminationGracePeriodSeconds: 60,
        containers: [{
          name: "server",
          image: "vllm/vllm-openai-rocm:v0.33.0",
          ports: [{ name: "http", containerPort: 8000 }],
          readinessProbe: { httpGet: { path: "/health", port: "http" } },
          startupProbe: { httpGet: { path: "/health", port: "http" }, periodSeconds: 10, failureThreshold: 60 },
          resources: { limits: { "amd.com/gpu": "1" } },
        }],
      },
    },
  },
}, { provider });
`;
}

/** A resource whose output the engine knows only once it is made. */
const unknownCount = `
import * as random from "@pulumi/random";
const later = new random.RandomInteger("later", { min: 1, max: 20 });
`;

describe("sim: the policy pack in the real engine", function () {
  this.timeout("5m");
  let sandbox: Sandbox;
  let project: string;

  before(async () => {
    sandbox = await Sandbox.start();
    await sandbox.kubectl("create", "namespace", "chat");
    project = path.join(sandbox.directory, "program");
    mkdirSync(project);
    symlinkSync(path.join(root, "node_modules"), path.join(project, "node_modules"));
    writeFileSync(path.join(project, "package.json"), JSON.stringify({ name: "program", main: "index.ts" }));
    writeFileSync(
      path.join(project, "Pulumi.yaml"),
      stringify({
        name: "inference-stack",
        main: "index.ts",
        runtime: { name: "nodejs", options: { typescript: false, nodeargs: "--import=tsx" } },
      }),
    );
    process.env.TEST_KUBECONFIG = sandbox.kubeconfig;
  });
  after(async () => {
    delete process.env.TEST_KUBECONFIG;
    await sandbox?.stop();
  });

  /** Runs the engine on a program, with the state of its own that `name` gives it. */
  async function runProgram(name: string, text: string, ...args: string[]): Promise<RunResult> {
    writeFileSync(path.join(project, "index.ts"), text);
    const configFile = path.join(project, "config.yaml");
    writeFileSync(configFile, stringify({ config: {} }));
    const engine = new Engine({
      tools: sandbox.tools,
      stack: "program",
      directory: path.join(sandbox.directory, name),
      project,
      configFile,
    });
    await engine.prepare();
    return engine.capture([...args, "--non-interactive", ...policyArguments("dev")]);
  }

  async function deployments(): Promise<string[]> {
    const { items } = await sandbox.apps.listNamespacedDeployment({ namespace: "chat" });
    return items.map(({ metadata }) => metadata?.name ?? "");
  }

  it("lets the dev stack pass without a word", async () => {
    const result = await sandbox.preview();
    assertSucceeded(result);
    assert.match(result.stdout, /Policies:[\s\S]*inference-stack/);
    assert.doesNotMatch(result.stdout, /\[(mandatory|advisory|remediate)\]/);
  });

  it("lets a program within its quota pass, and make its Deployment", async () => {
    assertSucceeded(await runProgram("within", program("within", "2"), "up", "--yes", "--skip-preview"));
    assert.deepEqual(await deployments(), ["within"]);
    const { spec } = await sandbox.apps.readNamespacedDeployment({ name: "within", namespace: "chat" });
    assert.equal(spec?.template.spec?.enableServiceLinks, false, "the pack sets it where the program does not");
  });

  const attacks: Record<string, { text: string; args: string[]; policy: RegExp }> = {
    "a quota breach at preview": {
      text: program("breach", "9"),
      args: ["preview"],
      policy: /\[mandatory\][^\n]* gpu-quota-per-namespace[\s\S]*asks for 9 GPUs; its quota is 8/,
    },
    "a replica count that is unknown at preview": {
      text: program("unknown", "later.result", unknownCount),
      args: ["preview"],
      policy: /\[mandatory\][^\n]* gpu-demand[\s\S]*spec\.replicas/,
    },
    "a program that asks for more once it is no preview": {
      text: program("trick", "pulumi.runtime.isDryRun() ? 2 : 20"),
      args: ["up", "--yes"],
      policy: /takes namespace chat to 20 GPUs/,
    },
    "a transform that raises the replicas": {
      text: program(
        "transformed",
        "1",
        "pulumi.runtime.registerResourceTransform(({ type, props, opts }) =>\n" +
          '  type === "kubernetes:apps/v1:Deployment"\n' +
          "    ? { props: { ...props, spec: { ...props.spec, replicas: 9 } }, opts }\n" +
          "    : undefined);",
      ),
      args: ["up", "--yes", "--skip-preview"],
      policy: /takes namespace chat to 9 GPUs/,
    },
  };
  for (const [name, { text, args, policy }] of Object.entries(attacks)) {
    it(`refuses ${name}, and makes no Deployment`, async () => {
      const result = await runProgram(name.replaceAll(/\W+/g, "-"), text, ...args);
      assert.notEqual(result.exitCode, 0, result.stdout);
      assert.match(result.stdout + result.stderr, policy);
      assert.deepEqual(await deployments(), ["within"]);
    });
  }
});
