/**
 * Runs a command's body: a plain message and exit code 1 for an expected failure, the stack as well with DEBUG set.
 */
export function main(body: (args: readonly string[]) => Promise<number | void>): void {
  body(process.argv.slice(2)).then(
    (exitCode) => {
      process.exitCode = exitCode ?? process.exitCode ?? 0;
    },
    (error: unknown) => {
      const known = error instanceof Error ? error : new Error(String(error));
      console.error(`\nerror: ${process.env.DEBUG === undefined ? known.message : (known.stack ?? known.message)}`);
      process.exitCode = 1;
    },
  );
}
