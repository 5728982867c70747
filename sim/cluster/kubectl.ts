import * as path from "node:path";
import { runCommand } from "../toolchain/command";

/** kubectl against the simulated cluster; its cache stays beside the kubeconfig. */
export class Kubectl {
  constructor(
    private readonly binary: string,
    private readonly kubeconfig: string,
  ) {}

  /**
   * Runs kubectl and returns its standard output, without the last line break.
   * @throws with what kubectl printed when it fails
   */
  async run(args: readonly string[], input?: string): Promise<string> {
    const result = await runCommand(this.binary, ["--kubeconfig", this.kubeconfig, ...args], {
      input,
      env: { ...process.env, KUBECACHEDIR: path.join(path.dirname(this.kubeconfig), "kubectl-cache") },
    });
    if (result.code !== 0) {
      throw new Error(`kubectl ${args.join(" ")}: ${result.output.slice(-5).join("; ")}`);
    }
    return result.stdout.trimEnd();
  }

  async getJson<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.run(["get", "-o", "json", ...args])) as T;
  }

  /** Server-side apply of objects, or of a subresource of theirs. */
  async apply(objects: readonly object[], subresource?: string): Promise<void> {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    const args = ["apply", "--server-side", "--force-conflicts", "--field-manager=inference-stack-sim", "-f", "-"];
    await this.run(subresource === undefined ? args : [...args, `--subresource=${subresource}`], list);
  }
}
