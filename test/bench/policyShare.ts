import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { addressPool, readSimulatedConfig } from "../../cli/stack";
import { fileBackend } from "../../cli/stateBackend";
import { startCluster, stopCluster } from "../../sim/cluster";
import { recordedProgress, type Tools } from "../../sim/toolchain";
import type { CommandResult } from "./command";
import { PulumiStack } from "./pulumiStack";
import { writeWorkload } from "./workload";

/** A preview of the empty stack, with and without the pack. */
export interface PreviewPair {
  readonly with: CommandResult;
  readonly without: CommandResult;
}

export interface ShareOptions {
  readonly tools: Tools;
  readonly tenants: number;
  /** Pairs of previews; the order within a pair alternates. */
  readonly repeat: number;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
}

const quiet = recordedProgress();

/** Previews the workload through the engine, on a simulated cluster of its own. */
export async function measureShare({ tools, tenants, repeat, signal, report }: ShareOptions): Promise<PreviewPair[]> {
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-bench-"));
  try {
    const { configFile, policyConfigFile } = writeWorkload(directory, tenants);
    const config = readSimulatedConfig("bench", configFile);
    await startCluster({ directory, cluster: config.cluster, addressPool: addressPool(config), tools, report: quiet });
    const preview = async (policy: string | undefined): Promise<CommandResult> => {
      const backend = fileBackend(directory);
      const stack = new PulumiStack({
        tools,
        directory,
        configFile,
        backend,
        policyConfigFile: policy,
        limitSeconds: 1800,
        signal,
      });
      await stack.initialize();
      const result = await stack.run("preview");
      report(
        `preview of ${tenants} tenants ${policy === undefined ? "without" : "with"} the pack: ${result.seconds.toFixed(1)} s`,
      );
      return result;
    };
    const pairs: PreviewPair[] = [];
    for (let round = 0; round < repeat; round++) {
      const order = round % 2 === 0 ? [undefined, policyConfigFile] : [policyConfigFile, undefined];
      const results = new Map<string | undefined, CommandResult>();
      for (const policy of order) results.set(policy, await preview(policy));
      const [without, withPack] = [results.get(undefined), results.get(policyConfigFile)];
      if (without !== undefined && withPack !== undefined) pairs.push({ with: withPack, without });
    }
    return pairs;
  } finally {
    await stopCluster({ directory, report: quiet });
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What the pack adds to a preview: to its time, and to the CPU time of all its processes. */
export function describeShare(pairs: readonly PreviewPair[]): string {
  const seconds = (result: CommandResult): number => result.seconds;
  const cpu = (result: CommandResult): number =>
    Object.values(result.cpuSeconds).reduce((sum, value) => sum + value, 0);
  const line = (label: string, of: (result: CommandResult) => number): string => {
    const [without, added] = [
      median(pairs.map((pair) => of(pair.without))),
      median(pairs.map((pair) => of(pair.with) - of(pair.without))),
    ];
    return `${label} ${without.toFixed(1)} s, with the pack ${added.toFixed(1)} s more (${((100 * added) / without).toFixed(1)} %)`;
  };
  const roles = Object.keys(pairs[0]?.with.cpuSeconds ?? {}).map((role) => {
    const [without, withPack] = (["without", "with"] as const).map((side) =>
      median(pairs.map((pair) => pair[side].cpuSeconds[role] ?? 0)),
    );
    return `  ${role.padEnd(24)} ${without?.toFixed(1)} s of CPU, with the pack ${withPack?.toFixed(1)} s`;
  });
  return [line("preview   ", seconds), line("CPU of all", cpu), ...roles].join("\n");
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
}
