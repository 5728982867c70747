import { readInput, type FirstKeyInput } from "./input";
import { connect, shownHostKey } from "./ssh";

/** Prints the SSH key that a host shows, for `cluster.trustOnFirstUse`: the state then pins it. */
async function main(): Promise<void> {
  const { host, bastion, credentials } = await readInput<FirstKeyInput>();
  const jump = bastion && (await connect(bastion, credentials));
  try {
    console.log(await shownHostKey(host, jump));
  } finally {
    jump?.end();
  }
}

main().catch((error: unknown) => {
  console.error(`first contact: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
