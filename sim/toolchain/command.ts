import { spawn } from "node:child_process";
import * as readline from "node:readline";

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with each line of stdout and stderr. */
  readonly onLine?: (line: string) => void;
  readonly input?: string;
  /** Gives up after this many milliseconds; never by default. */
  readonly timeout?: number;
}

export interface CommandResult {
  /** Exit code; null when a signal ended the command. */
  readonly code: number | null;
  readonly stdout: string;
  /** stdout and stderr in the order in which they came. */
  readonly output: string[];
}

/** Lines of output that are kept: enough to show what went wrong, bounded for builds that print thousands. */
const keptLines = 2000;

const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a command to its end. When this process is told to end meanwhile, the command is ended first, so that an
 * interrupted build does not go on behind the user's back.
 * @throws the spawn error (e.g. ENOENT) when the command cannot be started; a non-zero exit code does not throw
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      timeout: options.timeout,
    });
    const removeHandlers = endWithUs((signal) => child.kill(signal));
    const output: string[] = [];
    const stdout: string[] = [];
    const collect = (line: string, lines?: string[]): void => {
      lines?.push(line);
      output.push(line);
      if (output.length > keptLines) {
        output.shift();
      }
      options.onLine?.(line);
    };
    readline.createInterface({ input: child.stdout! }).on("line", (line) => collect(line, stdout));
    readline.createInterface({ input: child.stderr! }).on("line", (line) => collect(line));
    child.stdin?.end(options.input);
    child.on("error", (error) => {
      removeHandlers();
      reject(error);
    });
    child.on("close", (code) => {
      removeHandlers();
      resolve({ code, stdout: stdout.join("\n"), output });
    });
  });
}

/** Calls `end` when this process ends or a signal asks it to, then lets the signal take its course. */
function endWithUs(end: (signal: NodeJS.Signals) => void): () => void {
  const handlers = endingSignals.map((signal) => {
    const handler = (): void => {
      end(signal);
      removeHandlers();
      // With a listener, Node no longer ends by itself; others' listeners decide for themselves.
      if (process.listenerCount(signal) === 0) {
        process.kill(process.pid, signal);
      }
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  // Another listener may end the process before ours is called.
  const onExit = (): void => end("SIGTERM");
  process.on("exit", onExit);
  const removeHandlers = (): void => {
    process.off("exit", onExit);
    handlers.forEach(({ signal, handler }) => process.off(signal, handler));
  };
  return removeHandlers;
}
