import type { Phases } from "./phases";

/** The value of `--stack`; `dev` by default. */
export function stackArgument(args: readonly string[]): string {
  const index = args.indexOf("--stack");
  const value = index < 0 ? "dev" : args[index + 1];
  if (value === undefined || !/^[\w.-]+$/.test(value)) {
    throw new Error("--stack takes the name of a stack, such as --stack dev");
  }
  return value;
}

/**
 * On Ctrl-C lets the engine, which gets the same signal, finish the steps under way and save its state,
 * then says how to go on. Work before the engine is cut off at once: it keeps what it finished.
 */
export function stopOnInterrupt(phases: Phases, command: string): void {
  const stop = (signal: NodeJS.Signals): void => {
    const inEngine = phases.current.startsWith("pulumi");
    console.error(
      `\n${signal} during ${phases.current}.` +
        (inEngine ? " The engine finishes the steps under way and saves its state." : "") +
        ` ${command} goes on from here.`,
    );
    if (!inEngine) {
      process.exit(130);
    }
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
