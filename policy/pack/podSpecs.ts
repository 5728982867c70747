import type { ResourceValidationArgs } from "@pulumi/policy";
import { Field } from "../demand/field";
import { isGpuResource } from "../demand/gpuResources";
import { kubeObjects, type KubeObject, type StackResource } from "../demand/objects";
import { sharedSnapshot } from "./snapshot";

/** A pod specification inside a resource, with the metadata beside it. */
export interface PodSpec {
  readonly spec: Field;
  readonly metadata: Field;
}

const objectsOf = new WeakMap<StackResource, KubeObject[]>();
const podsOf = new WeakMap<Field, PodSpec[]>();

/** The Kubernetes objects of a resource; none for resources of other packages. */
export function kubeObjectsOf(args: ResourceValidationArgs): KubeObject[] {
  return args.type.startsWith("kubernetes:") || "apiVersion" in args.props ? allObjects(sharedSnapshot(args)) : [];
}

/** The Kubernetes objects of a copied resource, read once. */
export function allObjects(resource: StackResource): KubeObject[] {
  const known = objectsOf.get(resource);
  if (known !== undefined) return known;
  const objects = kubeObjects(resource);
  objectsOf.set(resource, objects);
  return objects;
}

/** Every pod specification in an object, however deep: what has a list of containers. */
export function podSpecs(object: KubeObject): PodSpec[] {
  if (object.kind === "CustomResourceDefinition") return [];
  const known = podsOf.get(object.root);
  if (known !== undefined) return known;
  const found: PodSpec[] = [];
  search(object.root, object.root.get("metadata"), found);
  podsOf.set(object.root, found);
  return found;
}

/** The pod specifications of an object that ask for GPUs, by resource or by claim. */
export function gpuPods(object: KubeObject): PodSpec[] {
  return podSpecs(object).filter(
    (pod) => gpuResources(pod).length > 0 || pod.spec.get("resourceClaims").items().length > 0,
  );
}

/** Names of the GPU resources that a pod asks for, each once. */
export function gpuResources(pod: PodSpec): string[] {
  return [...new Set(containersOf(pod).flatMap(gpuResourcesOf))];
}

/** Names of the GPU resources that a container asks for. */
export function gpuResourcesOf(container: Field): string[] {
  return ["limits", "requests"].flatMap((side) =>
    container
      .get("resources", side)
      .entries()
      .filter(([name, count]) => isGpuResource(name) && count.exists && count.value !== 0 && count.value !== "0")
      .map(([name]) => name),
  );
}

/** Containers of a pod: plain, init and ephemeral. */
export function containersOf(pod: PodSpec): Field[] {
  return ["containers", "initContainers", "ephemeralContainers"].flatMap((key) => pod.spec.get(key).items());
}

function search(field: Field, metadata: Field, found: PodSpec[]): void {
  if (Array.isArray(field.get("containers").value) || Array.isArray(field.get("initContainers").value)) {
    found.push({ spec: field, metadata });
  }
  const own = field.get("metadata");
  for (const [, child] of field.entries()) search(child, own.exists ? own : metadata, found);
  if (Array.isArray(field.value)) for (const item of field.items()) search(item, metadata, found);
}
