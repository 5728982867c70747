import type { ConnectionRow, FleetRow, HostRow } from "./row";
import { clusterRows } from "./rows/cluster";
import { connectionRows } from "./rows/connection";
import { fleetRows } from "./rows/fleet";
import { gpuRows } from "./rows/gpu";
import { networkRows } from "./rows/network";
import { packageRows } from "./rows/packages";
import { storageRows } from "./rows/storage";
import { systemRows } from "./rows/system";

export { connectionRows } from "./rows/connection";
export { fleetRows } from "./rows/fleet";

/** Rows that look at one host each. */
export const hostRows: readonly HostRow[] = [
  ...systemRows,
  ...clusterRows,
  ...networkRows,
  ...packageRows,
  ...storageRows,
  ...gpuRows,
];

/** All rows, in the order of their numbers. */
export const catalogue: readonly (ConnectionRow | HostRow | FleetRow)[] = [
  ...Object.values(connectionRows),
  ...hostRows,
  ...fleetRows,
].sort((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1));
