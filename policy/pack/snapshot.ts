import type { PolicyProviderResource, PolicyResource, ResourceValidationArgs } from "@pulumi/policy";
import { UNKNOWN, type ObjectValue } from "../demand/field";
import type { StackResource } from "../demand/objects";

const snapshots = new WeakMap<object, StackResource>();

/** The resource as the policies read it, made once for all that are asked about it. */
export function sharedSnapshot(resource: ResourceValidationArgs | PolicyResource): StackResource {
  const props = resource.props as ObjectValue;
  const known = snapshots.get(props);
  if (known?.urn === resource.urn && known.type === resource.type) return known;
  const made = snapshot(resource, props);
  snapshots.set(props, made);
  return made;
}

/** A resource with these properties, without those that the engine keeps for itself. */
export function snapshot(
  { type, urn, provider }: Pick<PolicyResource, "type" | "urn" | "provider">,
  props: ObjectValue,
): StackResource {
  const namespace = providerNamespace(provider);
  const own = Object.keys(props).some((key) => key.startsWith("__"))
    ? Object.fromEntries(Object.entries(props).filter(([key]) => !key.startsWith("__")))
    : props;
  return { type, urn, props: own, ...(namespace === undefined ? {} : { providerNamespace: namespace }) };
}

function providerNamespace(provider: PolicyProviderResource | undefined): StackResource["providerNamespace"] {
  if (provider?.type !== "pulumi:providers:kubernetes") return undefined;
  const namespace: unknown = provider.props["namespace"];
  if (namespace === UNKNOWN) return UNKNOWN;
  return typeof namespace === "string" && namespace !== "" ? namespace : undefined;
}
