import { utils } from "ssh2";
import { evaluate } from "./evaluate";
import { observe } from "./gather";
import type { PreflightInput } from "./input";
import { reportOf, type PreflightReport } from "./report";

/**
 * Looks at all hosts and measures them.
 * @throws when the SSH key or the agent cannot be used at all, or `accept` holds an unknown id
 */
export async function runPreflight({ plan, ...access }: PreflightInput): Promise<PreflightReport> {
  checkCredentials(access.credentials);
  return reportOf(plan, evaluate(await observe(plan, access), plan));
}

function checkCredentials({ sshAgent, privateKey, privateKeyPassphrase }: PreflightInput["credentials"]): void {
  if (sshAgent) {
    if (process.env.SSH_AUTH_SOCK) return;
    throw new Error("cluster.sshAgent is true, but SSH_AUTH_SOCK is not set: start an agent (ssh-agent, ssh-add).");
  }
  if (privateKey === undefined) {
    throw new Error("secrets.sshPrivateKey is not set: set it, or cluster.sshAgent: true.");
  }
  const key = utils.parseKey(privateKey, privateKeyPassphrase);
  if (key instanceof Error) {
    throw new Error(
      `secrets.sshPrivateKey cannot be used: ${key.message}. Give an OpenSSH or PEM private key, and its ` +
        "passphrase as secrets.sshPrivateKeyPassphrase.",
    );
  }
}
