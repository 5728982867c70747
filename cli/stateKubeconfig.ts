import { chmodSync, writeFileSync } from "node:fs";
import type { Engine } from "./engine";

interface ExportedState {
  readonly deployment?: {
    readonly resources?: readonly { readonly type: string; readonly inputs?: Readonly<Record<string, unknown>> }[];
  };
}

/**
 * The kubeconfig that a stack's Kubernetes provider was given, as its state holds it: there even after an update that
 * failed half-way, which writes no outputs. Undefined while no cluster has been made.
 */
export async function kubeconfigInState(engine: Pick<Engine, "capture">): Promise<string | undefined> {
  const exported = await engine.capture(["stack", "export", "--show-secrets"]);
  if (exported.exitCode !== 0) throw new Error(`The stack's state cannot be read:\n${exported.stderr}`);
  return providerKubeconfig(JSON.parse(exported.stdout) as ExportedState);
}

export function providerKubeconfig({ deployment }: ExportedState): string | undefined {
  const provider = deployment?.resources?.find(({ type }) => type === "pulumi:providers:kubernetes");
  return revealed(provider?.inputs?.kubeconfig);
}

/** An exported secret is an object with its value as JSON in `plaintext`. */
function revealed(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || !("plaintext" in value)) return undefined;
  return JSON.parse(String(value.plaintext)) as string;
}

/** Writes a kubeconfig that only its owner may read. */
export function writeKubeconfig(file: string, contents: string): void {
  writeFileSync(file, contents, { mode: 0o600 });
  // The mode above is for a new file only.
  chmodSync(file, 0o600);
}
