import { execFileSync } from "node:child_process";

const replacement = "{{if .Replace}}{{.Replace.Version}}{{else}}{{.Version}}{{end}}";

/** Versions of modules by their path, as `go` selects them in a directory. */
export interface GoModules {
  /** A go.work file, or `off`. */
  readonly workspace: string;
  readonly directory: string;
}

export const versionsOf = (from: GoModules, modules: readonly string[]): Map<string, string> =>
  goList(from, ["-m", "-f", `{{.Path}} ${replacement}`, ...modules]);

/**
 * Versions of all modules that packages are compiled from, before and after replacements: the compiler finds a package in
 * its cache where both are the same.
 */
export const versionsBelow = (from: GoModules, packages: readonly string[]): Map<string, string> =>
  goList(from, ["-deps", "-f", `{{with .Module}}{{.Path}} {{.Version}}=${replacement}{{end}}`, ...packages]);

function goList({ workspace, directory }: GoModules, args: readonly string[]): Map<string, string> {
  const env = { ...process.env, GOWORK: workspace, GOFLAGS: "-mod=readonly" };
  const output = execFileSync("go", ["list", ...args], { cwd: directory, env, encoding: "utf8" });
  const lines = output.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => line.split(" ") as [string, string]));
}
