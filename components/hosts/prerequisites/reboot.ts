import { createHash } from "node:crypto";
import { local, types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { HostConfig } from "../../config/schema/hosts";
import type { FleetConnection } from "../connection";
import { shellOf, stepStream, type RemoteStepArgs } from "../remoteStep";
import type { RebootInput } from "./rebootHost";

export interface RebootArgs {
  readonly host: HostConfig;
  readonly hostKey: pulumi.Input<string>;
  readonly fleet: FleetConnection;
  /** The step whose settings wait for the reboot; it is run again after it, to see that they hold. */
  readonly tuning: RemoteStepArgs & { readonly values: Record<string, string> };
}

/** Minutes that a big machine's memory test and firmware may take, twice over. */
const REBOOT_TIMEOUT = "30m";

/**
 * Reboots a host if its settings wait for it, and waits until it is back and they hold. The connection is cut by it, so
 * this is a local command with a connection of its own, not a remote one, which would count the cut as its failure.
 */
export function rebootStep(
  name: string,
  { host, hostKey, fleet, tuning }: RebootArgs,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  const change = createHash("sha256").update(JSON.stringify(tuning.values)).digest("hex");
  const reboot = { connection: tuning.connection, script: "reboot.sh", values: { CHANGE: change } };
  const { name: hostName, address, port, user } = host;
  const { bastion, sshAgent = false, privateKey, privateKeyPassphrase } = fleet;
  const stdin = pulumi
    .all([
      pulumi.output(hostKey),
      pulumi.output(bastion?.hostKey),
      pulumi.all({ privateKey, privateKeyPassphrase }),
      stepStream(reboot),
      stepStream(tuning),
    ])
    .apply(([key, bastionKey, secrets, rebootStream, tuningStream]) => {
      const content: RebootInput = {
        name: hostName,
        host: { address, port, user, hostKey: key },
        bastion: bastion && { ...bastion, hostKey: bastionKey },
        credentials: { sshAgent, ...secrets },
        shell: shellOf(tuning.connection, "create"),
        reboot: rebootStream,
        tuning: tuningStream,
      };
      return JSON.stringify(content);
    });
  return new local.Command(
    name,
    {
      create: "node --import=tsx components/hosts/prerequisites/rebootHost.ts",
      stdin: pulumi.secret(stdin),
      addPreviousOutputInEnv: false,
      logging: types.enums.local.Logging.Stderr,
    },
    pulumi.mergeOptions({ customTimeouts: { create: REBOOT_TIMEOUT, update: REBOOT_TIMEOUT } }, opts),
  );
}
