import path from "node:path";

/** The checkout. */
export const root = path.resolve(__dirname, "..");

/** What this checkout's simulated cluster and stacks keep: kubeconfig, cluster data, Pulumi state. */
export const simDirectory = path.join(root, ".sim");

export const kubeconfigPath = path.join(simDirectory, "kubeconfig");

/** The hosts of `make lab-up`, and what the engine keeps of the stack on them. */
export const labDirectory = path.join(simDirectory, "lab");
export const labStackDirectory = path.join(simDirectory, "lab-stack");

/** The config file of a stack. */
export function stackFile(stack: string): string {
  return path.join(root, `Pulumi.${stack}.yaml`);
}
