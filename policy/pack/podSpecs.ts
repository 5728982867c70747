import { Field } from "../demand/field";
import { kubeObjects, type KubeObject } from "../demand/objects";
import { snapshot } from "./snapshot";
import type { ResourceValidationArgs } from "@pulumi/policy";

/** A pod specification inside a resource, with the metadata beside it. */
export interface PodSpec {
  readonly spec: Field;
  readonly metadata: Field;
}

/** The Kubernetes objects of a resource; none for resources of other packages. */
export function kubeObjectsOf(args: ResourceValidationArgs): KubeObject[] {
  return args.type.startsWith("kubernetes:") || "apiVersion" in args.props ? kubeObjects(snapshot(args)) : [];
}

/** Every pod specification in an object, however deep: what has a list of containers. */
export function podSpecs(object: KubeObject): PodSpec[] {
  if (object.kind === "CustomResourceDefinition") return [];
  const found: PodSpec[] = [];
  search(object.root, object.root.get("metadata"), found);
  return found;
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
