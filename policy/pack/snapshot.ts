import type { PolicyProviderResource, PolicyResource, ResourceValidationArgs } from "@pulumi/policy";
import { UNKNOWN, type ObjectValue, type Value } from "../demand/field";
import type { StackResource } from "../demand/objects";

/**
 * A resource as plain data. Policies get their properties behind a proxy that throws at the first unknown value, and
 * the SDK turns that error into an advisory for the whole policy: a mandatory policy then lets everything pass.
 * Here every value is read on its own, and an unknown one becomes UNKNOWN.
 */
export function snapshot(resource: ResourceValidationArgs | PolicyResource): StackResource {
  const props: ObjectValue = Object.fromEntries(
    Object.entries(copyObject(resource.props)).filter(([key]) => !key.startsWith("__")),
  );
  const namespace = providerNamespace(resource.provider);
  return {
    type: resource.type,
    urn: resource.urn,
    props,
    ...(namespace === undefined ? {} : { providerNamespace: namespace }),
  };
}

function providerNamespace(provider: PolicyProviderResource | undefined): StackResource["providerNamespace"] {
  if (provider?.type !== "pulumi:providers:kubernetes") return undefined;
  const namespace = read(provider.props, "namespace");
  if (namespace === UNKNOWN) return UNKNOWN;
  return typeof namespace === "string" && namespace !== "" ? namespace : undefined;
}

function copyObject(source: object): ObjectValue {
  // Object.fromEntries defines own properties, so that a key such as __proto__ stays a key.
  return Object.fromEntries(Object.keys(source).map((key) => [key, read(source, key)]));
}

function read(source: object, key: string): Value {
  let value: unknown;
  try {
    value = Reflect.get(source, key);
  } catch (error) {
    if (isUnknownValueError(error)) return UNKNOWN;
    throw error;
  }
  if (value === UNKNOWN) return UNKNOWN;
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean" || typeof value === "number" || typeof value === "string") return value;
  if (Array.isArray(value)) return copyList(value);
  if (typeof value === "object") return copyObject(value);
  throw new Error(`property ${key} holds a ${typeof value}, which no Kubernetes object can`);
}

function copyList(list: readonly unknown[]): Value[] {
  return Array.from({ length: list.length }, (_, index) => read(list, String(index)));
}

/** The SDK does not export the class, so its name has to do. */
function isUnknownValueError(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === "UnknownValueError";
}
