import * as assert from "node:assert/strict";
import { checkStackConfig } from "../../../components/config/check";
import type { Path } from "../../../components/config/paths";
import { formatProblem, type Problem } from "../../../components/config/problem";
import type { StackConfig } from "../../../components/config/schema/stack";

export type Values = Record<string, unknown>;

/** A small config that every check accepts: one simulated group of two nodes, one namespace, one model. */
export function goodConfig(): Values & { models: Values[]; namespaces: Values[]; cluster: Values } {
  return {
    cluster: { source: "simulated", nodeGroups: [{ name: "mi300x", count: 2 }] },
    namespaces: [{ name: "chat", gpuQuota: 16 }],
    models: [{ name: "qwen3-8b", model: "Qwen/Qwen3-8B" }],
  };
}

/** The same on bare hosts, with the secrets that it needs. */
export function hostsConfig(): Values & {
  models: Values[];
  namespaces: Values[];
  cluster: Values & { hosts: Values[] };
} {
  const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIe4p8qseq";
  return {
    ...goodConfig(),
    cluster: {
      source: "hosts",
      hosts: [
        { name: "one", address: "192.168.10.11", role: "control-plane", gpus: 8, hostKey },
        { name: "two", address: "192.168.10.12", role: "worker", gpus: 8, hostKey },
      ],
    },
    secrets: { sshPrivateKey: "[secret]" },
  };
}

const encryptedSecrets: readonly Path[] = [["secrets"]];

/** The problems of a config; its `secrets` count as encrypted unless told otherwise. */
export function problemsOf(values: unknown, encrypted: readonly Path[] = encryptedSecrets): readonly Problem[] {
  return checkStackConfig(values, encrypted).problems ?? [];
}

/** The lines that a user would read. */
export function linesOf(values: unknown, encrypted?: readonly Path[]): string[] {
  return problemsOf(values, encrypted).map(formatProblem);
}

/** The checked config; fails with all problems when there are any. */
export function accepted(values: unknown): StackConfig {
  const { config, problems } = checkStackConfig(values, encryptedSecrets);
  assert.deepEqual((problems ?? []).map(formatProblem), []);
  assert.ok(config);
  return config;
}

/** Sets a value inside a config, making objects on the way. Undefined removes it. */
export function withValue<Root extends object>(root: Root, path: Path, value: unknown): Root {
  let at = root as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = (at[step] ??= {}) as Record<string | number, unknown>;
  const last = path.at(-1)!;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return root;
}
