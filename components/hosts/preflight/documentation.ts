import { catalogue } from "./catalogue";

const begin = "<!-- generated: rows -->";
const end = "<!-- end -->";

/**
 * A page of documentation with the table of all rows brought up to date.
 * @throws when the page has no place for it
 */
export function withRows(page: string): string {
  const start = page.indexOf(begin);
  const stop = page.indexOf(end, start);
  if (start < 0 || stop < 0) throw new Error(`the page has no place for the rows: it needs ${begin} and ${end}`);
  return `${page.slice(0, start + begin.length)}\n\n${rows()}\n\n${page.slice(stop)}`;
}

function rows(): string {
  const lines = catalogue.map(
    ({ number, id, severity, check, cause, fix, source }) =>
      `| ${[number, `\`${id}\``, severity, cell(check), cell(cause), cell(fix), cell(source)].join(" | ")} |`,
  );
  return ["| # | id | level | asked | else | what to do | source |", "|---|---|---|---|---|---|---|", ...lines].join(
    "\n",
  );
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("*", "\\*").replaceAll("<", "&lt;");
}
