import type { HostsClusterConfig } from "../../../components/config/schema/cluster";
import { checkStackConfig } from "../../../components/config/check";
import { readStackFile, secretPlaceholder } from "../../../components/config/stackFile";
import { stackFile } from "../../../cli/paths";
import type { Tools } from "../../../sim/toolchain";
import { Lab } from "../../hosts/lab";
import type { WatchOptions } from "./watch";

export interface RunOptions {
  readonly tools: Tools;
  readonly limitSeconds: number;
  readonly signal: AbortSignal;
}

/** What both subjects make: the stack `lab`. */
export interface Target {
  readonly cluster: HostsClusterConfig;
  readonly model: WatchOptions["model"];
  readonly controlPlane: string;
  readonly worker: string;
}

/** @throws when Pulumi.lab.yaml no longer is what the script does by hand */
export function readTarget(): Target {
  const { values, encrypted } = readStackFile(stackFile("lab"));
  // The key is the lab's, which is made anew each time.
  const secrets = { sshPrivateKey: secretPlaceholder };
  const { config } = checkStackConfig({ ...values, secrets }, [...encrypted, ["secrets", "sshPrivateKey"]]);
  const cluster = config?.cluster;
  const model = config?.models[0];
  if (cluster?.source !== "hosts" || model === undefined) {
    throw new Error("Pulumi.lab.yaml has no bare hosts or no model; this benchmark needs both.");
  }
  const namesOf = (role: string): string[] =>
    cluster.hosts.filter((host) => host.role === role).map(({ name }) => name);
  const [controlPlane, worker, ...more] = [...namesOf("control-plane"), ...namesOf("worker")];
  if (controlPlane === undefined || worker === undefined || more.length > 0) {
    throw new Error("Pulumi.lab.yaml has other hosts than the two that plainBootstrap.sh takes; change that, too.");
  }
  return { cluster, model, controlPlane, worker };
}

/** Bare hosts of their own for one subject. */
export async function withLab<T>({ cluster }: Target, use: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await Lab.start({ hosts: cluster.hosts.map(({ name, gpus }) => ({ name, gpus })) });
  try {
    return await use(lab);
  } finally {
    await lab.stop();
  }
}
