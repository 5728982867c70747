import * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/command";
import type { HostConfig } from "../config/schema/cluster";

/** How all hosts of a fleet are reached. */
export interface FleetConnection {
  /** Private key in OpenSSH or PEM format. Not needed with the agent. */
  readonly privateKey?: pulumi.Input<string>;
  readonly privateKeyPassphrase?: pulumi.Input<string>;
  /** Use the SSH agent at `SSH_AUTH_SOCK` instead of a key. */
  readonly sshAgent?: boolean;
  /** Password that sudo asks the users for. Without one sudo must not ask. */
  readonly sudoPassword?: pulumi.Input<string>;
  /** A host that all connections go through. Reached with the same key. */
  readonly bastion?: Bastion;
  /** Identity of the cluster that the hosts are for: a host of another one is refused. */
  readonly clusterId: pulumi.Input<string>;
}

export interface Bastion {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey?: pulumi.Input<string>;
}

/** One host that steps run on. */
export interface HostConnection {
  /** Name of the host in the config, for messages. */
  readonly host: string;
  readonly clusterId: pulumi.Input<string>;
  readonly connection: types.input.remote.ConnectionArgs;
  /** `none` for root; else what sudo asks for. */
  readonly sudo: "none" | "passwordless" | { readonly password: pulumi.Input<string> };
}

/** Tries to connect before a host counts as unreachable: with pauses that grow from 1 s to 10 s this is about a minute. */
const DIAL_ERROR_LIMIT = 10;
/** Seconds for one try to connect. */
const PER_DIAL_TIMEOUT = 10;

/** What the address of a host and the pinned key of a host are taken from. */
type Host = Pick<HostConfig, "name" | "address" | "port" | "user">;

/**
 * The connection to a host.
 * @param hostKey the host's public key, `ssh-ed25519 AAAA…`. Never left out: without it the provider accepts any key.
 */
export function connectTo(host: Host, hostKey: pulumi.Input<string>, fleet: FleetConnection): HostConnection {
  return {
    host: host.name,
    clusterId: fleet.clusterId,
    connection: {
      ...endpoint(host, hostKey, fleet),
      ...(fleet.bastion && { proxy: endpoint(fleet.bastion, requireKey(fleet.bastion), fleet) }),
    },
    sudo:
      host.user === "root"
        ? "none"
        : fleet.sudoPassword === undefined
          ? "passwordless"
          : { password: pulumi.secret(fleet.sudoPassword) },
  };
}

/** The same connection, that waits for a host which is down until `customTimeouts` end it: for reboots. */
export function patiently(host: HostConnection): HostConnection {
  return { ...host, connection: { ...host.connection, dialErrorLimit: -1 } };
}

function endpoint(
  { address, port, user }: Pick<HostConfig, "address" | "port" | "user">,
  hostKey: pulumi.Input<string>,
  fleet: FleetConnection,
): types.input.remote.ProxyConnectionArgs {
  return {
    host: address,
    port,
    user,
    hostKey: pulumi.output(hostKey).apply(keyOnly),
    dialErrorLimit: DIAL_ERROR_LIMIT,
    perDialTimeout: PER_DIAL_TIMEOUT,
    ...authentication(fleet),
  };
}

function authentication(fleet: FleetConnection): Partial<types.input.remote.ConnectionArgs> {
  if (fleet.sshAgent === true) {
    const agentSocketPath = process.env.SSH_AUTH_SOCK;
    if (agentSocketPath === undefined || agentSocketPath === "") {
      throw new pulumi.RunError(
        "cluster.sshAgent is true, but SSH_AUTH_SOCK is not set: start an agent (ssh-agent, ssh-add), or set the " +
          "secret sshPrivateKey and cluster.sshAgent: false",
      );
    }
    // The path differs from login to login: an agent is found by the provider itself, and state stays the same.
    return {};
  }
  if (fleet.privateKey === undefined) {
    throw new pulumi.RunError(
      "the hosts need an SSH key: set the secret sshPrivateKey (pulumi config set --secret sshPrivateKey < key), or " +
        "cluster.sshAgent: true",
    );
  }
  return {
    privateKey: pulumi.secret(fleet.privateKey),
    ...(fleet.privateKeyPassphrase && { privateKeyPassword: pulumi.secret(fleet.privateKeyPassphrase) }),
  };
}

/** Without the comment, whose change must not count as a change of the connection. */
function keyOnly(hostKey: string): string {
  return hostKey.trim().split(/\s+/).slice(0, 2).join(" ");
}

function requireKey(bastion: Bastion): pulumi.Input<string> {
  if (bastion.hostKey === undefined) {
    throw new pulumi.RunError(
      `cluster.bastion.hostKey is missing: pin the key of ${bastion.address}, as ssh-keyscan prints it after the host name`,
    );
  }
  return bastion.hostKey;
}
