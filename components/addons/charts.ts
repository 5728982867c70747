import fs from "node:fs";
import path from "node:path";
import { parse } from "yaml";

/** A Helm chart that the stack installs. */
export interface Chart {
  /** Name of the chart in its repository. */
  readonly name: string;
  /** Exact version, spelt as the repository spells it. */
  readonly version: string;
  /** The project's own repository: `https://…`, or the path of an OCI registry, `oci://…`. */
  readonly repository: string;
  /** Namespace of the release; ours, so created and deleted with it. */
  readonly namespace: string;
  /** Name of the release; objects of the chart are named after it. */
  readonly release: string;
}

/** The one table of chart versions. An upgrade is a change here and in what an add-on says about its values. */
export const charts = {
  certManager: {
    name: "cert-manager",
    version: "v1.21.1",
    repository: "https://charts.jetstack.io",
    namespace: "cert-manager",
    release: "cert-manager",
  },
  metalLb: {
    name: "metallb",
    version: "0.16.1",
    repository: "https://metallb.github.io/metallb",
    namespace: "metallb-system",
    release: "metallb",
  },
  leaderWorkerSet: {
    name: "lws",
    version: "0.10.0",
    repository: "oci://registry.k8s.io/lws/charts",
    // The controller's certificates are for this namespace only.
    namespace: "lws-system",
    release: "lws",
  },
  amdGpuOperator: {
    name: "gpu-operator-charts",
    version: "v1.5.1",
    repository: "https://rocm.github.io/gpu-operator",
    namespace: "kube-amd-gpu",
    release: "amd-gpu-operator",
  },
  nvidiaGpuOperator: {
    name: "gpu-operator",
    version: "v26.7.0",
    repository: "https://helm.ngc.nvidia.com/nvidia",
    namespace: "gpu-operator",
    release: "gpu-operator",
  },
  // Calico's CRDs have been a chart of their own since 3.32. It holds nothing that is in a namespace; this one keeps
  // Helm's record.
  calicoCrds: {
    name: "crd.projectcalico.org.v1",
    version: "v3.32.1",
    repository: "https://docs.tigera.io/calico/charts",
    namespace: "calico-crds",
    release: "calico-crds",
  },
  calico: {
    name: "tigera-operator",
    version: "v3.32.1",
    repository: "https://docs.tigera.io/calico/charts",
    namespace: "tigera-operator",
    release: "calico",
  },
  flannel: {
    name: "flannel",
    version: "v0.28.9",
    repository: "https://flannel-io.github.io/flannel",
    namespace: "kube-flannel",
    release: "flannel",
  },
} as const satisfies Record<string, Chart>;

/** Where a Release takes its chart from: the matching part of `helm.v3.ReleaseArgs`. */
export interface ChartReference {
  readonly chart: string;
  /** Absent for a chart on disk, whose version is its own. */
  readonly version?: string;
  readonly repositoryOpts?: { readonly repo: string };
}

/** How a directory mirror is read. */
export interface ChartFiles {
  exists(file: string): boolean;
  read(file: string): string;
}

const disk: ChartFiles = { exists: fs.existsSync, read: (file) => fs.readFileSync(file, "utf8") };

/**
 * Finds a chart at a `chartSource`: `official`, an `http(s)://` repository, an `oci://` registry path, or a directory
 * that holds `<chart>/` or `<chart>-<version>.tgz`. Throws when a directory lacks the chart or has another version.
 */
export function resolveChart(chartSource: string, chart: Chart, files: ChartFiles = disk): ChartReference {
  if (chartSource === "official") {
    return resolveChart(chart.repository, chart, files);
  }
  if (/^https?:\/\//.test(chartSource)) {
    return fromRepository(chartSource, chart);
  }
  if (chartSource.startsWith("oci://")) {
    return { chart: `${chartSource.replace(/\/+$/, "")}/${chart.name}`, version: chart.version };
  }
  return fromDirectory(chartSource, chart, files);
}

function fromRepository(repo: string, chart: Chart): ChartReference {
  return { chart: chart.name, version: chart.version, repositoryOpts: { repo } };
}

function fromDirectory(directory: string, chart: Chart, files: ChartFiles): ChartReference {
  const folder = `${directory.replace(/\/+$/, "")}/${chart.name}`;
  const description = path.posix.join(folder, "Chart.yaml");
  if (files.exists(description)) {
    const { version } = parse(files.read(description)) as { version?: unknown };
    if (version !== chart.version) {
      throw new Error(
        `chartSource: ${folder} is version ${String(version)} of ${chart.name}, but ${chart.version} is needed; ` +
          `replace it by: ${pullCommand(directory, chart)}`,
      );
    }
    return { chart: folder };
  }
  const archive = `${folder}-${chart.version}.tgz`;
  if (files.exists(archive)) {
    return { chart: archive };
  }
  throw new Error(
    `chartSource: ${directory} holds neither ${chart.name}/ nor ${path.basename(archive)}; ` +
      `fetch it by: ${pullCommand(directory, chart)}`,
  );
}

function pullCommand(directory: string, chart: Chart): string {
  const from = chart.repository.startsWith("oci://")
    ? `${chart.repository}/${chart.name}`
    : `${chart.name} --repo ${chart.repository}`;
  return `helm pull ${from} --version ${chart.version} --destination ${directory}`;
}
