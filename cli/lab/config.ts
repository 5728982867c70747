import { isSeq, parseDocument, type YAMLMap } from "yaml";

/** The part of a running lab that its stack's config follows. */
export interface LabPlace {
  readonly hosts: readonly { readonly name: string; readonly address: string; readonly hostKey: string }[];
  /** `10.123.<number of the lab>.0/24` */
  readonly network: { readonly subnet: string };
}

const cluster = ["config", "inference-stack:cluster"];
const loadBalancer = ["config", "inference-stack:loadBalancer"];

/**
 * The stack's file with the addresses and pinned host keys of a running lab, whose number decides its network.
 *
 * @param text contents of Pulumi.lab.yaml, or of another file with hosts of the same names
 * @throws when the file names a host that the lab does not have
 */
export function labStackFile(text: string, { hosts, network }: LabPlace): string {
  const document = parseDocument(text);
  const list: unknown = document.getIn([...cluster, "hosts"]);
  if (!isSeq<YAMLMap>(list)) throw new Error("Pulumi.lab.yaml: inference-stack:cluster has no hosts.");
  for (const entry of list.items) {
    const name = String(entry.get("name"));
    const host = hosts.find((each) => each.name === name);
    if (host === undefined) {
      const known = hosts.map((each) => each.name).join(", ");
      throw new Error(
        `Pulumi.lab.yaml: the lab has no host ${name}; it has ${known}. Next: make lab-down, make lab-up.`,
      );
    }
    entry.set("address", host.address);
    entry.set("hostKey", host.hostKey);
  }
  document.setIn([...cluster, "trustOnFirstUse"], false);
  document.setIn([...loadBalancer, "subnet"], network.subnet);
  document.setIn([...loadBalancer, "addresses"], [addressRange(network.subnet)]);
  return document.toString();
}

/** Addresses of the lab's network that no host has. */
function addressRange(subnet: string): string {
  const prefix = subnet.split(".").slice(0, 3).join(".");
  return `${prefix}.240-${prefix}.250`;
}
