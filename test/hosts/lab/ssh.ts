import { Client, type ConnectConfig } from "ssh2";

/** How a command went; `code` is undefined when the connection was lost before its end. */
export interface SshResult {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SshTarget {
  readonly address: string;
  readonly privateKey: string;
  /** The host's public key, as in known_hosts: type, space, base64. Any other is refused. */
  readonly hostKey: string;
}

export interface SshOptions {
  readonly user?: string;
  readonly input?: string;
  /** Milliseconds for connecting and for the handshake. Defaults to 10,000. */
  readonly timeout?: number;
}

/**
 * Runs a command over an SSH connection of its own.
 * @throws when there is no connection: nothing listens, the host key differs, the user is refused
 */
export function sshRun(target: SshTarget, command: string, options: SshOptions = {}): Promise<SshResult> {
  const client = new Client();
  return new Promise<SshResult>((resolve, reject) => {
    let started = false;
    let [stdout, stderr] = ["", ""];
    client.on("error", (error) => (started ? undefined : reject(error)));
    client.on("close", () => resolve({ code: undefined, stdout, stderr }));
    client.on("ready", () =>
      client.exec(command, (error, channel) => {
        if (error !== undefined) {
          reject(error);
          return;
        }
        started = true;
        channel.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
        channel.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
        channel.on("close", (code: number | undefined) => resolve({ code: code ?? undefined, stdout, stderr }));
        channel.end(options.input ?? "");
      }),
    );
    client.connect(connection(target, options));
  }).finally(() => client.end());
}

function connection({ address, privateKey, hostKey }: SshTarget, options: SshOptions): ConnectConfig {
  const expected = hostKey.split(" ")[1];
  return {
    host: address,
    username: options.user ?? "root",
    privateKey,
    readyTimeout: options.timeout ?? 10_000,
    hostVerifier: (key: Buffer) => key.toString("base64") === expected,
  };
}
