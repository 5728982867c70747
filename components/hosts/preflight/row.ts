import type { HostFacts } from "./hostFacts";
import type { PlannedHost, PreflightPlan } from "./plan";

/** A host that could be looked at. */
export interface SeenHost {
  readonly host: PlannedHost;
  readonly facts: HostFacts;
  /** Carries this cluster's identity: what an installation leaves behind belongs there. */
  readonly member: boolean;
}

export type Severity = "fail" | "warn";

interface RowText {
  /** Stable name; what `cluster.preflight.accept` takes. */
  readonly id: string;
  /** Number in the catalogue that the row comes from; docs/preflight.md lists them in this order. */
  readonly number: number;
  readonly severity: Severity;
  /** What is asked of the host, or of the hosts. */
  readonly check: string;
  /** Why a host that fails is of no use. */
  readonly cause: string;
  /** What to do then. */
  readonly fix: string;
  /** Where the rule comes from. */
  readonly source: string;
}

/** A check of one host: returns what is wrong, in words that follow the host's name; nothing when all is well. */
export interface HostRow extends RowText {
  /** Only for hosts that are no member yet. */
  readonly bareOnly?: boolean;
  readonly find: (seen: SeenHost, plan: PreflightPlan) => string | undefined | readonly string[];
}

/** A check that needs all hosts together: returns what is wrong by host. */
export interface FleetRow extends RowText {
  readonly findInFleet: (hosts: readonly SeenHost[], plan: PreflightPlan) => readonly FleetProblem[];
}

export interface FleetProblem {
  readonly host: string;
  readonly found: string;
}

/** A check that fails before facts can be gathered: the connection tells. */
export type ConnectionRow = RowText;

/** GiB and MiB in bytes. */
export const gibibyte = 2 ** 30;
export const mebibyte = 2 ** 20;

export function inGib(bytes: number): string {
  return `${(bytes / gibibyte).toFixed(bytes < 10 * gibibyte ? 1 : 0)} GiB`;
}

/** Sources, as the catalogue of the rules names them. */
export const sources = {
  kubeadm: "kubernetes/kubernetes cmd/kubeadm (preflight checks, v1.36)",
  validators: "kubernetes/system-validators",
  kubespray: "kubernetes-sigs/kubespray roles/kubernetes/preinstall",
  k0sctl: "k0sproject/k0sctl phase/validate_hosts.go",
  bloom: "silogen/cluster-bloom validate_node and prepare_node tasks",
  amdAcceptance: "ROCm/system-acceptance-docs",
  amdNetwork: "ROCm/gpu-cluster-networking how-to",
  amdOperator: "ROCm/gpu-operator docs",
  nvidiaOperator: "NVIDIA/cloud-native-docs gpu-operator",
  kubernetes: "kubernetes.io documentation",
} as const;
