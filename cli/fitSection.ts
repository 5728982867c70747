import { readFileSync } from "node:fs";
import path from "node:path";
import { fitTable } from "../components/capacity/fitTable";
import { loadStackFile } from "../components/config/stackFile";
import type { ClusterStatus } from "./clusterStatus";
import { root, stackFile } from "./paths";

/**
 * The table of what the stack's models take, on the nodes as they are. A config that has been broken since it was
 * deployed is a reason to leave the table out, not to hide the rest of the status.
 */
export function fitSection(stack: string, { nodes }: ClusterStatus, file = stackFile(stack)): string {
  const readJson = (name: string): unknown => JSON.parse(readFileSync(path.resolve(root, name), "utf8"));
  try {
    const config = loadStackFile(file);
    const onNodes = nodes.map(({ gpus, vendor, product }) => ({
      gpus: vendor === "none" ? {} : { [vendor]: gpus },
      product: product === "" ? undefined : product,
    }));
    return config.models.length === 0 ? "" : fitTable(config, onNodes, readJson).replace(/^(?!Memory)/gm, "  ");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `Memory of the models\n  not known, as the config of stack ${stack} cannot be read now: ${reason}`;
  }
}
