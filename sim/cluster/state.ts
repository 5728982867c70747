import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { ClusterPorts } from "./ports";

/** What is remembered of a cluster between runs. */
export interface ClusterState {
  /** Where the checkout was then: a copied or moved one must not meddle with the processes of the original. */
  readonly directory: string;
  readonly ports: ClusterPorts;
  /** Digest of everything that kwokctl created the cluster from; absent until it has been created. */
  readonly configuration?: string;
  /** Load-balancer pool that the Services have their addresses from. */
  readonly addressPool?: readonly string[];
}

/** The places of a cluster in the checkout's `.sim` directory. */
export function clusterPaths(directory: string) {
  const root = path.resolve(directory);
  const name = `sim-${createHash("sha256").update(root).digest("hex").slice(0, 8)}`;
  const workDirectory = path.join(root, "kwok");
  return {
    root,
    /** Unique to this checkout, for the kubeconfig's context. */
    name,
    workDirectory,
    /** kwokctl's directory of this cluster: etcd data, certificates, logs. */
    cluster: path.join(workDirectory, "clusters", name),
    /** kwokctl's own record of the cluster. */
    kwokConfig: path.join(workDirectory, "clusters", name, "kwok.yaml"),
    kubeconfig: path.join(root, "kubeconfig"),
    kubectlCache: path.join(root, "kubectl-cache"),
    state: path.join(root, "cluster.json"),
    lock: path.join(root, "cluster.lock"),
  };
}

export type ClusterPaths = ReturnType<typeof clusterPaths>;

export async function readState(paths: ClusterPaths): Promise<ClusterState | undefined> {
  try {
    const state = JSON.parse(await fs.readFile(paths.state, "utf8")) as ClusterState;
    return state.directory === paths.root ? state : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    if (error instanceof SyntaxError) {
      throw new Error(`${paths.state} is damaged: run "make down", then "make up".`);
    }
    throw error;
  }
}

export const writeState = (paths: ClusterPaths, state: ClusterState): Promise<void> =>
  writeAtomically(paths.state, `${JSON.stringify(state, null, 2)}\n`, 0o644);

/** Writes a file so that nobody ever sees it half written or with other permissions. */
export async function writeAtomically(file: string, contents: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await fs.rm(temporary, { force: true });
  await fs.writeFile(temporary, contents, { mode });
  await fs.rename(temporary, file);
}
