import type { Client } from "ssh2";
import { assignment, readScript, rootShell, rootShellInput } from "../shell";
import type { Observation } from "./evaluate";
import { HostFacts, type RawFacts } from "./hostFacts";
import type { PlannedHost, PreflightPlan } from "./plan";
import { factValues } from "./requests";
import { connect, ConnectionError, execute, type Credentials, type Endpoint } from "./ssh";

/** Milliseconds for all facts of a host; downloads of a host that cannot reach anything take 40 s of them. */
const FACTS_TIMEOUT = 120_000;

export interface Access {
  readonly credentials: Credentials;
  readonly bastion?: Endpoint;
}

/** Looks at all hosts at the same time. Reads only; never rejects because of a host. */
export async function observe(plan: PreflightPlan, { credentials, bastion }: Access): Promise<Observation[]> {
  let jump: Client | undefined;
  try {
    jump = bastion && (await connect(bastion, credentials));
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    const { row, message } = error;
    return plan.hosts.map((host) => ({ host, failure: row, message: `its bastion cannot be used: ${message}` }));
  }
  try {
    return await Promise.all(plan.hosts.map((host) => observeHost(host, plan, credentials, jump)));
  } finally {
    jump?.end();
  }
}

async function observeHost(
  host: PlannedHost,
  plan: PreflightPlan,
  credentials: Credentials,
  jump: Client | undefined,
): Promise<Observation> {
  let client: Client | undefined;
  try {
    client = await connect(host, credentials, jump);
    const clockOffset = await measureClock(client);
    return { host, facts: new HostFacts(await readFacts(client, host, plan, credentials), clockOffset) };
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    return { host, failure: error.row, message: error.message };
  } finally {
    client?.end();
  }
}

/** Seconds that the host is ahead, taken in the middle of question and answer. */
async function measureClock(client: Client): Promise<number> {
  const asked = Date.now();
  const { stdout } = await execute(client, "date +%s.%N", "", FACTS_TIMEOUT);
  const seconds = Number(stdout.trim());
  if (Number.isNaN(seconds)) throw new ConnectionError("facts", `\`date\` printed ${JSON.stringify(stdout)}`);
  return seconds - (asked + Date.now()) / 2000;
}

async function readFacts(
  client: Client,
  host: PlannedHost,
  plan: PreflightPlan,
  { sudoPassword }: Credentials,
): Promise<RawFacts> {
  const password = host.user === "root" ? undefined : sudoPassword;
  const sudo = host.user === "root" ? "none" : password === undefined ? "passwordless" : "password";
  const script = [
    "facts() {",
    ...Object.entries(factValues(host, plan)).map(([variable, value]) => assignment(variable, value)),
    readScript("scripts/json.sh"),
    readScript("preflight/facts.sh"),
    "}",
    // One command, read as a whole: what it runs cannot read the rest of the script.
    "facts </dev/null",
    "",
  ].join("\n");
  const { code, stdout, stderr } = await execute(
    client,
    rootShell(sudo, "facts"),
    rootShellInput(script, password),
    FACTS_TIMEOUT,
  );
  if (/^sudo:|not in the sudoers|incorrect password/m.test(stderr) && code !== 0) {
    const reason = stderr.trim().split("\n").at(-1);
    throw new ConnectionError("root", `does not let ${host.user} become root: ${reason}`);
  }
  try {
    return JSON.parse(stdout) as RawFacts;
  } catch {
    const said = stderr.trim() || stdout.trim() || "nothing";
    throw new ConnectionError("facts", `the look at it ended with status ${code} and said: ${said.slice(-400)}`);
  }
}
