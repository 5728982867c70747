import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { Client, type ConnectConfig, type ServerHostKeyAlgorithm } from "ssh2";
import type { connectionRows } from "./catalogue";

/** How to log in. Read from standard input, never kept. */
export interface Credentials {
  readonly privateKey?: string;
  readonly privateKeyPassphrase?: string;
  /** Use the agent at `SSH_AUTH_SOCK`. */
  readonly sshAgent: boolean;
  readonly sudoPassword?: string;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** `ssh-ed25519 AAAA…`; any key is taken when absent. */
  readonly hostKey?: string;
}

/** A connection that could not be made, and the row that says what to do. */
export class ConnectionError extends Error {
  constructor(
    readonly row: keyof typeof connectionRows,
    message: string,
  ) {
    super(message);
  }
}

/** Milliseconds for connection and login. */
const CONNECT_TIMEOUT = 10_000;

/** The order in which the engine's provider (Go's SSH library) asks for keys: what it will be shown later. */
const providerOrder: ServerHostKeyAlgorithm[] = [
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-256",
  "rsa-sha2-512",
  "ssh-ed25519",
];

/** Connects and logs in. @throws ConnectionError */
export async function connect(endpoint: Endpoint, credentials: Credentials, through?: Client): Promise<Client> {
  const shown: { key?: Buffer } = {};
  const config: ConnectConfig = {
    ...(await socketConfig(endpoint, through)),
    ...loginConfig(credentials),
    username: endpoint.user,
    hostVerifier: (key: Buffer) => {
      shown.key = key;
      return endpoint.hostKey === undefined || blobOf(endpoint.hostKey) === key.toString("base64");
    },
    algorithms: { serverHostKey: keyAlgorithms(endpoint.hostKey) },
  };
  const client = new Client();
  return new Promise((resolve, reject) => {
    client.once("ready", () => {
      resolve(client);
    });
    client.on("error", (error) => {
      reject(connectionError(endpoint, error, shown.key));
    });
    // A server may hang up before it says anything.
    client.once("close", () => {
      reject(new ConnectionError("unreachable", `${name(endpoint)} closed the connection`));
    });
    client.connect(config);
  });
}

/** The public key that a host shows, as the engine's provider would see it: `ecdsa-sha2-nistp256 AAAA…`. */
export async function shownHostKey(endpoint: Endpoint, through?: Client): Promise<string> {
  const socket = await socketConfig(endpoint, through);
  return new Promise((resolve, reject) => {
    const client = new Client();
    client.on("error", (error) => {
      reject(connectionError(endpoint, error));
    });
    client.connect({
      ...socket,
      username: endpoint.user,
      hostVerifier: (key: Buffer) => {
        resolve(`${key.subarray(4, 4 + key.readUInt32BE(0)).toString()} ${key.toString("base64")}`);
        return false;
      },
      algorithms: { serverHostKey: providerOrder },
    });
  });
}

/** What a command printed and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command. @throws ConnectionError when the connection ends first, or nothing has come for `timeout` ms */
export function execute(client: Client, command: string, input: string, timeout: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new ConnectionError("facts", `did not answer within ${timeout / 1000} s`));
      client.end();
    }, timeout);
    client.exec(command, (error, channel) => {
      if (error) {
        clearTimeout(timer);
        reject(new ConnectionError("facts", error.message));
        return;
      }
      const output = { stdout: "", stderr: "" };
      channel.setEncoding("utf8");
      channel.on("data", (text: string) => (output.stdout += text));
      channel.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
      channel.on("close", (code: number | null) => {
        clearTimeout(timer);
        if (code === null || code === undefined) reject(new ConnectionError("facts", "the connection was cut"));
        else resolve({ code, ...output });
      });
      // The command may end without reading all of it, as sudo does when it refuses.
      channel.on("error", () => undefined);
      channel.end(input);
    });
  });
}

async function socketConfig({ address, port }: Endpoint, through?: Client): Promise<ConnectConfig> {
  const common = { readyTimeout: CONNECT_TIMEOUT, keepaliveInterval: CONNECT_TIMEOUT };
  if (through === undefined) return { ...common, host: address, port };
  const sock = await new Promise<Duplex>((resolve, reject) => {
    through.forwardOut("127.0.0.1", 0, address, port, (error, stream) => {
      if (error) {
        reject(
          new ConnectionError(
            "unreachable",
            `${address} port ${port} cannot be reached from the bastion: ${error.message}`,
          ),
        );
      } else {
        resolve(stream);
      }
    });
  });
  return { ...common, sock };
}

function loginConfig({ sshAgent, privateKey, privateKeyPassphrase }: Credentials): ConnectConfig {
  return sshAgent
    ? { agent: process.env.SSH_AUTH_SOCK }
    : { privateKey, ...(privateKeyPassphrase !== undefined && { passphrase: privateKeyPassphrase }) };
}

/** With a pinned key the host must show that one, not one of its others. */
function keyAlgorithms(hostKey: string | undefined): ServerHostKeyAlgorithm[] {
  const type = hostKey?.split(/\s+/)[0];
  if (type === undefined) return providerOrder;
  return type === "ssh-rsa" ? ["rsa-sha2-256", "rsa-sha2-512"] : [type as ServerHostKeyAlgorithm];
}

const blobOf = (hostKey: string): string | undefined => hostKey.split(/\s+/)[1];

/** As ssh-keygen -l prints it. */
function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

const name = ({ address, port, user }: Endpoint): string => `${user}@${address} port ${port}`;

function connectionError(endpoint: Endpoint, error: Error & { level?: string }, shown?: Buffer): ConnectionError {
  if (/verification failed/i.test(error.message) && shown !== undefined) {
    const pinned = Buffer.from(blobOf(endpoint.hostKey ?? "") ?? "", "base64");
    return new ConnectionError("hostKey", `shows the SSH key ${fingerprint(shown)}; pinned is ${fingerprint(pinned)}`);
  }
  if (/no matching host key/i.test(error.message)) {
    const type = endpoint.hostKey?.split(/\s+/)[0] ?? "a known type";
    return new ConnectionError("hostKey", `has no SSH key of the pinned type ${type}`);
  }
  if (error.level === "client-authentication") {
    return new ConnectionError("login", `does not let ${endpoint.user} log in: ${error.message}`);
  }
  const reason = error.level === "client-timeout" ? `no answer within ${CONNECT_TIMEOUT / 1000} s` : error.message;
  return new ConnectionError("unreachable", `${name(endpoint)}: ${reason}`);
}
