import * as assert from "node:assert/strict";
import * as path from "node:path";
import type { Path } from "../../../components/config/paths";
import { checkStackConfig } from "../../../components/config/check";
import { formatProblem } from "../../../components/config/problem";
import { parseStackFile, readStackFile } from "../../../components/config/stackFile";
import { goodConfig, hostsConfig, withValue, type Values } from "./support";

const root = path.join(__dirname, "..", "..", "..");

const dev = readStackFile(path.join(root, "Pulumi.dev.yaml")).values;
const prod = readStackFile(path.join(root, "Pulumi.prod.yaml")).values;

/** Configs that together hold every kind of section. */
const configs: Readonly<Record<string, () => Values>> = {
  dev: () => structuredClone(dev),
  prod: () => structuredClone(prod),
  hosts: () => withValue(hostsConfig(), ["cluster", "hosts", 0, "taints"], [{ key: "a", effect: "NoSchedule" }]),
  kubeconfig: () => ({
    ...goodConfig(),
    cluster: { source: "kubeconfig", path: "k", context: "c" },
    storage: { type: "storageClass", className: "fast" },
    loadBalancer: { addresses: ["10.0.0.1"], interfaces: ["eth0"] },
    models: [{ name: "a", model: "a/b", hfToken: { secretName: "s", key: "k" }, extraArgs: ["--seed=1"] }],
  }),
};

const oddities: readonly unknown[] = [undefined, null, 5, -1, 0.5, "", "x y", true, [], [null], {}, { a: 1 }, "host"];

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  const steps = Object.entries(value).map(([key, child]: [string, unknown]) => ({
    child,
    step: Array.isArray(value) ? Number(key) : key,
  }));
  return [...(at.length > 0 ? [at] : []), ...steps.flatMap(({ child, step }) => pathsOf(child, [...at, step]))];
}

describe("checkStackConfig answers", () => {
  for (const [name, make] of Object.entries(configs)) {
    it(`whatever stands at any place of ${name}: with a config, or with problems that blame the file`, () => {
      for (const place of pathsOf(make())) {
        for (const oddity of oddities) {
          const config = withValue(make(), place, structuredClone(oddity));
          const { problems } = checkStackConfig(config, [["secrets"]]);
          for (const problem of problems ?? [])
            assert.match(formatProblem(problem), /^inference-stack:\S+: .+\. Allowed: .+\. Next: .+[.?]$/);
          // A stand-in is the program's: a message that shows one would speak of what nobody wrote.
          assert.doesNotMatch(
            (problems ?? []).map(formatProblem).join("\n"),
            /192\.0\.2\.1|unknown\/unknown|"unknown"/,
          );
        }
      }
    });
  }

  it("two mistakes at once, with both", () => {
    const text =
      "config:\n  inference-stack:cluster: 5\n  inference-stack:namespaces: [5]\n  inference-stack:models: [{}]\n";
    const { values } = parseStackFile(text, "Pulumi.x.yaml");
    const places = (checkStackConfig(values).problems ?? []).map((problem) => problem.path.join("."));
    assert.deepEqual(places, ["cluster", "namespaces.0", "models.0.name", "models.0.model"]);
  });
});
