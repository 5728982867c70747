import * as pulumi from "@pulumi/pulumi";

/**
 * A value that is known already, as an Output that waits for resources.
 *
 * Before the first update of a cluster that the stack itself makes, a preview knows nothing that its provider would
 * report, not even the names of objects. Values that policies and later resources need are given in this way: known at
 * preview, and used after the resources exist.
 */
export function knownAfter(value: string, ...resources: readonly pulumi.Resource[]): pulumi.Output<string> {
  // The URN is the one output that every preview knows.
  return pulumi.all(resources.map(({ urn }) => urn)).apply(() => value);
}
