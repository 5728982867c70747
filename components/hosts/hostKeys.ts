import { local, types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { HostsClusterConfig } from "../config/schema/hosts";
import type { FleetConnection } from "./connection";
import type { FirstKeyInput } from "./preflight/input";

/**
 * The SSH public keys of the hosts by name: those that the config pins and, with `trustOnFirstUse`, the one that a host
 * shows at the first contact. The state keeps that one; another address counts as another host.
 *
 * @throws pulumi.RunError for a host without a key when `trustOnFirstUse` is not set
 */
export function hostKeysOf(
  cluster: Pick<HostsClusterConfig, "hosts" | "trustOnFirstUse">,
  fleet: FleetConnection,
  parent: pulumi.Resource,
): Record<string, pulumi.Input<string>> {
  return Object.fromEntries(
    cluster.hosts.map((host): [string, pulumi.Input<string>] => {
      if (host.hostKey !== undefined) return [host.name, host.hostKey];
      if (!cluster.trustOnFirstUse) {
        throw new pulumi.RunError(`${host.name}: hostKey is missing: pin the host's SSH key, or set trustOnFirstUse`);
      }
      return [host.name, firstKey(host, fleet, parent)];
    }),
  );
}

function firstKey(
  host: HostsClusterConfig["hosts"][number],
  fleet: FleetConnection,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  const { name, address, port, user } = host;
  const command = new local.Command(
    `${name}-host-key`,
    {
      create: "node --import=tsx components/hosts/preflight/firstKey.ts",
      stdin: pulumi.secret(firstKeyInput({ address, port, user }, fleet)),
      triggers: [`${address}:${port}`],
      addPreviousOutputInEnv: false,
      logging: types.enums.local.Logging.Stderr,
    },
    // Running it again would trust whatever key is shown then: a new login key, or a new program, is no reason to.
    { parent, ignoreChanges: ["stdin", "create", "logging"] },
  );
  return pulumi.unsecret(command.stdout).apply((key) => key.trim());
}

function firstKeyInput(host: FirstKeyInput["host"], fleet: FleetConnection): pulumi.Output<string> {
  const { bastion, sshAgent = false } = fleet;
  if (bastion === undefined) return pulumi.output(JSON.stringify({ host, credentials: { sshAgent } }));
  return pulumi
    .all([bastion.hostKey, fleet.privateKey, fleet.privateKeyPassphrase])
    .apply(([hostKey, privateKey, privateKeyPassphrase]) => {
      const content: FirstKeyInput = {
        host,
        bastion: { ...bastion, hostKey },
        credentials: { sshAgent, privateKey, privateKeyPassphrase },
      };
      return JSON.stringify(content);
    });
}
