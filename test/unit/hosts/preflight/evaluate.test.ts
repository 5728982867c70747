import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { gpuSchema } from "../../../../components/config/schema/platform";
import { withRows } from "../../../../components/hosts/preflight/documentation";
import { evaluate } from "../../../../components/hosts/preflight/evaluate";
import { planOf } from "../../../../components/hosts/preflight/plan";
import { reportOf, reportText } from "../../../../components/hosts/preflight/report";
import { factValues } from "../../../../components/hosts/preflight/requests";
import { cluster, findings } from "./fixtures";

const plan = planOf(cluster(), gpuSchema.parse({}));

describe("preflight", () => {
  it("tells all findings of all hosts at once, by host, failures first", () => {
    const report = reportOf(
      plan,
      findings({
        first: { governor: "powersave", init: "runit", swaps: "" },
        second: { cpus: "1", osRelease: "ID=arch\nPRETTY_NAME=Arch", hostname: "gpu-1" },
      }),
    );
    assert.deepEqual(
      report.findings.map(({ host, id }) => `${host} ${id}`),
      ["gpu-1 init", "gpu-1 hostname-unique", "gpu-1 cpu-governor", "gpu-2 os", "gpu-2 hostname-unique"],
    );
    assert.deepEqual([report.passed, report.failures, report.warnings], [false, 4, 1]);
    const text = reportText(report);
    assert.match(text, /^FAIL {2}gpu-1: init is runit \[init\]\n {6}cause: .*\n {6}next: /);
    assert.match(text, /\npreflight: 2 hosts, 4 failures, 1 warning; nothing was changed$/);
  });

  it("passes with warnings", () => {
    const report = reportOf(plan, findings({ first: { governor: "powersave" } }));
    assert.equal(report.passed, true);
    assert.match(reportText(report), /preflight: 2 hosts, 0 failures, 1 warning$/);
  });

  it("takes a failing row that the config accepts as a warning, on all hosts", () => {
    const found = findings({ first: { cpus: "1" }, cluster: { preflight: { accept: ["cpus"] } } });
    assert.deepEqual(
      found.map(({ id, severity, accepted }) => ({ id, severity, accepted })),
      [{ id: "cpus", severity: "warn", accepted: true }],
    );
    assert.match(reportText(reportOf(plan, found)), /^warn \(accepted\) {2}gpu-1: has 1 CPU/);
  });

  it("refuses an id that no row has", () => {
    assert.throws(
      () => findings({ cluster: { preflight: { accept: ["cpu"] } } }),
      /cluster\.preflight\.accept: cpu: no finding has this id\. Allowed: .*cpus/,
    );
  });

  it("tells of hosts that could not be looked at beside findings of the others", () => {
    const [first, second] = plan.hosts;
    const found = evaluate(
      [
        { host: first!, failure: "hostKey", message: "shows the SSH key SHA256:x; pinned is SHA256:y" },
        { host: second!, failure: "unreachable", message: "root@10.0.0.12 port 22: no answer within 10 s" },
      ],
      plan,
    );
    assert.deepEqual(
      found.map(({ host, id, severity }) => `${host} ${id} ${severity}`),
      ["gpu-1 host-key fail", "gpu-2 unreachable fail"],
    );
  });

  it("asks hosts for their peers, the mirrors and the wanted packages", () => {
    const mirrored = cluster({
      kubernetesVersion: "1.35.2",
      mirrors: { apt: { kubernetes: "http://m/k8s/" }, images: { "registry.k8s.io": "https://m/registry" } },
      proxy: { https: "http://proxy:3128", noProxy: ["m"] },
    });
    const values = factValues(plan.hosts[0]!, {
      ...planOf(mirrored, gpuSchema.parse({})),
      modelStorage: { path: "/models", bytes: 1 },
    });
    assert.deepEqual(values, {
      PEERS: "gpu-2 10.0.0.12 22",
      DOWNLOADS: "registry-0 https://m/registry/v2/",
      NAMES: "",
      MODEL_PATH: "/models",
      KUBERNETES_PACKAGES: "http://m/k8s/v1.35/deb",
      KUBERNETES_VERSION: "1.35.2",
      HTTP_PROXY_URL: "",
      HTTPS_PROXY_URL: "http://proxy:3128",
      NO_PROXY_LIST: "m",
    });
  });
});

describe("docs/preflight.md", () => {
  it("has the rows that the code gives; npm run preflight -- --docs writes them", () => {
    const page = fs.readFileSync(path.join(__dirname, "../../../../docs/preflight.md"), "utf8");
    assert.equal(page, withRows(page));
  });
});
