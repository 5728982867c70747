import { cpus, release, totalmem } from "node:os";
import { versions } from "../../sim/toolchain";

/** A heading with a note and a table under it. */
export const section = (title: string, note: string, body: string): string => `### ${title}\n\n${note}\n\n${body}`;

/** A table whose figures stand to the right, and its names to the left. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const alignment = head.map((title) => (title === "" || title === "step" ? "---" : "---:"));
  return [line(head), line(alignment), ...rows.map(line)].join("\n");
}

/**
 * What was measured on.
 * @param load averages over a minute before and after
 */
export function machine(load: readonly [number, number]): string {
  const processor = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown CPU"}`;
  const { pulumi, kubernetes } = versions.tools;
  const busy = `load ${load.map((value) => value.toFixed(1)).join(" before, ")} after`;
  return (
    `${processor}, ${gigabytes(totalmem())} GiB, Linux ${release()}; Node.js ${process.versions.node}, ` +
    `Pulumi ${pulumi.version}, Kubernetes ${kubernetes.version}; ${busy}.`
  );
}

const gigabytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(0);
