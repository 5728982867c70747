import * as fs from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { checkStackConfig } from "../components/config/check";
import { needsImageVolumes } from "../components/config/imageVolumes";
import { formatProblems } from "../components/config/problem";
import type { StackConfig } from "../components/config/schema/stack";
import { readStackFile, secretPlaceholder } from "../components/config/stackFile";
import { withRows } from "../components/hosts/preflight/documentation";
import { modelStorageOf, planOf } from "../components/hosts/preflight/plan";
import { reportText } from "../components/hosts/preflight/report";
import { runPreflight } from "../components/hosts/preflight/run";
import type { Credentials } from "../components/hosts/preflight/ssh";
import { main } from "./main";
import { root } from "./paths";

const usage = `npm run preflight -- [--stack <stack>] [--key <file, or - for standard input>] [--passphrase-file <file>]
  [--sudo-password-file <file>] [--json]
Looks at the hosts of Pulumi.<stack>.yaml and changes nothing. Without --key the SSH agent's keys are used. The stack's
own key, which is encrypted: pulumi config get --path secrets.sshPrivateKey | npm run preflight -- --key -`;

/** `npm run preflight`: the hosts of a stack against the catalogue, without engine or state. Exit code 1: a row fails. */
main(async (args) => {
  if (args.includes("--docs")) return writeDocumentation();
  if (args.includes("--help")) return console.log(usage);
  const { stack, json, ...login } = options(args);
  const { cluster, gpu, storage, imageVolumes } = readHosts(`Pulumi.${stack}.yaml`);
  if (cluster.source !== "hosts") {
    throw new Error(`Pulumi.${stack}.yaml: cluster.source is ${cluster.source}; preflight looks at hosts.`);
  }
  const report = await runPreflight({
    plan: planOf(cluster, gpu, { modelStorage: modelStorageOf(storage), imageVolumes }),
    bastion: cluster.bastion,
    credentials: credentials(login),
  });
  console.log(json ? JSON.stringify(report, undefined, 2) : reportText(report));
  return report.passed ? 0 : 1;
});

/**
 * The part of a stack's config that is about hosts, checked. Models and secrets may still be missing: hosts are looked at
 * before the rest is settled.
 */
function readHosts(file: string): Pick<StackConfig, "cluster" | "gpu" | "storage"> & { imageVolumes: boolean } {
  const { values } = readStackFile(path.join(root, file));
  const about = ["cluster", "gpu", "storage", "namespaces", "loadBalancer"].filter((key) => key in values);
  const secrets = { sshPrivateKey: secretPlaceholder };
  const part = { ...Object.fromEntries(about.map((key) => [key, values[key]])), secrets };
  const { config, problems = [] } = checkStackConfig(part, [["secrets"]]);
  if (config === undefined) throw new Error(formatProblems(file, problems));
  return { ...config, imageVolumes: needsImageVolumes(values["models"]) };
}

function options(args: readonly string[]) {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      stack: { ...text, default: "prod" },
      key: text,
      "passphrase-file": text,
      "sudo-password-file": text,
      json: { type: "boolean", default: false },
    },
  });
  return values;
}

function credentials(login: Omit<ReturnType<typeof options>, "stack" | "json">): Credentials {
  const read = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : fs.readFileSync(file === "-" ? 0 : file, "utf8");
  return {
    sshAgent: login.key === undefined,
    privateKey: read(login.key),
    privateKeyPassphrase: read(login["passphrase-file"])?.trimEnd(),
    sudoPassword: read(login["sudo-password-file"])?.trimEnd(),
  };
}

function writeDocumentation(): void {
  const page = path.join(root, "docs", "preflight.md");
  fs.writeFileSync(page, withRows(fs.readFileSync(page, "utf8")));
  console.log(`${page} is up to date`);
}
