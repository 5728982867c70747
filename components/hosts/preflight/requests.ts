import { isIP } from "node:net";
import type { HostFacts } from "./hostFacts";
import type { PlannedHost, PreflightPlan } from "./plan";

/** An address that each host tries to download. */
export interface Download {
  readonly id: string;
  readonly url: string;
  readonly what: string;
  /** HTTP statuses that prove what is to be proved. */
  readonly allowed: RegExp;
}

/** Where Kubernetes' own packages and images come from. */
export const kubernetesRepository = "https://pkgs.k8s.io/core:/stable:";
const kubernetesRegistry = "registry.k8s.io";

/** `<repository>/v1.36/deb`: the apt repository of a minor version. */
export function kubernetesPackages(plan: Pick<PreflightPlan, "kubernetesVersion" | "mirrors">): string {
  const base = plan.mirrors.apt.kubernetes ?? kubernetesRepository;
  return `${base.replace(/\/+$/, "")}/v${plan.kubernetesVersion.split(".").slice(0, 2).join(".")}/deb`;
}

/** The registries, or their mirrors. A registry that asks for a login answers 401: it is there. */
export function downloadsOf({ mirrors }: PreflightPlan): Download[] {
  const registries = new Map([
    [kubernetesRegistry, `https://${kubernetesRegistry}`],
    ...Object.entries(mirrors.images),
  ]);
  return [...registries].map(([registry, address], index) => ({
    id: `registry-${index}`,
    url: registryApi(address),
    what: address === `https://${registry}` ? `the registry ${registry}` : `the mirror of ${registry}`,
    allowed: /^(2\d\d|401|403)$/,
  }));
}

/** The registry API below an address; one that names a version of it already is left as it is. */
function registryApi(address: string): string {
  const base = address.replace(/\/+$/, "");
  return /\/v2(\/|$)/.test(new URL(base).pathname) ? `${base}/` : `${base}/v2/`;
}

/** Host names that must resolve; none where a proxy resolves them. */
export function namesOf(plan: PreflightPlan): string[] {
  if (plan.proxy?.http !== undefined || plan.proxy?.https !== undefined) return [];
  const urls = [kubernetesPackages(plan), ...downloadsOf(plan).map(({ url }) => url)];
  const names = urls.map((url) => new URL(url).hostname).filter((name) => isIP(name.replace(/[[\]]/g, "")) === 0);
  return [...new Set(names)];
}

/** Of these names, the ones that a host could not resolve. */
export function unresolvedNames(facts: HostFacts, plan: PreflightPlan): string[] {
  const wanted = namesOf(plan);
  return facts.table("names").flatMap(([name = "", address]) => (wanted.includes(name) && !address ? [name] : []));
}

/** The values that `facts.sh` reads for a host. */
export function factValues(host: PlannedHost, plan: PreflightPlan): Record<string, string> {
  const peers = plan.hosts.filter(({ name, nodeAddress }) => name !== host.name && nodeAddress !== undefined);
  const { proxy } = plan;
  return {
    PEERS: peers.map(({ name, nodeAddress, port }) => `${name} ${nodeAddress} ${port}`).join("\n"),
    DOWNLOADS: downloadsOf(plan)
      .map(({ id, url }) => `${id} ${url}`)
      .join("\n"),
    NAMES: namesOf(plan).join("\n"),
    MODEL_PATH: host.gpus > 0 ? (plan.modelStorage?.path ?? "") : "",
    KUBERNETES_PACKAGES: kubernetesPackages(plan),
    KUBERNETES_VERSION: plan.kubernetesVersion,
    HTTP_PROXY_URL: proxy?.http ?? "",
    HTTPS_PROXY_URL: proxy?.https ?? "",
    NO_PROXY_LIST: (proxy?.noProxy ?? []).join(","),
  };
}
