import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { flattenKubeconfig, readKubeconfig } from "../../components/cluster/kubeconfig";
import { readStackFile } from "../../components/config/stackFile";
import { labStackDirectory, root, stackFile } from "../paths";

/** The keys of a stack's cluster that tell where its kubeconfig is. */
interface ClusterKeys {
  readonly source?: string;
  readonly path?: string;
  readonly context?: string;
}

/**
 * The kubeconfig of a stack: the file that its config names, a secret of its config, or what it made of bare hosts.
 *
 * @throws Error that says what is missing
 */
export function kubeconfigOf(stack: string): string {
  const file = stackFile(stack);
  if (!existsSync(file)) throw new Error(`There is no stack ${stack}: ${path.basename(file)} does not exist.`);
  const { source, path: place, context } = (readStackFile(file).values.cluster ?? {}) as ClusterKeys;
  switch (source) {
    case "simulated":
      throw new Error(
        `Stack ${stack} is simulated: its pods are records and answer nothing. Ask a stack on real nodes, such as ` +
          "the one of make lab-up: npm run ask -- --stack lab …",
      );
    case "kubeconfig":
      return place === undefined
        ? flattenKubeconfig(pulumi(stack, ["config", "get", "--path", "secrets.kubeconfig"]), {
            key: "secrets.kubeconfig",
            context,
          }).contents
        : readKubeconfig(place, "cluster.path", context).contents;
    case "hosts":
      return madeOfHosts(stack);
    case undefined:
    default:
      throw new Error(`${path.basename(file)}: inference-stack:cluster has no source.`);
  }
}

/** `make lab-up` keeps its stack's state, and a copy of the kubeconfig, inside the checkout. */
function madeOfHosts(stack: string): string {
  const copy = path.join(labStackDirectory, "kubeconfig");
  if (stack !== "lab") return pulumi(stack, ["stack", "output", "kubeconfig", "--show-secrets"]);
  if (existsSync(copy)) return readKubeconfig(copy, "make lab-up").contents;
  throw new Error("The lab is not up. Next: make lab-up.");
}

/** What the user's own Pulumi CLI prints: it knows the login and the passphrase of the stack. */
function pulumi(stack: string, args: readonly string[]): string {
  const command = [...args, "--stack", stack];
  const { error, status, stdout, stderr } = spawnSync("pulumi", command, { cwd: root, encoding: "utf8" });
  if (error !== undefined) {
    throw new Error(`pulumi ${command.join(" ")} cannot be run: ${error.message}. Next: install the Pulumi CLI.`);
  }
  if (status !== 0) throw new Error(`pulumi ${command.join(" ")} failed:\n${stderr.trim()}`);
  return stdout.trimEnd();
}
