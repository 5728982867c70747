import { setTimeout as sleep } from "node:timers/promises";
import { readInput } from "../preflight/input";
import { connect, ConnectionError, execute, type Credentials, type Ended, type Endpoint } from "../preflight/ssh";

/** What this program reads from its standard input, as JSON. */
export interface RebootInput {
  /** Name of the host in the config. */
  readonly name: string;
  readonly host: Endpoint;
  readonly bastion?: Endpoint;
  readonly credentials: Credentials;
  /** Command line of a root shell. */
  readonly shell: string;
  /** What that shell is sent, to reboot and to see whether the settings hold. */
  readonly reboot: string;
  readonly tuning: string;
}

/** Milliseconds between two tries to connect, and for one step; the resource's own time-out ends the whole. */
const RETRY_INTERVAL = 2000;
const STEP_TIMEOUT = 600_000;

/** Runs a command on a new connection. */
async function once({ host, bastion, credentials }: RebootInput, command: string, input: string): Promise<Ended> {
  const jump = bastion && (await connect(bastion, credentials));
  try {
    const client = await connect(host, credentials, jump);
    try {
      return await execute(client, command, input, STEP_TIMEOUT);
    } finally {
      client.end();
    }
  } finally {
    jump?.end();
  }
}

/** Tries again while the host is down; a refused key or login stays refused. */
async function patiently(input: RebootInput, command: string, script: string): Promise<Ended> {
  for (;;) {
    try {
      return await once(input, command, script);
    } catch (error) {
      const down = error instanceof ConnectionError && ["unreachable", "facts"].includes(error.row);
      if (!down) throw error;
      await sleep(RETRY_INTERVAL);
    }
  }
}

async function runStep<T>(input: RebootInput, script: string): Promise<T> {
  const { code, stdout, stderr } = await patiently(input, input.shell, script);
  process.stderr.write(stderr);
  if (code !== 0) throw new Error(`the step ended with status ${code}`);
  return JSON.parse(stdout) as T;
}

async function waitForAnotherBoot(input: RebootInput, bootId: string): Promise<void> {
  for (;;) {
    await sleep(RETRY_INTERVAL);
    const { stdout } = await patiently(input, "cat /proc/sys/kernel/random/boot_id", "");
    if (stdout.trim() !== bootId) return;
  }
}

async function main(): Promise<void> {
  const input = await readInput<RebootInput>();
  const { bootId, rebooting } = await runStep<{ bootId: string; rebooting: boolean }>(input, input.reboot);
  if (rebooting) {
    console.error(`${input.name}: waiting for it to come back`);
    await waitForAnotherBoot(input, bootId);
  }
  const { rebootNeeded } = await runStep<{ rebootNeeded: string }>(input, input.tuning);
  if (rebooting && rebootNeeded !== "") {
    throw new Error(
      `${input.name}: after a reboot there is still no ${rebootNeeded}\n  next: look at /proc/cmdline and the boot ` +
        "loader's configuration on the host; it is not rebooted again for this change",
    );
  }
  console.log(JSON.stringify({ rebooted: rebooting }));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
