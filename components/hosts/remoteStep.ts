import { createHash } from "node:crypto";
import * as path from "node:path";
import { remote, types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "./connection";
import { assignment, quote, readScript, rootShell, rootShellInput } from "./shell";

export interface RemoteStepArgs {
  /** The host; see `connectTo`. */
  readonly connection: HostConnection;
  /** File name in `components/hosts/scripts`, such as `containerd.sh`. Its base name is the step's name on the host. */
  readonly script: string;
  /** Further files there that the script builds on; run before it, after `lib.sh`. */
  readonly libraries?: readonly string[];
  /** Shell variables that the script reads, UPPER_CASE. Not for secrets: those belong into `files`. */
  readonly values?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Contents that the script reads from `"$FILES/<name>"`: mode 0600, in memory, removed when the step ends. */
  readonly files?: Readonly<Record<string, pulumi.Input<string>>>;
  /** What the script prints is a secret: encrypted in state and never logged. Defaults to false. */
  readonly secret?: boolean;
  /** The script also runs, with `ACTION=delete`, when the resource is deleted. Defaults to false. */
  readonly onDelete?: boolean;
  /** More values whose change runs the script again. */
  readonly rerunOn?: readonly pulumi.Input<string>[];
}

/** Ends the script in the stream; `launch.sh` runs nothing that does not end in COMPLETE. */
const DELIMITER = "INFERENCE_STACK_STEP";
const COMPLETE = "# end of step";

/** Set by the runner itself. */
const RESERVED = ["HOST", "STEP", "ACTION", "CLUSTER_ID", "FILES", "RUN_DIRECTORY", "LAUNCHER", "PATH"];

/**
 * Runs a script of `components/hosts/scripts` on a host as root: on create, again in place whenever the script or a
 * value changes, and on delete if asked. Scripts find out what is done already, so running one again is safe.
 *
 * The script travels by standard input: no argument, environment variable or log holds a value. It runs in a session of
 * its own, so a cut connection does not end it halfway, and a later run waits for it.
 */
export class RemoteStep extends remote.Command {
  /** What the script printed, as text: one JSON object. A secret only where `secret` is set. */
  readonly output: pulumi.Output<string>;

  constructor(name: string, args: RemoteStepArgs, opts?: pulumi.CustomResourceOptions) {
    const { connection, secret = false } = args;
    super(
      name,
      {
        connection: connection.connection,
        create: shellOf(connection, "create"),
        ...(args.onDelete && { delete: shellOf(connection, "delete") }),
        stdin: stepStream(args),
        addPreviousOutputInEnv: false,
        logging: secret ? types.enums.remote.Logging.None : types.enums.remote.Logging.Stderr,
      },
      pulumi.mergeOptions({ additionalSecretOutputs: secret ? ["stdout", "stderr"] : [] }, opts),
    );
    // A sudo password in the input makes everything secret that comes out; facts are not.
    this.output = secret ? pulumi.secret(this.stdout) : pulumi.unsecret(this.stdout);
  }

  /** What the script printed, parsed. */
  facts<T>(): pulumi.Output<T> {
    return this.output.apply((text) => JSON.parse(text) as T);
  }
}

/** The command line that runs a step on the host. */
export function shellOf({ sudo }: HostConnection, action: "create" | "delete"): string {
  return rootShell(typeof sudo === "string" ? sudo : "password", action);
}

/** What that command is sent: sudo's password if it asks, the launcher, and the step for it to launch. */
export function stepStream(args: RemoteStepArgs): pulumi.Output<string> {
  const { connection, values = {}, files = {}, rerunOn = [] } = args;
  checkValueNames(args.script, values);
  const password = typeof connection.sudo === "string" ? undefined : connection.sudo.password;
  return pulumi
    .all([connection.clusterId, pulumi.all(values), pulumi.all(files), pulumi.all([...rerunOn]), password])
    .apply(([clusterId, plainValues, plainFiles, plainRerunOn, plainPassword]) => {
      const script = stepScript(args, { CLUSTER_ID: clusterId, ...plainValues }, plainFiles, plainRerunOn);
      const stream = `${readScript("scripts/launch.sh")}\nlaunch ${stepName(args.script)} "$1" <<'${DELIMITER}'\n${script}${DELIMITER}\n`;
      return rootShellInput(stream, plainPassword);
    });
}

function stepScript(
  args: RemoteStepArgs,
  values: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
  rerunOn: readonly string[],
): string {
  const parts = [
    "ACTION=$1",
    assignment("HOST", args.connection.host),
    assignment("STEP", stepName(args.script)),
    "FILES=$RUN_DIRECTORY/files",
    ...sortedEntries(values).map(([name, value]) => assignment(name, value)),
    ...sortedEntries(files).map(([name, content]) => {
      const encoded = Buffer.from(content).toString("base64");
      return `printf %s ${quote(encoded)} | base64 -d >"$FILES"/${quote(name)}`;
    }),
    ...(rerunOn.length === 0 ? [] : [`# ${createHash("sha256").update(JSON.stringify(rerunOn)).digest("hex")}`]),
    ...["json.sh", "lib.sh", ...(args.libraries ?? []), args.script].map((file) => readScript(`scripts/${file}`)),
    COMPLETE,
  ];
  const script = `${parts.join("\n")}\n`;
  if (script.split("\n").includes(DELIMITER)) {
    throw new Error(`${args.script}: a script or value holds the line ${DELIMITER}, which ends the stream; reword it`);
  }
  return script;
}

function stepName(script: string): string {
  return path.basename(script, ".sh");
}

function checkValueNames(script: string, values: Readonly<Record<string, unknown>>): void {
  const wrong = Object.keys(values).find((name) => !/^[A-Z][A-Z0-9_]*$/.test(name) || RESERVED.includes(name));
  if (wrong !== undefined) {
    throw new Error(`${script}: the value ${wrong} must be UPPER_CASE and none of ${RESERVED.join(", ")}`);
  }
}

function sortedEntries(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
