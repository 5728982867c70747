import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "../../../cli/paths";
import { Lab } from "../../hosts/lab";
import { measure, type CommandResult } from "../command";
import type { HostsRun } from "./measurement";
import { objectList, plainKubeadmConfig, type ModelObjects } from "./plainInputs";
import { withLab, type RunOptions, type Target } from "./runOptions";
import { stagesOfMarks } from "./stages";
import { watch } from "./watch";

const scripts = __dirname;

/** The script on fresh hosts, until its model is served. */
export async function runPlain(options: RunOptions, target: Target, objects: ModelObjects): Promise<HostsRun> {
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-bench-"));
  try {
    return await withLab(target, (lab) => measureScript(options, target, lab, directory, objects));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureScript(
  options: RunOptions,
  target: Target,
  lab: Lab,
  directory: string,
  objects: ModelObjects,
): Promise<HostsRun> {
  const variables = writeInputs(options, target, lab, directory, objects);
  const { nodesReady, answered, result } = await watch({ ...options, ...target, lab }, async ({ signal, now }) => {
    const startedAt = Date.now() / 1000 - now();
    const { stdout } = await runScript({ ...options, signal }, variables);
    return { ended: now(), stages: stagesOfMarks(stdout, startedAt) };
  });
  return { subject: "plain", nodesReady, answered, ...result };
}

/** What the operator would have at hand before the clock starts: a key, a config for kubeadm, the model's manifests. */
function writeInputs(
  { tools }: RunOptions,
  { cluster, controlPlane, worker }: Target,
  lab: Lab,
  directory: string,
  objects: ModelObjects,
): Record<string, string> {
  const file = (name: string, contents: string): string => {
    const place = path.join(directory, name);
    writeFileSync(place, contents, { mode: 0o600 });
    return place;
  };
  const [labels = {}] = cluster.hosts.map((host) => host.labels);
  return {
    CONTROL_PLANE: lab.host(controlPlane).address,
    WORKER: lab.host(worker).address,
    SSH_KEY: file("id_ed25519", lab.privateKey),
    KNOWN_HOSTS: file("known_hosts", lab.hosts.map(({ address, hostKey }) => `${address} ${hostKey}\n`).join("")),
    MINOR: cluster.kubernetesVersion.split(".").slice(0, 2).join("."),
    KUBEADM_CONFIG: file("kubeadm.yaml", plainKubeadmConfig(cluster)),
    IGNORED_ERRORS: cluster.kubeadm.ignorePreflightErrors.join(","),
    POD_CIDR: cluster.podCidr,
    CHARTS: path.join(root, "test", "hosts", "charts"),
    NODE_LABELS: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(" "),
    OBJECTS: file("objects.json", objectList(objects, lab.network.subnet)),
    KUBECTL: tools.kubectl,
    HELM: tools.helm,
    WORK: directory,
  };
}

async function runScript(
  { limitSeconds, signal }: RunOptions,
  variables: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  const result = await measure({
    binary: path.join(scripts, "plainBootstrap.sh"),
    args: [],
    env: { ...process.env, ...variables },
    classify: () => "script",
    sampleMilliseconds: 1000,
    limitSeconds,
    signal,
  });
  if (result.stoppedAtLimit) {
    throw new Error(`plainBootstrap.sh did not end within ${limitSeconds} s. Next: raise --limit.`);
  }
  return result;
}

/**
 * Prepares a host that is thrown away: what the lab serves is built, and the Debian packages that both subjects install
 * come from the cache afterwards.
 */
export async function warmUp({ signal }: RunOptions, target: Target): Promise<void> {
  signal.throwIfAborted();
  const [minor] = /^\d+\.\d+/.exec(target.cluster.kubernetesVersion) ?? [];
  const lab = await Lab.start({ hosts: [{ name: "warm-up" }] });
  try {
    const host = lab.host("warm-up");
    await host.run(`bash -s -- ${minor}`, { input: readFileSync(path.join(scripts, "plainPrepare.sh"), "utf8") });
  } finally {
    await lab.stop();
  }
}
