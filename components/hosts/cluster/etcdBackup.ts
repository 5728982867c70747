import type * as pulumi from "@pulumi/pulumi";
import type { HostsClusterConfig } from "../../config/schema/cluster";
import { RemoteStep } from "../remoteStep";
import { assignment, readScript } from "../shell";
import type { Member } from "./steps";

type EtcdSnapshots = HostsClusterConfig["etcdSnapshots"];

/** The commands for snapshots and restore on a control plane, and the timer that takes snapshots. */
export function etcdBackup(
  parent: pulumi.Resource,
  { schedule, keep, directory }: EtcdSnapshots,
  { host, connection }: Member,
  joined: pulumi.Resource,
): RemoteStep {
  return new RemoteStep(
    `${host.name}-etcd-backup`,
    {
      connection,
      script: "etcdBackup.sh",
      values: { SCHEDULE: schedule, SNAPSHOT_DIRECTORY: directory },
      files: {
        snapshot: hostCommand("etcdSnapshot.sh", { DIRECTORY: directory, KEEP: String(keep) }),
        restore: hostCommand("etcdRestore.sh", { DIRECTORY: directory }),
      },
      onDelete: true,
    },
    { parent, dependsOn: [joined] },
  );
}

/** A command that stands on the host by itself. */
export function hostCommand(script: string, values: Readonly<Record<string, string>>): string {
  const assignments = Object.entries(values).map(([name, value]) => assignment(name, value));
  const parts = ["scripts/etcd.sh", `scripts/${script}`].map(readScript);
  return ["#!/bin/bash", "set -Eeuo pipefail", "export LC_ALL=C", ...assignments, ...parts, ""].join("\n");
}
