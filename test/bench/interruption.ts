/**
 * Aborted by Ctrl-C: what runs is ended, and all that was made is removed on the way out.
 * @param what is removed, for the message
 */
export function interruption(what: string): AbortSignal {
  const controller = new AbortController();
  const abort = (signal: NodeJS.Signals): void => {
    // npm passes on what the terminal has sent already.
    if (controller.signal.aborted) return;
    console.error(`\n${signal}: stopping, and removing ${what}.`);
    controller.abort(new Error("interrupted; nothing of the benchmark is left"));
  };
  process.on("SIGINT", abort);
  process.on("SIGTERM", abort);
  return controller.signal;
}

/** Minutes and seconds since a moment of `Date.now()`. */
export function elapsed(started: number): string {
  const seconds = Math.round((Date.now() - started) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
