import { spawn, type ChildProcess } from "node:child_process";
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
  readonly stderr: string;
  /** Lines of stdout and stderr in the order in which they came. */
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
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    timeout: options.timeout,
  });
  const removeHandlers = endWithUs((signal) => child.kill(signal));
  try {
    return await collectOutput(child, options);
  } finally {
    removeHandlers();
  }
}

/**
 * Waits for a command to end, and collects what it prints to its pipes.
 * @throws the spawn error when it could not be started
 */
export function collectOutput(
  child: ChildProcess,
  { input, onLine }: Pick<CommandOptions, "input" | "onLine"> = {},
): Promise<CommandResult> {
  const text = { stdout: "", stderr: "" };
  const output: string[] = [];
  for (const name of ["stdout", "stderr"] as const) {
    const stream = child[name];
    if (stream === null) continue;
    stream.setEncoding("utf8").on("data", (chunk: string) => (text[name] += chunk));
    readline.createInterface({ input: stream }).on("line", (line) => {
      output.push(line);
      if (output.length > keptLines) {
        output.shift();
      }
      onLine?.(line);
    });
  }
  return new Promise((resolve, reject) => {
    // A command that ends without reading its input closes the pipe; its exit code tells how it went.
    child.stdin?.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") reject(error);
    });
    child.stdin?.end(input);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...text, output }));
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
