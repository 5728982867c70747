import { Field, UNKNOWN, isObject, type ObjectValue } from "./field";

/** A resource of the stack, as a policy sees it. */
export interface StackResource {
  /** Pulumi type token, e.g. `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
  readonly urn: string;
  readonly props: ObjectValue;
  /** Namespace that the resource's provider gives to objects without one. */
  readonly providerNamespace?: string | typeof UNKNOWN;
}

/** One Kubernetes object that a resource puts on the cluster, or patches. */
export interface KubeObject {
  readonly resource: StackResource;
  /** API group; empty for the core group. */
  readonly group: string;
  readonly kind: string;
  /** UNKNOWN where the program does not know it at preview. */
  readonly namespace: string | typeof UNKNOWN;
  readonly name: string | typeof UNKNOWN;
  readonly root: Field;
  /** Whether the object is only the part that a `*Patch` resource sets. */
  readonly isPatch: boolean;
  /** Set where type token and object disagree about what the object is. */
  readonly contradiction?: string;
}

const kubernetesToken = /^kubernetes:(?:([^/:]*)\/)?([^/:]*):([^/:]+)$/;
const releaseToken = /^kubernetes:helm\.sh\/v\d+:Release$/;
const componentToken = /^kubernetes:(yaml|kustomize|helm\.sh)(\/[^:]+)?:(?!Release$)/;

export function isRelease(type: string): boolean {
  return releaseToken.test(type);
}

/** Components of the Kubernetes package whose children hold the objects: ConfigGroup, ConfigFile, Chart, Directory. */
export function isObjectSource(type: string): boolean {
  return componentToken.test(type);
}

/** The Kubernetes objects of a resource: none for other resources and Helm Releases, several for Lists. */
export function kubeObjects(resource: StackResource): KubeObject[] {
  if (isRelease(resource.type) || isObjectSource(resource.type)) return [];
  const token = kubernetesToken.exec(resource.type);
  const { apiVersion, kind } = resource.props;
  if (token === null && !(typeof apiVersion === "string" && typeof kind === "string")) return [];
  if (resource.type.startsWith("pulumi:")) return [];
  const tokenKind = token?.[3];
  return expand(resource, new Field(resource.props, ""), {
    group: token?.[1] === undefined || token[1] === "core" ? "" : token[1],
    kind: tokenKind ?? "",
  });
}

function expand(resource: StackResource, root: Field, token: { group: string; kind: string }): KubeObject[] {
  const isPatch = token.kind.endsWith("Patch") && root.get("kind").text() !== token.kind;
  const tokenKind = isPatch ? token.kind.slice(0, -"Patch".length) : token.kind;
  const kind = root.get("kind").text() ?? tokenKind;
  const apiVersion = root.get("apiVersion").text();
  const group = apiVersion === undefined ? token.group : groupOf(apiVersion);
  const items = root.get("items");
  if (kind.endsWith("List") && items.exists) {
    const itemKind = kind.slice(0, -"List".length);
    return items.items().flatMap((item) => expand(resource, item, { group, kind: itemKind }));
  }
  return [
    {
      resource,
      group,
      kind,
      namespace: namespaceOf(resource, root),
      name: nameOf(root),
      root,
      isPatch,
      ...(tokenKind !== "" && tokenKind !== kind ? { contradiction: `${tokenKind} holds a ${kind}` } : {}),
    },
  ];
}

/** The API group of an `apiVersion`: `apps` for `apps/v1`, empty for `v1`. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

/** `kind/namespace/name`, the key of a ceiling in the policy config; undefined while a part is unknown. */
export function objectKey(object: Pick<KubeObject, "kind" | "namespace" | "name">): string | undefined {
  if (object.namespace === UNKNOWN || object.name === UNKNOWN) return undefined;
  return `${object.kind}/${object.namespace}/${object.name}`;
}

function nameOf(root: Field): string | typeof UNKNOWN {
  const name = root.get("metadata", "name");
  return name.text() ?? UNKNOWN;
}

function namespaceOf(resource: StackResource, root: Field): string | typeof UNKNOWN {
  const field = root.get("metadata", "namespace");
  if (field.isUnknown) return UNKNOWN;
  const own = field.text();
  if (own !== undefined && own !== "") return own;
  return resource.providerNamespace ?? "default";
}

/** An object with the parts that a patch sets: objects merge, named list elements merge by name. */
export function applyPatch(target: Field, patch: Field): Field {
  return new Field(mergeValue(target.value, patch.value), target.path);
}

function mergeValue(target: Field["value"], patch: Field["value"]): Field["value"] {
  if (patch === undefined || patch === null) return target;
  if (isObject(target) && isObject(patch)) {
    const keys = new Set([...Object.keys(target), ...Object.keys(patch)]);
    return Object.fromEntries([...keys].map((key) => [key, mergeValue(target[key], patch[key]) ?? null]));
  }
  if (Array.isArray(target) && Array.isArray(patch)) return mergeLists(target, patch);
  return patch;
}

function mergeLists(target: readonly Field["value"][], patch: readonly Field["value"][]): Field["value"] {
  const merged = target.map((item) => {
    const change = patch.find((other) => isObject(item) && isObject(other) && item.name === other.name);
    return change === undefined ? item : mergeValue(item, change);
  });
  const added = patch.filter(
    (item) => !target.some((other) => isObject(item) && isObject(other) && item.name === other.name),
  );
  return [...merged, ...added].map((item) => item ?? null);
}
