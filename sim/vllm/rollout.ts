import { parseArgs } from "node:util";
import { drainWithout, rolloutUnderLoad, type RolloutResult } from "./rolloutUnderLoad";
import type { ConnectionUse } from "./load";

const usage = `Usage: npm run bench:drain -- [--requests 20000] [--connections fresh,bounded,unbounded] [--no-drain] [--no-prestop] [--no-close]
Replaces vLLM stand-ins under load and counts failed requests.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: "string", default: "20000" },
      connections: { type: "string", default: "fresh,bounded" },
      "no-drain": { type: "boolean", default: false },
      "no-prestop": { type: "boolean", default: false },
      "no-close": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const requests = Number(values.requests);
  if (!Number.isInteger(requests) || requests < 1) {
    throw new Error(`--requests is '${values.requests}': allowed is a whole number from 1 up`);
  }
  const connections = values.connections.split(",").map(connectionUse);
  const drain = drainWithout({ preStop: values["no-prestop"], drain: values["no-drain"], close: values["no-close"] });
  const result = await rolloutUnderLoad({ requests, drain, connections });
  const closing = values["no-close"] ? "kept by the server" : "closed by the server";
  const setting = `preStop ${drain.preStopSeconds} s, drain ${drain.drainSeconds} s, connections ${closing}`;
  print([["setting", `${setting}, clients ${values.connections}`], ...rows(result)]);
}

function connectionUse(text: string): ConnectionUse {
  if (text === "fresh" || text === "bounded" || text === "unbounded") return text;
  throw new Error(`--connections has '${text}': allowed are fresh, bounded and unbounded, with commas between`);
}

function rows({ streaming, plain, failed, reasons, endings, seconds }: RolloutResult): [string, string][] {
  const killed = endings.filter((ending) => ending.killed).length;
  const slowest = Math.max(...endings.map((ending) => ending.seconds));
  return [
    ["requests", `${streaming + plain} (${streaming} streaming, ${plain} not) in ${seconds.toFixed(1)} s`],
    [
      "replicas replaced",
      `${endings.length}, ${killed} of them killed; the slowest took ${slowest.toFixed(0)} s to end`,
    ],
    ["failed", `${failed} (${(failed / endings.length).toFixed(1)} for each replaced replica)`],
    ...[...reasons].map(([reason, count]): [string, string] => [`  ${reason}`, `${count}`]),
  ];
}

function print(table: readonly (readonly [string, string])[]): void {
  const width = Math.max(...table.map(([name]) => name.length));
  for (const [name, value] of table) console.log(`${name.padEnd(width)}  ${value}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
