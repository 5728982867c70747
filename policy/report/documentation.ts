import type { Policies } from "@pulumi/policy";

const marks = { policies: "generated: policies", config: "generated: config" };

/**
 * A page of documentation with its two tables brought up to date: the policies, and the keys of their config.
 * @throws when the page has no place for a table
 */
export function withTables(page: string, policies: Policies): string {
  return replaceTable(replaceTable(page, marks.policies, policyTable(policies)), marks.config, configTable(policies));
}

function policyTable(policies: Policies): string {
  const rows = policies.map(
    ({ name, enforcementLevel, severity, description }) =>
      `| \`${name}\` | ${enforcementLevel ?? "mandatory"} | ${severity ?? "medium"} | ${cell(description)} |`,
  );
  return ["| policy | level | severity | demands |", "|---|---|---|---|", ...rows].join("\n");
}

function configTable(policies: Policies): string {
  const rows = policies.flatMap(({ name, configSchema }) =>
    Object.entries(configSchema?.properties ?? {})
      .filter(([key]) => key !== "exemptions")
      .map(([key, { description }]) => {
        const need = configSchema?.required?.includes(key) ? "required" : "";
        return `| \`${name}.${key}\` | ${need} | ${cell(description ?? "")} |`;
      }),
  );
  return ["| key | | meaning |", "|---|---|---|", ...rows].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("*", "\\*");
}

function replaceTable(page: string, mark: string, table: string): string {
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- end -->`];
  const start = page.indexOf(begin);
  const stop = page.indexOf(end, start);
  if (start < 0 || stop < 0) throw new Error(`the page has no place for a table: it needs ${begin} and ${end}`);
  return `${page.slice(0, start + begin.length)}\n\n${table}\n\n${page.slice(stop)}`;
}
