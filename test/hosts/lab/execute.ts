import { runCommand, type CommandOptions } from "../../../sim/toolchain/command";

/**
 * Runs a command to its end and resolves to its stdout.
 * @throws with the end of its output when it fails
 */
export async function execute(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, output } = await runCommand(command, args, options);
  if (code !== 0) {
    const end = output.slice(-15).join("\n");
    throw new Error(
      `${command} ${args.join(" ")} failed (${code === null ? "by a signal" : `exit code ${code}`}):\n${end}`,
    );
  }
  return stdout;
}
