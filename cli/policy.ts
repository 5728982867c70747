import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { policies } from "../policy/policies";
import { noteOperation } from "../policy/pack/preview";
import { audit } from "../policy/report/audit";
import { readPackConfig } from "../policy/report/config";
import { withTables } from "../policy/report/documentation";
import { readResources } from "../policy/report/resources";
import { sarif } from "../policy/report/sarif";
import type { Violation } from "../policy/server/analyzer";
import { main } from "./main";
import { root } from "./paths";

const usage =
  "npm run policy -- --file <exported state, or preview as JSON> [--config <policy config>] [--json <file>] [--sarif <file>]";

/**
 * `npm run policy`: the policy pack over a state or a preview, without engine, cluster or login. Exit code 1 tells of
 * mandatory violations. With `--docs` it writes the tables of docs/policies.md instead.
 */
main(async (args) => {
  if (args.includes("--docs")) return writeDocumentation();
  const { file, config, json, sarif: sarifFile } = options(args);
  const pack = policies();
  const settings = readPackConfig(readFileSync(config, "utf8"), config, pack);
  const resources = readResources(readFileSync(file, "utf8"), file);
  // A state is judged whole, as a preview is, not resource by resource on the way there.
  noteOperation("preview");
  const violations = await audit(pack, settings, resources);
  const mandatory = violations.filter(({ level }) => level === "mandatory").length;
  const summary = { resources: resources.length, mandatory, advisory: violations.length - mandatory };
  if (json !== undefined) write(json, { file, config, summary, violations });
  if (sarifFile !== undefined) write(sarifFile, sarif(pack, violations, stackFileOf(resources[0]?.urn)));
  for (const violation of violations) console.log(lineOf(violation));
  console.log(`${summary.resources} resources, ${mandatory} mandatory violations, ${summary.advisory} advisory`);
  return mandatory === 0 ? 0 : 1;
});

function options(args: readonly string[]) {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { file: text, config: text, json: text, sarif: text },
    strict: true,
  });
  const { file } = values;
  if (file === undefined) throw new Error(`--file is missing. Usage: ${usage}`);
  return { ...values, file, config: values.config ?? path.join(root, "policy", "policy-config.dev.json") };
}

function writeDocumentation(): void {
  const page = path.join(root, "docs", "policies.md");
  writeFileSync(page, withTables(readFileSync(page, "utf8"), policies()));
  console.log(`${page} is up to date`);
}

function write(file: string, content: object): void {
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
}

function lineOf({ level, policy, urn, message }: Violation): string {
  return `[${level}] ${policy} (${urn ?? "the stack"})\n  ${message.replaceAll("\n", "\n  ")}`;
}

/** `Pulumi.<stack>.yaml` of the stack in a URN; a URN is urn:pulumi:<stack>::<project>::<types>::<name>. */
function stackFileOf(urn: string | undefined): string {
  return `Pulumi.${/^urn:pulumi:([^:]+)::/.exec(urn ?? "")?.[1] ?? "dev"}.yaml`;
}
