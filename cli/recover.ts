import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeConfig, KubernetesObjectApi, type KubernetesObject } from "@kubernetes/client-node";
import { describe } from "../components/cluster/preflight";
import type { Engine } from "./engine";
import { kubeconfigInState } from "./stateKubeconfig";

/** The part of the engine by which a stack is recovered. */
export type RecoveryEngine = Pick<Engine, "capture" | "directory" | "stack">;

interface Lock {
  readonly pid: number;
  readonly hostname: string;
}

/** A create that the engine began and never saw the end of, as the state file keeps it. */
export interface PendingCreate {
  readonly urn: string;
  readonly type: string;
  readonly inputs: Record<string, unknown>;
}

/** What becomes of the pending creates of an interrupted run. */
export interface RecoveryPlan {
  /** They exist: taken over under this provider id. */
  readonly adopt: readonly { readonly urn: string; readonly id: string }[];
  /** They never came to be: forgotten, so that the next run creates them. */
  readonly forget: readonly string[];
}

export type Exists = (object: KubernetesObject) => Promise<boolean>;

/** API servers that lost etcd, or their host its power, start again within this time or need somebody's help. */
const PATIENCE_SECONDS = 120;

/**
 * Brings a stack whose engine was killed back to where `pulumi up` goes on: removes the lock of a process
 * that is gone, and settles creates that were under way, so that nothing is made twice and nothing is lost.
 *
 * @param kubeconfig file with the cluster's kubeconfig, needed only where objects on the cluster are pending; where it is
 * missing, the one that the state's Kubernetes provider was given serves
 * @param patience seconds for which a cluster that does not answer is asked again
 * @throws Error when the lock's owner still runs, or when the cluster cannot say which pending objects exist
 */
export async function recoverInterrupted(
  engine: RecoveryEngine,
  kubeconfig: string,
  patience = PATIENCE_SECONDS,
): Promise<void> {
  await releaseStaleLock(engine);
  const exported = await engine.capture(["stack", "export"]);
  if (exported.exitCode !== 0) {
    throw new Error(`The stack's state cannot be read:\n${exported.stderr}`);
  }
  const pending = pendingCreates(JSON.parse(exported.stdout));
  if (pending.length === 0) {
    return;
  }
  console.log(`The last run was interrupted while it created ${pending.length} resource(s): settling them first.`);
  const plan = await planRecovery(pending, existsOnCluster(engine, kubeconfig, patience)).catch((error: unknown) => {
    throw new Error(undecided(pending, kubeconfig, error), { cause: error });
  });
  const imports = plan.adopt.flatMap(({ urn, id }) => [
    `--import-pending-creates=${urn}`,
    `--import-pending-creates=${id}`,
  ]);
  const forget = plan.forget.length > 0 ? ["--clear-pending-creates"] : [];
  const refresh = ["refresh", "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs"];
  const settled = await engine.capture([...refresh, ...imports, ...forget]);
  if (settled.exitCode !== 0) {
    throw new Error(`The interrupted creates could not be settled:\n${settled.stdout}${settled.stderr}`);
  }
  console.log(`Settled: ${plan.adopt.length} found on the cluster, ${plan.forget.length} to be created again.`);
}

/** What a user is told when nobody can say whether pending objects exist. */
function undecided(pending: readonly PendingCreate[], kubeconfig: string, error: unknown): string {
  const objects = pending.filter((create) => clusterObject(create) !== undefined);
  return [
    `The last run was interrupted while it created ${objects.length} object(s) on the cluster:`,
    ...objects.map(({ urn }) => `  - ${urn}`),
    "Whether they exist only the cluster can say, and its kubeconfig is needed to ask.",
    `cause: ${describe(error)}`,
    `next: start the cluster, or write its kubeconfig to ${kubeconfig}, and run this again: what exists is taken over,`,
    "  what does not is created. Where the cluster is gone for good, nothing of it is left to take over:",
    "  make down removes a simulated stack, npm run lab:down -- --force the lab.",
  ].join("\n");
}

async function releaseStaleLock(engine: RecoveryEngine): Promise<void> {
  const locks = readLocks(engine);
  const alive = locks.find((lock) => lock.hostname !== hostname() || isRunning(lock.pid));
  if (alive !== undefined) {
    throw new Error(
      `The stack ${engine.stack} is being worked on by process ${alive.pid} on ${alive.hostname}. ` +
        `Wait for it to end, or stop it and run this again.`,
    );
  }
  if (locks.length > 0) {
    console.log(`The last run (process ${locks.map((lock) => lock.pid).join(", ")}) was killed: removing its lock.`);
    const cancelled = await engine.capture(["cancel", "--yes"]);
    if (cancelled.exitCode !== 0) {
      throw new Error(`The lock could not be removed:\n${cancelled.stderr}`);
    }
  }
}

function readLocks(engine: RecoveryEngine): Lock[] {
  const directory = path.join(engine.directory, "pulumi-state", ".pulumi", "locks");
  let files: string[];
  try {
    files = readdirSync(directory, { recursive: true, encoding: "utf8" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return [];
    }
    throw error;
  }
  return files
    .filter((file) => path.basename(path.dirname(file)) === engine.stack && file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(path.join(directory, file), "utf8")) as Lock);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The unfinished creates in an exported state. */
export function pendingCreates(state: unknown): PendingCreate[] {
  const operations =
    (state as { deployment?: { pending_operations?: { type: string; resource: Partial<PendingCreate> }[] } }).deployment
      ?.pending_operations ?? [];
  return operations
    .filter((operation) => operation.type === "creating")
    .map(({ resource }) => ({
      urn: resource.urn ?? "",
      type: resource.type ?? "",
      inputs: resource.inputs ?? {},
    }));
}

/** Decides for each pending create whether the object is there. Pure but for `exists`. */
export async function planRecovery(pending: readonly PendingCreate[], exists: Exists): Promise<RecoveryPlan> {
  const adopt: { urn: string; id: string }[] = [];
  const forget: string[] = [];
  for (const create of pending) {
    const object = clusterObject(create);
    if (object !== undefined && (await exists(object.probe))) {
      adopt.push({ urn: create.urn, id: object.id });
    } else {
      forget.push(create.urn);
    }
  }
  return { adopt, forget };
}

/** How a pending create would be found on the cluster; undefined for what leaves nothing outside the state. */
function clusterObject(create: PendingCreate): { id: string; probe: KubernetesObject } | undefined {
  if (!create.type.startsWith("kubernetes:")) {
    return undefined;
  }
  if (create.type === "kubernetes:helm.sh/v3:Release") {
    const { name, namespace = "default" } = create.inputs as { name: string; namespace?: string };
    // Helm keeps each revision of a release as a Secret of this name.
    const probe = { apiVersion: "v1", kind: "Secret", metadata: { name: `sh.helm.release.v1.${name}.v1`, namespace } };
    return { id: `${namespace}/${name}`, probe };
  }
  const probe = create.inputs as KubernetesObject;
  const { name, namespace } = probe.metadata ?? {};
  return { id: namespace === undefined ? (name ?? "") : `${namespace}/${name}`, probe };
}

/** The kubeconfig is read when the first object is looked for: a cluster that is being made has none before. */
function existsOnCluster(engine: RecoveryEngine, kubeconfig: string, patience: number): Exists {
  let api: Promise<KubernetesObjectApi> | undefined;
  let deadline: number | undefined;
  return async ({ apiVersion, kind, metadata }) => {
    const client = await (api ??= connect(engine, kubeconfig));
    for (;;) {
      try {
        await client.read({
          apiVersion,
          kind,
          metadata: { name: metadata?.name ?? "", namespace: metadata?.namespace },
        });
        return true;
      } catch (error) {
        if ((error as { code?: unknown }).code === 404 || isUnknownKind(error)) return false;
        if (isFinal(error) || Date.now() > (deadline ?? Infinity)) throw error;
        if (deadline === undefined) {
          console.log(`The cluster does not answer (${describe(error)}): asking it again for up to ${patience} s.`);
          deadline = Date.now() + patience * 1000;
        }
        await sleep(Math.min(1000, patience * 1000));
      }
    }
  };
}

/** Whether an API server answered what asking again does not change. */
function isFinal(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "number" && code < 500 && code !== 429;
}

/** The client finds the kind by discovery: one whose definition was not installed yet cannot have an object. */
function isUnknownKind(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Unrecognized API version and kind");
}

async function connect(engine: RecoveryEngine, file: string): Promise<KubernetesObjectApi> {
  // Not the other way round: a simulated cluster that was started anew has other ports than the state says.
  const contents = existsSync(file) ? readFileSync(file, "utf8") : await kubeconfigInState(engine);
  if (contents === undefined) {
    throw new Error(`there is no kubeconfig at ${file}, and none in the stack's state`);
  }
  const config = new KubeConfig();
  config.loadFromString(contents);
  return KubernetesObjectApi.makeApiClient(config);
}
