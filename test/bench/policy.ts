import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { main } from "../../cli/main";
import { consoleProgress, ensureTools } from "../../sim/toolchain";
import { wholeNumber } from "./options";
import { PolicyProcess, type PackOptions } from "./policyProcess";
import { describeShare, measureShare } from "./policyShare";
import { tenantResources } from "./policyResources";
import { writeWorkload } from "./workload";

const usage = `npm run bench:policy -- [options]

  --tenants 500     tenants with a model each, 10 or 11 resources
  --engine          preview through the engine, too, with the pack and without
  --repeat 1        pairs of previews; figures are medians
  --update          ask the pack as an update does, not a preview
  --profile DIR     write a CPU profile of the pack's process`;

const flags = {
  tenants: { type: "string", default: "500" },
  engine: { type: "boolean", default: false },
  repeat: { type: "string", default: "1" },
  update: { type: "boolean", default: false },
  profile: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** `npm run bench:policy`: what the policy pack costs a stack of many tenants; see docs/benchmarks.md. */
main(async (args) => {
  const { values } = parseArgs({ args: [...args], options: flags, strict: true });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const tenants = wholeNumber("tenants", values.tenants, 1, 5000);
  const directory = mkdtempSync(path.join(tmpdir(), "inference-stack-bench-"));
  try {
    const { policyConfigFile } = writeWorkload(directory, tenants);
    const nodeArguments = values.profile === undefined ? [] : profiling(path.resolve(values.profile));
    console.log(await measurePack(tenants, { policyConfigFile, nodeArguments, isPreview: !values.update }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  if (!values.engine) return 0;
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort(new Error("interrupted; nothing of the benchmark is left")));
  const tools = await ensureTools({ report: consoleProgress() });
  const repeat = wholeNumber("repeat", values.repeat, 1, 100);
  const pairs = await measureShare({ tools, tenants, repeat, signal: interrupt.signal, report: console.error });
  console.log(describeShare(pairs));
  return 0;
});

/** Node.js writes a profile only when a process ends by itself. */
function profiling(directory: string): string[] {
  const exit = "data:text/javascript,process.on('SIGINT', () => process.exit())";
  return ["--cpu-prof", `--cpu-prof-dir=${directory}`, `--import=${exit}`];
}

async function measurePack(tenants: number, options: PackOptions): Promise<string> {
  const resources = await tenantResources(tenants);
  const provider = resources.find(({ type }) => type === "pulumi:providers:kubernetes");
  const pack = await PolicyProcess.start(options);
  try {
    const [begin, startCpu] = [performance.now(), pack.cpuSeconds];
    const found: string[] = [];
    for (const resource of resources) found.push(...(await pack.analyze(resource, provider)));
    const [middle, resourceCpu] = [performance.now(), pack.cpuSeconds];
    found.push(...(await pack.analyzeStack(resources, provider)));
    const [end, stackCpu] = [performance.now(), pack.cpuSeconds];
    if (found.length > 0) throw new Error(`the policies refuse the benchmark's own stack:\n${found.join("\n")}`);
    const per1000 = (seconds: number): string => ((seconds * 1000) / resources.length).toFixed(2);
    return [
      `${resources.length} resources, ${(pack.peakBytes / 1024 ** 2).toFixed(0)} MiB at most`,
      `start                      ${startCpu.toFixed(2)} s of CPU`,
      `resources, per 1,000       ${per1000(resourceCpu - startCpu)} s of CPU, ${per1000((middle - begin) / 1000)} s`,
      `whole stack, per 1,000     ${per1000(stackCpu - resourceCpu)} s of CPU, ${per1000((end - middle) / 1000)} s`,
    ].join("\n");
  } finally {
    await pack.stop();
  }
}
