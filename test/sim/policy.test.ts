import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { Engine, type RunResult } from "../../cli/engine";
import { root, stackFile } from "../../cli/paths";
import { copyForSimulation } from "../../cli/simulate/stackCopy";
import { policyArguments } from "../../cli/stack";
import { readStackFile } from "../../components/config/stackFile";
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
new k8s.policy.v1.PodDisruptionBudget("${name}", {
  metadata: { name: "${name}", namespace: "chat" },
  spec: { maxUnavailable: 1, selector: { matchLabels: { app: "${name}" } } },
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

interface PolicyConfig {
  readonly "gpu-demand": { readonly releases: readonly object[] };
}

describe("sim: the policy pack in the real engine", function () {
  this.timeout("10m");
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

  /** An engine for a program, with the state of its own that `name` gives it. */
  async function engineFor(name: string, text: string): Promise<Engine> {
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
    return engine;
  }

  async function runProgram(name: string, text: string, ...args: string[]): Promise<RunResult> {
    const engine = await engineFor(name, text);
    return engine.capture([...args, "--non-interactive", ...policyArguments("dev")]);
  }

  /** `npm run policy` on what the engine wrote. */
  function audit(name: string, text: string): { status: number | null; violations: { policy: string }[] } {
    const [file, report] = [path.join(sandbox.directory, `${name}.json`), path.join(sandbox.directory, "report.json")];
    writeFileSync(file, text);
    const run = spawnSync(process.execPath, ["--import=tsx", "cli/policy.ts", "--file", file, "--json", report], {
      cwd: root,
      encoding: "utf8",
    });
    assert.ok(run.status === 0 || run.status === 1, run.stdout + run.stderr);
    const { violations } = JSON.parse(readFileSync(report, "utf8")) as { violations: { policy: string }[] };
    return { status: run.status, violations };
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

  it("finds the same in the exported state, without the engine", async () => {
    const engine = await engineFor("within", program("within", "2"));
    const state = await engine.capture(["stack", "export"]);
    assertSucceeded(state);
    assert.match(state.stdout, /kubernetes:apps\/v1:Deployment/);
    assert.deepEqual(audit("state", state.stdout), { status: 0, violations: [] });
  });

  it("tells a breach once, at preview, and the preview as JSON holds it, too", async () => {
    const text = program("once", "9");
    const { stdout } = await runProgram("once", text, "preview");
    assert.equal(stdout.match(/asks for 9 GPUs/g)?.length, 1, stdout);
    assert.doesNotMatch(stdout, /takes namespace chat/);
    const engine = await engineFor("once", text);
    const preview = await engine.capture(["preview", "--json", "--non-interactive"]);
    assertSucceeded(preview);
    const { status, violations } = audit("preview", preview.stdout);
    const policies = violations.map(({ policy }) => policy);
    // The ResourceQuota of 8 follows from the first: it is not told twice. No remedy runs over a file.
    assert.deepEqual([status, policies], [1, ["service-links", "gpu-quota-per-namespace"]]);
  });

  it("lets the prod stack pass without a word, on a simulated cluster in the place of its hosts", async () => {
    const file = readStackFile(stackFile("prod"));
    // Models choose hosts by their labels; the simulated nodes have the same names.
    const { hosts } = file.values["cluster"] as { hosts: { name: string; labels: Record<string, string> }[] };
    for (const { name, labels } of hosts) {
      const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
      assertSucceeded(await sandbox.kubectl("label", "node", name, ...pairs));
    }
    const copy = copyForSimulation(file, "Pulumi.prod.yaml", {
      kubeconfig: sandbox.kubeconfig,
      chartSource: "./sim/charts",
    });
    const directory = path.join(sandbox.directory, "prod");
    const configFile = path.join(sandbox.directory, "prod.yaml");
    writeFileSync(configFile, stringify({ config: copy.config }));
    const engine = new Engine({ tools: sandbox.tools, stack: "prod", directory, configFile });
    await engine.prepare();
    const config = ["--stack", "prod", "--config-file", path.join(directory, "Pulumi.prod.yaml"), "--path"];
    const secrets = Object.entries(copy.secrets).flatMap(([key, value]) => ["--secret", `${key}=${value}`]);
    assertSucceeded(await engine.capture(["config", "set-all", ...config, ...secrets]));
    const result = await engine.capture(["preview", "--non-interactive", ...prodPolicyArguments()]);
    assertSucceeded(result);
    assert.match(result.stdout, /Policies:[\s\S]*inference-stack/);
    assert.match(result.stdout, /deepseek-r1/);
    assert.doesNotMatch(result.stdout, /\[(mandatory|advisory|remediate)\]/);
  });

  /** The pack with prod's config, which here has to allow the charts of the simulation, as dev's does. */
  function prodPolicyArguments(): string[] {
    const read = (stack: string): PolicyConfig =>
      JSON.parse(readFileSync(path.join(root, "policy", `policy-config.${stack}.json`), "utf8")) as PolicyConfig;
    const prod = read("prod");
    const releases = [...prod["gpu-demand"].releases, ...read("dev")["gpu-demand"].releases];
    const file = path.join(sandbox.directory, "policy-config.json");
    writeFileSync(file, JSON.stringify({ ...prod, "gpu-demand": { ...prod["gpu-demand"], releases } }));
    return ["--policy-pack", path.join(root, "policy"), "--policy-pack-config", file];
  }

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
