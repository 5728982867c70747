import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Tools } from "../../sim/toolchain";
import { measure, type CommandResult } from "./command";
import type { Step } from "./measurement";
import type { KubernetesInputs } from "./pulumiStack";

export interface KubectlOptions {
  readonly tools: Tools;
  /** Directory of the simulated cluster. */
  readonly directory: string;
  readonly limitSeconds: number;
  readonly signal: AbortSignal;
}

/** The same objects by kubectl, as one file. */
export class KubectlObjects {
  private readonly file: string;

  constructor(
    private readonly options: KubectlOptions,
    objects: readonly KubernetesInputs[],
  ) {
    this.file = path.join(options.directory, "objects.json");
    writeFileSync(this.file, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects.map(withoutMarks) }));
  }

  async run(step: Step): Promise<CommandResult> {
    switch (step) {
      case "preview":
        // Asks the server for each object. A dry run by the server would refuse all in namespaces that are not there.
        return this.kubectl(["apply", "--dry-run=client", "-f", this.file]);
      case "up":
      case "second up":
        return this.applyAndWait();
      case "destroy":
        // Waits until everything is gone. What a namespace takes along may be gone before its turn comes.
        return this.kubectl(["delete", "--ignore-not-found", "-f", this.file]);
    }
  }

  private async applyAndWait(): Promise<CommandResult> {
    const apply = await this.kubectl(["apply", "--server-side", "-f", this.file]);
    if (apply.stoppedAtLimit) {
      return apply;
    }
    const condition = ["--for=condition=Available", `--timeout=${this.options.limitSeconds}s`];
    const wait = await this.kubectl(["wait", "deployments", "--all", "--all-namespaces", ...condition]);
    return {
      stdout: "",
      seconds: apply.seconds + wait.seconds,
      stoppedAtLimit: wait.stoppedAtLimit,
      cpuSeconds: { kubectl: (apply.cpuSeconds.kubectl ?? 0) + (wait.cpuSeconds.kubectl ?? 0) },
      lifetimes: {},
      peakBytes: { kubectl: Math.max(apply.peakBytes.kubectl ?? 0, wait.peakBytes.kubectl ?? 0) },
    };
  }

  private kubectl(args: readonly string[]): Promise<CommandResult> {
    const { tools, directory, limitSeconds, signal } = this.options;
    const kubeconfig = ["--kubeconfig", path.join(directory, "kubeconfig")];
    return measure({
      binary: tools.kubectl,
      args: [...kubeconfig, ...args],
      env: { ...process.env, KUBECACHEDIR: path.join(directory, "kubectl-cache") },
      classify: () => "kubectl",
      limitSeconds,
      signal,
    });
  }
}

/** Without what a provider marks its inputs with, such as `__defaults`. */
export function withoutMarks(object: KubernetesInputs): KubernetesInputs {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !key.startsWith("__")));
}
