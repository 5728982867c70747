import assert from "node:assert/strict";
import { charts, resolveChart, type ChartFiles } from "../../../components/addons/charts";

const chart = charts.certManager;

/** A mirror that holds these files. */
function mirror(files: Record<string, string>): ChartFiles {
  return {
    exists: (file) => file in files,
    read: (file) => {
      const text = files[file];
      assert.ok(text !== undefined, `${file} was read but is not there`);
      return text;
    },
  };
}

const nothing = mirror({});

describe("charts", () => {
  it("pins an exact version of every chart", () => {
    for (const { name, version } of Object.values(charts)) {
      assert.match(version, /^v?\d+\.\d+\.\d+$/, name);
    }
  });

  it("gives every chart a namespace and a release of its own", () => {
    const all = Object.values(charts);
    assert.equal(new Set(all.map(({ namespace }) => namespace)).size, all.length);
    assert.equal(new Set(all.map(({ release }) => release)).size, all.length);
  });
});

describe("resolveChart", () => {
  const fromRepository = (repo: string) => ({ chart: "cert-manager", version: "v1.21.1", repositoryOpts: { repo } });
  const cases: [source: string, files: ChartFiles, expected: object][] = [
    ["official", nothing, fromRepository("https://charts.jetstack.io")],
    ["https://charts.example.com/all", nothing, fromRepository("https://charts.example.com/all")],
    ["http://mirror:8080", nothing, fromRepository("http://mirror:8080")],
    [
      "oci://registry.example.com/charts",
      nothing,
      { chart: "oci://registry.example.com/charts/cert-manager", version: "v1.21.1" },
    ],
    [
      "oci://registry.example.com/charts/",
      nothing,
      { chart: "oci://registry.example.com/charts/cert-manager", version: "v1.21.1" },
    ],
    ["./mirror", mirror({ "mirror/cert-manager/Chart.yaml": "version: v1.21.1" }), { chart: "./mirror/cert-manager" }],
    [
      "/srv/charts/",
      mirror({ "/srv/charts/cert-manager/Chart.yaml": "version: v1.21.1" }),
      { chart: "/srv/charts/cert-manager" },
    ],
    [
      "/srv/charts",
      mirror({ "/srv/charts/cert-manager-v1.21.1.tgz": "" }),
      { chart: "/srv/charts/cert-manager-v1.21.1.tgz" },
    ],
  ];
  for (const [source, files, expected] of cases) {
    it(`finds the chart at ${source} as ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(resolveChart(source, chart, files), expected);
    });
  }

  it("finds a chart whose project publishes it in an OCI registry", () => {
    const lws = { chart: "oci://registry.k8s.io/lws/charts/lws", version: "0.10.0" };
    assert.deepEqual(resolveChart("official", charts.leaderWorkerSet, nothing), lws);
    const pull = /helm pull oci:\/\/registry\.k8s\.io\/lws\/charts\/lws --version 0\.10\.0 --destination m/;
    assert.throws(() => resolveChart("m", charts.leaderWorkerSet, nothing), pull);
  });

  it("refuses a folder with another version", () => {
    const files = mirror({ "m/cert-manager/Chart.yaml": "version: v1.20.0" });
    assert.throws(() => resolveChart("m", chart, files), /m\/cert-manager is version v1\.20\.0 .* v1\.21\.1 is needed/);
  });

  it("says how to fetch a chart that a directory lacks", () => {
    assert.throws(
      () => resolveChart("m", chart, mirror({ "m/cert-manager-v1.20.0.tgz": "" })),
      /chartSource: m holds neither cert-manager\/ nor cert-manager-v1\.21\.1\.tgz; .*helm pull cert-manager .*--version v1\.21\.1/,
    );
  });

  it("finds every chart but the pod networks among the stand-ins, at the pinned version", () => {
    // A simulated cluster has no network between pods.
    const { calico, calicoCrds, flannel, ...simulated } = charts;
    for (const each of Object.values(simulated)) {
      assert.deepEqual(resolveChart("./sim/charts", each), { chart: `./sim/charts/${each.name}` });
    }
    for (const each of [calico, calicoCrds, flannel]) assert.throws(() => resolveChart("./sim/charts", each));
  });

  it("finds the charts of the test lab, at the pinned version", () => {
    for (const each of [charts.flannel, charts.certManager, charts.amdGpuOperator, charts.metalLb]) {
      const expected = { chart: `./test/hosts/charts/${each.name}` };
      assert.deepEqual(resolveChart("./test/hosts/charts", each), expected);
    }
  });
});
