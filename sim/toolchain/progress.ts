/** Something that takes a while: one line in the end, and signs of life until then. */
export interface Task {
  /** What is going on now, e.g. `compiling, 812 packages so far`. */
  update(detail: string): void;
  done(result: string): void;
  failed(result: string): void;
  /** This way leads nowhere, another one will be tried. */
  skipped(reason: string): void;
}

/** Where tools and cluster say what they do. */
export interface Progress {
  task(name: string): Task;
  /** A whole line of its own. */
  note(line: string): void;
}

/** The part of a stream that progress is written to. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Without a terminal, a task that goes on says so this often, in seconds: logs must not look hung. */
const heartbeatSeconds = 12;

class ConsoleTask implements Task {
  private readonly started = Date.now();
  private readonly timer: NodeJS.Timeout;
  private detail = "";

  constructor(
    private readonly name: string,
    private readonly stream: ProgressStream,
  ) {
    const interval = stream.isTTY ? 1000 : heartbeatSeconds * 1000;
    this.timer = setInterval(() => this.show(), interval);
    // A forgotten task must not keep the process alive.
    this.timer.unref();
    if (stream.isTTY) {
      this.show();
    }
  }

  update(detail: string): void {
    this.detail = detail;
  }

  done(result: string): void {
    this.close(`✓ ${this.name}: ${result} (${this.seconds()})`);
  }

  failed(result: string): void {
    this.close(`✗ ${this.name}: ${result} (${this.seconds()})`);
  }

  skipped(reason: string): void {
    this.close(`- ${this.name}: ${reason}`);
  }

  private seconds(): string {
    return `${((Date.now() - this.started) / 1000).toFixed(1)} s`;
  }

  private show(): void {
    const seconds = Math.round((Date.now() - this.started) / 1000);
    const line = `… ${this.name}${this.detail === "" ? "" : `: ${this.detail}`} (${seconds} s)`;
    if (this.stream.isTTY) {
      const width = (this.stream.columns ?? 80) - 1;
      this.stream.write(`\r\x1b[2K${line.length > width ? `${line.slice(0, width - 1)}…` : line}`);
    } else {
      this.stream.write(`${line}\n`);
    }
  }

  private close(line: string): void {
    clearInterval(this.timer);
    this.stream.write(`${this.stream.isTTY ? "\r\x1b[2K" : ""}${line}\n`);
  }
}

/** Progress for people: a line a task, updated each second on a terminal, repeated every 12 s in a log. */
export function consoleProgress(stream: ProgressStream = process.stderr): Progress {
  return {
    task: (name) => new ConsoleTask(name, stream),
    note: (line) => void stream.write(`${stream.isTTY ? "\r\x1b[2K" : ""}${line}\n`),
  };
}

/** Progress that only remembers its lines; for tests and callers that print a summary themselves. */
export function recordedProgress(lines: string[] = []): Progress & { readonly lines: string[] } {
  return {
    lines,
    note: (line) => void lines.push(line),
    task: (name) => ({
      update: (detail) => void lines.push(`${name}: ${detail}`),
      done: (result) => void lines.push(`${name}: ${result}`),
      failed: (result) => void lines.push(`${name}: ${result}`),
      skipped: (reason) => void lines.push(`${name}: ${reason}`),
    }),
  };
}
