import type { Path } from "../paths";
import { setSecretCommand } from "../plainText";
import type { Check, CheckContext, CheckProblem } from "./context";

function needed({ problem }: CheckContext, path: Path, why: string, basis: readonly Path[]): CheckProblem {
  return problem(path, `an encrypted value, as ${why}`, `run ${setSecretCommand(path)}`, basis);
}

function clusterSecrets(context: CheckContext): CheckProblem[] {
  const { config, problem } = context;
  const { cluster, secrets } = config;
  if (cluster.source === "hosts" && secrets.sshPrivateKey === undefined) {
    return [needed(context, ["secrets", "sshPrivateKey"], "cluster.source is hosts", [["cluster", "source"]])];
  }
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
