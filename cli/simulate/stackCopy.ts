import { checkStackConfig } from "../../components/config/check";
import { formatProblems } from "../../components/config/problem";
import { configNamespace, formatKey, type Path } from "../../components/config/paths";
import type { StackConfig } from "../../components/config/schema/stack";
import type { StackFile } from "../../components/config/stackFile";

/** Stands for every secret of the stack: nothing of the simulation may depend on a login or a passphrase. */
const madeUpSecret = "made-up-for-the-simulation";

type Values = Readonly<Record<string, unknown>>;

/** A stack's config for the simulated cluster. */
export interface StackCopy {
  /** `config` of the copy's file, without its secrets. */
  readonly config: Record<string, unknown>;
  /** Secrets to be set encrypted: made-up values by path, such as `inference-stack:secrets.hfTokens.main`. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Reads the config of a stack as `pulumi up` would, but with every secret that it needs made up.
 *
 * @param name how errors name the file, e.g. `Pulumi.prod.yaml`
 * @throws Error with every problem of the file
 */
export function checkOriginal(file: StackFile, name: string): StackConfig {
  const cluster = file.values.cluster as Values | undefined;
  const secrets = {
    ...(cluster?.source === "hosts" ? { sshPrivateKey: madeUpSecret } : {}),
    ...(cluster?.source === "kubeconfig" && cluster.path === undefined ? { kubeconfig: madeUpSecret } : {}),
  };
  return check({ ...file.values, secrets: { hfTokens: hfTokens(file.values), ...secrets } }, file, name);
}

export interface CopyOptions {
  /** Path of the simulated cluster's kubeconfig. */
  readonly kubeconfig: string;
  /** Where charts are taken from. */
  readonly chartSource: string;
  /** Subnet of the nodes where the config says it of its cluster; the /24 around the first node otherwise. */
  readonly subnet?: string;
}

/**
 * The config of a stack, put on a simulated cluster. Models, quotas and add-ons stay what they are: only where cluster,
 * charts and secrets come from is changed.
 *
 * @param name how errors name the file, e.g. `Pulumi.prod.yaml`
 * @throws Error with every problem that the file has whatever its cluster
 */
export function copyForSimulation(file: StackFile, name: string, options: CopyOptions): StackCopy {
  const { kubeconfig, chartSource, subnet } = options;
  const original = Object.fromEntries(Object.entries(file.values).filter(([key]) => key !== "secrets"));
  const loadBalancer = original.loadBalancer as Values | undefined;
  // What the real cluster has must come from somewhere: a kind that the API server does not know is an error.
  const addons = original.addons as Values | undefined;
  const values: Values = {
    ...original,
    cluster: { source: "kubeconfig", path: kubeconfig },
    chartSource,
    ...(addons?.leaderWorkerSet === undefined ? {} : { addons: { ...addons, leaderWorkerSet: "install" } }),
    ...(subnet === undefined ? {} : { loadBalancer: { subnet, ...loadBalancer } }),
  };
  const tokens = hfTokens(file.values);
  check({ ...values, secrets: { hfTokens: tokens } }, file, name);
  return {
    config: Object.fromEntries(Object.entries(values).map(([key, value]) => [`${configNamespace}:${key}`, value])),
    secrets: Object.fromEntries(
      Object.entries(tokens).map(([token, value]) => [formatKey(["secrets", "hfTokens", token]), value]),
    ),
  };
}

/** A token for each name that a model or the file itself knows. */
function hfTokens(values: Values): Record<string, string> {
  const stored = (values.secrets as { hfTokens?: Values } | undefined)?.hfTokens ?? {};
  const models = Array.isArray(values.models) ? (values.models as ({ hfToken?: Values } | null)[]) : [];
  const asked = models.map((model) => model?.hfToken?.fromSecrets).filter((name) => typeof name === "string");
  return Object.fromEntries([...Object.keys(stored), ...asked].map((token) => [token, madeUpSecret]));
}

function check(values: Values, file: StackFile, name: string): StackConfig {
  const encrypted: Path[] = [...file.encrypted.filter(([key]) => key !== "secrets"), ["secrets"]];
  const { config, problems = [] } = checkStackConfig(values, encrypted);
  if (config === undefined || file.foreign.length > 0) {
    throw new Error(formatProblems(name, problems, file.foreign));
  }
  return config;
}
