import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse, stringify } from "yaml";
import { addressPool, readSimulatedConfig } from "../../cli/stack";
import { root } from "../../cli/paths";
import { fileBackend } from "../../cli/stateBackend";
import { startCluster, stopCluster } from "../../sim/cluster";
import { recordedProgress } from "../../sim/toolchain";
import type { ProgramStart } from "./measurement";
import { PulumiStack } from "./pulumiStack";
import type { RunOptions } from "./subjectRun";
import { writeWorkload } from "./workload";

const quiet = recordedProgress();

/** Starts an empty Pulumi program and ours with one model in turn, each by `pulumi preview` without policy pack. */
export async function measureProgramStart(options: RunOptions, starts: number): Promise<ProgramStart[]> {
  const directory = path.join(options.directory, "program-start");
  mkdirSync(directory);
  try {
    const workload = writeWorkload(directory, 1);
    const config = readSimulatedConfig("bench", workload.configFile);
    const { tools } = options;
    await startCluster({ directory, cluster: config.cluster, addressPool: addressPool(config), tools, report: quiet });
    const emptyProject = path.join(directory, "empty-program");
    const emptyConfig = writeEmptyProject(emptyProject);
    // Starts take a second: to see their end, look often.
    const stackOptions = { ...options, sampleMilliseconds: 20 };
    const stacks = {
      empty: new PulumiStack({
        ...stackOptions,
        directory: path.join(directory, "empty"),
        backend: fileBackend(path.join(directory, "empty")),
        project: emptyProject,
        configFile: emptyConfig,
      }),
      ours: new PulumiStack({
        ...stackOptions,
        directory: path.join(directory, "ours"),
        backend: fileBackend(path.join(directory, "ours")),
        configFile: workload.configFile,
      }),
    };
    await stacks.empty.initialize();
    await stacks.ours.initialize();
    const results: ProgramStart[] = [];
    // The first round fills disk and transpiler caches.
    for (let round = 0; round <= starts; round++) {
      for (const program of ["empty", "ours"] as const) {
        const { seconds, cpuSeconds, peakBytes, lifetimes } = await stacks[program].run("preview");
        if (round > 0) {
          results.push({
            program,
            previewSeconds: seconds,
            processSeconds: lifetimes.program ?? 0,
            previewCpuSeconds: Object.values(cpuSeconds).reduce((sum, value) => sum + value, 0),
            processCpuSeconds: cpuSeconds.program ?? 0,
            peakBytes: peakBytes.program ?? 0,
          });
        }
      }
    }
    return results;
  } finally {
    await stopCluster({ directory, report: quiet });
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A program that imports the SDK and does nothing, run just as ours is. */
function writeEmptyProject(directory: string): string {
  mkdirSync(directory);
  const { runtime } = parse(readFileSync(path.join(root, "Pulumi.yaml"), "utf8")) as { runtime: unknown };
  writeFileSync(path.join(directory, "Pulumi.yaml"), stringify({ name: "empty", main: "index.ts", runtime }));
  copyFileSync(path.join(root, "tsconfig.pulumi.json"), path.join(directory, "tsconfig.pulumi.json"));
  writeFileSync(path.join(directory, "package.json"), JSON.stringify({ name: "empty", main: "index.ts" }));
  writeFileSync(path.join(directory, "index.ts"), 'import "@pulumi/pulumi";\n');
  symlinkSync(path.join(root, "node_modules"), path.join(directory, "node_modules"));
  const configFile = path.join(directory, "empty-config.yaml");
  writeFileSync(configFile, stringify({ config: {} }));
  return configFile;
}
