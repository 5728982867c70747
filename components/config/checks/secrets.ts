import type { Path } from "../paths";
import { setSecretCommand } from "../plainText";
import type { HostsClusterConfig } from "../schema/cluster";
import type { Check, CheckContext, CheckProblem } from "./context";

function needed({ problem }: CheckContext, path: Path, why: string, basis: readonly Path[]): CheckProblem {
  return problem(path, `an encrypted value, as ${why}`, `run ${setSecretCommand(path)}`, basis);
}

/** Hosts are logged in to with the stored key or with the agent's, never with a choice of the two. */
function sshSecrets(context: CheckContext, { sshAgent }: HostsClusterConfig): CheckProblem[] {
  const { secrets } = context.config;
  const key: Path = ["secrets", "sshPrivateKey"];
  const agent: Path = ["cluster", "sshAgent"];
  if (sshAgent && secrets.sshPrivateKey !== undefined) {
    const next = "remove it, or run `pulumi config rm --path 'secrets.sshPrivateKey'`";
    return [context.problem(agent, "false while secrets.sshPrivateKey is set", next, [key])];
  }
  if (!sshAgent && secrets.sshPrivateKey === undefined) {
    return [needed(context, key, "cluster.source is hosts and cluster.sshAgent is not set", [["cluster"]])];
  }
  if (secrets.sshPrivateKeyPassphrase === undefined || secrets.sshPrivateKey !== undefined) return [];
  const next = "run `pulumi config rm --path 'secrets.sshPrivateKeyPassphrase'`";
  const allowed = "nothing here without secrets.sshPrivateKey: the agent asks for passphrases itself";
  return [context.problem(["secrets", "sshPrivateKeyPassphrase"], allowed, next, [key])];
}

function clusterSecrets(context: CheckContext): CheckProblem[] {
  const { config, problem } = context;
  const { cluster, secrets } = config;
  if (cluster.source === "hosts") return sshSecrets(context, cluster);
  if (cluster.source !== "kubeconfig") return [];
  const path: Path = ["cluster", "path"];
  const basis: Path[] = [
    ["cluster", "source"],
    ["secrets", "kubeconfig"],
  ];
  if (cluster.path === undefined && secrets.kubeconfig === undefined) {
    const next = `add it, or run ${setSecretCommand(["secrets", "kubeconfig"])}`;
    return [problem(path, "the path of a kubeconfig file, unless secrets.kubeconfig is set", next, basis)];
  }
  if (cluster.path === undefined || secrets.kubeconfig === undefined) return [];
  const next = "remove it, or run `pulumi config rm --path 'secrets.kubeconfig'`";
  return [problem(path, "nothing here while secrets.kubeconfig is set: one kubeconfig only", next, basis)];
}

function modelTokens(context: CheckContext): CheckProblem[] {
  const { config, problem } = context;
  const names = Object.keys(config.secrets.hfTokens);
  return config.models.flatMap(({ hfToken }, index) => {
    if (!hfToken || !("fromSecrets" in hfToken) || names.includes(hfToken.fromSecrets)) return [];
    const path: Path = ["models", index, "hfToken", "fromSecrets"];
    const allowed = `the name of an entry of secrets.hfTokens: ${names.join(", ") || "none is set yet"}`;
    const next = `run ${setSecretCommand(["secrets", "hfTokens", hfToken.fromSecrets])}`;
    return [problem(path, allowed, next, [["secrets", "hfTokens"]])];
  });
}

/** Secrets that the rest of the config counts on are there, once. */
export const checkSecrets: Check = (context) => [...clusterSecrets(context), ...modelTokens(context)];
