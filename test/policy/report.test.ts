import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { policies } from "../../policy/policies";
import { noteOperation } from "../../policy/pack/preview";
import { audit } from "../../policy/report/audit";
import { readPackConfig } from "../../policy/report/config";
import { withTables } from "../../policy/report/documentation";
import { readResources } from "../../policy/report/resources";
import { sarif } from "../../policy/report/sarif";
import type { Violation } from "../../policy/server/analyzer";
import { config, resourceQuota, unknown, urnOf, type TestResource } from "./harness";
import { deployment, kube, template } from "./resources";

const root = path.join(__dirname, "..", "..");
const secretValue = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:abc" };

function recorded(resource: TestResource, more: object = {}): object {
  return { urn: urnOf(resource), type: resource.type, custom: true, inputs: resource.props, outputs: {}, ...more };
}

function state(...resources: TestResource[]): string {
  const all = [resourceQuota("chat", 8), ...resources].map((resource) => recorded(resource));
  return JSON.stringify({ version: 3, deployment: { resources: all } });
}

function preview(...resources: TestResource[]): string {
  const all = [resourceQuota("chat", 8), ...resources];
  return JSON.stringify({ steps: all.map((resource) => ({ op: "create", newState: recorded(resource) })) });
}

async function violations(text: string, packConfig: object = config): Promise<Violation[]> {
  const pack = policies();
  noteOperation("preview");
  return audit(pack, readPackConfig(JSON.stringify(packConfig), "config.json", pack), readResources(text, "file.json"));
}

const within = deployment({ replicas: 8, template: template(1) });
const above = deployment({ replicas: 9, template: template(1) });

describe("the pack over recorded resources", () => {
  for (const [kind, write] of Object.entries({ state, preview })) {
    it(`finds in a ${kind} what the engine finds, and nothing else`, async () => {
      assert.deepEqual(await violations(write(within)), []);
      const found = await violations(write(above));
      assert.deepEqual(
        found.map(({ policy, level, severity }) => [policy, level, severity]),
        [["gpu-quota-per-namespace", "mandatory", "critical"]],
      );
    });
  }

  it("takes what is unknown or encrypted for unknown", async () => {
    for (const replicas of [unknown, "[secret]", secretValue]) {
      const found = await violations(preview(deployment({ replicas, template: template(1) })));
      assert.deepEqual(
        found.map(({ policy, message }) => [policy, /spec\.replicas.*not known/.test(message)]),
        [["gpu-demand", true]],
      );
    }
  });

  it("reads secrets that were exported in plain text", async () => {
    const replicas = { ...secretValue, plaintext: "9" };
    const found = await violations(state(deployment({ replicas, template: template(1) })));
    assert.deepEqual(
      found.map(({ policy }) => policy),
      ["gpu-quota-per-namespace"],
    );
  });

  it("leaves out what is only read or waits for its deletion", () => {
    const text = JSON.stringify({
      deployment: { resources: [recorded(above, { external: true }), recorded(above, { delete: true })] },
    });
    assert.deepEqual(readResources(text, "state.json"), []);
  });

  it("follows the levels of the config", async () => {
    const advisory = {
      ...config,
      "gpu-quota-per-namespace": { ...config["gpu-quota-per-namespace"], enforcementLevel: "advisory" },
    };
    assert.deepEqual(
      (await violations(state(above), advisory)).map(({ level }) => level),
      ["advisory"],
    );
    assert.deepEqual(
      await violations(state(deployment({ template: template(1, { hostNetwork: true }) })), {
        ...config,
        "no-host-access": "disabled",
      }),
      [],
    );
  });

  it("refuses a file that is neither", () => {
    assert.throws(() => readResources("{}", "x.json"), /x\.json holds neither.*pulumi stack export --file x\.json/);
    assert.throws(() => readResources("{", "x.json"), /x\.json is no JSON/);
  });
});

describe("the config of the pack, read without the engine", () => {
  const wrong: Record<string, [object, RegExp]> = {
    "a policy that does not exist": [{ ...config, "gpu-quotas": {} }, /gpu-quotas: no such policy/],
    "a mistyped key": [{ ...config, "image-sources": { registry: [] } }, /image-sources.*registry/],
    "a wrong type": [{ ...config, "gpu-quota-per-stack": { quota: "12" } }, /gpu-quota-per-stack\.quota/],
    "a level that does not exist": [
      { ...config, "service-links": { enforcementLevel: "on" } },
      /enforcementLevel: allowed/,
    ],
    "an exemption without a reason": [
      { ...config, "host-paths": { allowed: [], exemptions: [{ resource: "Pod/a/b", expires: "2027-01-01" }] } },
      /host-paths\.exemptions\.0\.reason/,
    ],
  };
  for (const [name, [broken, message]] of Object.entries(wrong)) {
    it(`is refused: ${name}`, () => {
      assert.throws(() => readPackConfig(JSON.stringify(broken), "c.json", policies()), message);
    });
  }
  for (const stack of ["dev", "prod"]) {
    it(`is right for the stack ${stack}`, () => {
      const file = path.join(root, "policy", `policy-config.${stack}.json`);
      assert.doesNotThrow(() => readPackConfig(readFileSync(file, "utf8"), file, policies()));
    });
  }
});

interface SarifLog {
  version: string;
  runs: {
    tool: { driver: { name: string; rules: { id: string; shortDescription: { text: string } }[] } };
    results: {
      ruleId: string;
      ruleIndex: number;
      level: string;
      message: { text: string };
      locations: { physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } } }[];
    }[];
  }[];
}

describe("npm run policy", function () {
  this.timeout("60s");
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-policy-"));
  after(() => rmSync(directory, { recursive: true }));

  function run(...args: string[]): { exitCode: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--import=tsx", "cli/policy.ts", ...args], {
      cwd: root,
      encoding: "utf8",
    });
    return { exitCode: status, stdout, stderr };
  }

  it("writes JSON and SARIF, and exits with 1 on mandatory violations", () => {
    const [file, json, log, configFile] = ["state.json", "out.json", "out.sarif", "config.json"].map((name) =>
      path.join(directory, name),
    ) as [string, string, string, string];
    writeFileSync(file, state(above));
    writeFileSync(configFile, JSON.stringify(config));
    const { exitCode, stdout } = run("--file", file, "--config", configFile, "--json", json, "--sarif", log);
    assert.equal(exitCode, 1);
    assert.match(stdout, /\[mandatory\] gpu-quota-per-namespace[\s\S]*2 resources, 1 mandatory violations, 0 advisory/);
    const report = JSON.parse(readFileSync(json, "utf8")) as { summary: object; violations: Violation[] };
    assert.deepEqual(report.summary, { resources: 2, mandatory: 1, advisory: 0 });
    const { version, runs } = JSON.parse(readFileSync(log, "utf8")) as SarifLog;
    assert.equal(version, "2.1.0");
    const [only] = runs;
    assert.ok(only);
    for (const { ruleId, ruleIndex, level, message, locations } of only.results) {
      assert.equal(only.tool.driver.rules[ruleIndex]?.id, ruleId);
      assert.equal(level, "error");
      assert.notEqual(message.text, "");
      assert.equal(locations[0]?.physicalLocation.artifactLocation.uri, "Pulumi.test.yaml");
      assert.equal(locations[0]?.physicalLocation.region.startLine, 1);
    }
    assert.equal(only.results.length, 1);
  });

  it("exits with 0 where nothing is wrong, and with a plain message where it cannot start", () => {
    const file = path.join(directory, "good.json");
    const selector = { matchLabels: { app: "llm" } };
    const budget = kube("policy/v1", "PodDisruptionBudget", { spec: { maxUnavailable: 1, selector } });
    writeFileSync(file, state(within, budget));
    const good = run("--file", file);
    assert.equal(good.exitCode, 0, good.stdout + good.stderr);
    const missing = run();
    assert.equal(missing.exitCode, 1);
    assert.match(missing.stderr, /--file is missing. Usage: npm run policy/);
  });
});

describe("docs/policies.md", () => {
  const page = readFileSync(path.join(root, "docs", "policies.md"), "utf8");

  it("has the tables that the code gives; npm run policy -- --docs writes them", () => {
    assert.equal(page, withTables(page, policies()));
  });

  it("names every policy", () => {
    for (const { name } of policies()) assert.match(page, new RegExp(`^\\| \`${name}\` `, "m"));
  });
});

describe("SARIF", () => {
  it("gives each rule once and the same fingerprint to the same violation", async () => {
    const found = await violations(state(above));
    const logs = [1, 2].map(() => JSON.stringify(sarif(policies(), found, "Pulumi.dev.yaml")));
    assert.equal(logs[0], logs[1]);
    const { runs } = JSON.parse(logs[0] ?? "") as SarifLog;
    const ids = runs[0]?.tool.driver.rules.map(({ id }) => id) ?? [];
    assert.equal(new Set(ids).size, policies().length);
  });
});
