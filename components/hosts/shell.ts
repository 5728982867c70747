import * as fs from "node:fs";
import * as path from "node:path";

/** How a login becomes root: it is, by sudo without a password, or by sudo with one. */
export type Sudo = "none" | "passwordless" | "password";

/** Between the password for sudo and the script, on a line of its own. */
const SCRIPT_FOLLOWS = "# step";

/**
 * The command line of a root shell that runs what comes by standard input (`rootShellInput`) with one argument. It is
 * constant, so nothing of a script shows in the host's process list.
 */
export function rootShell(sudo: Sudo, argument: string): string {
  const shell = `bash -s -- ${argument}`;
  if (sudo === "none") return shell;
  if (sudo === "passwordless") return `sudo -n ${shell}`;
  // sudo does not read the password when it need not ask: whoever gets it drops the line.
  const skip = `while IFS= read -r line; do [ "$line" = "${SCRIPT_FOLLOWS}" ] && exec ${shell}; done; exit 1`;
  return `sudo -k -S -p '' bash -c '${skip}'`;
}

/** What such a shell is sent. */
export function rootShellInput(script: string, password?: string): string {
  return password === undefined ? script : `${password}\n${SCRIPT_FOLLOWS}\n${script}`;
}

/** A word that no shell changes. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A line that sets a shell variable. */
export function assignment(name: string, value: string): string {
  return `${name}=${quote(value)}`;
}

/** A script of this folder, such as `scripts/lib.sh`. */
export function readScript(file: string): string {
  return fs.readFileSync(path.join(__dirname, file), "utf8").trimEnd();
}
