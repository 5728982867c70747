import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AppsV1Api, CoreV1Api, CustomObjectsApi, KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";
import { Engine } from "../../cli/engine";
import { recoverInterrupted } from "../../cli/recover";
import { addressPool, readSimulatedConfig, startBackend } from "../../cli/stack";
import { stopStateService } from "../../cli/stateBackend";
import { startCluster, stopCluster } from "../../sim/cluster";
import { consoleProgress, ensureTools, recordedProgress, type Tools } from "../../sim/toolchain";
import { stackValues, TestStack, writeConfig, type StackValues } from "../testStack";

export { assertSucceeded, changes, run, type StackValues, type StateResource } from "../testStack";

const quiet = recordedProgress();

/**
 * A simulated cluster and a stack of its own in a temporary directory: the real engine, API server, scheduler and
 * controllers. The stack's config starts as `Pulumi.dev.yaml`.
 */
export class Sandbox extends TestStack {
  readonly api: KubernetesObjectApi;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly custom: CustomObjectsApi;

  private constructor(directory: string, tools: Tools, engine: Engine, values: StackValues) {
    super(directory, tools, engine, values);
    const config = new KubeConfig();
    config.loadFromFile(this.kubeconfig);
    this.api = KubernetesObjectApi.makeApiClient(config);
    this.core = config.makeApiClient(CoreV1Api);
    this.apps = config.makeApiClient(AppsV1Api);
    this.custom = config.makeApiClient(CustomObjectsApi);
  }

  static async start(change: (values: StackValues) => void = () => undefined): Promise<Sandbox> {
    const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-sim-"));
    const values = stackValues("dev");
    (values["cluster"] as StackValues)["directory"] = directory;
    change(values);
    const configFile = writeConfig(directory, values);
    const tools = await ensureTools({ report: consoleProgress() });
    const config = readSimulatedConfig("dev", configFile);
    await startCluster({ directory, cluster: config.cluster, addressPool: addressPool(config), tools, report: quiet });
    const engine = new Engine({
      tools,
      stack: "dev",
      backend: await startBackend(tools, directory),
      directory,
      configFile,
    });
    await engine.prepare();
    return new Sandbox(directory, tools, engine, values);
  }

  async recover(): Promise<void> {
    await recoverInterrupted(this.engine, this.kubeconfig);
  }

  async stop(): Promise<void> {
    await stopCluster({ directory: this.directory, report: quiet });
    await stopStateService(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
