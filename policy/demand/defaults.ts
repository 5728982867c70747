import { nothing, problem, sum, type Demand } from "./demand";
import { UNKNOWN, type Field, type Value } from "./field";
import { isGpuDeviceClass, isGpuResource } from "./gpuResources";
import type { Counter } from "./workloads";

/* Objects that run nothing, but give GPUs to pods that do not ask for them. */

/** A LimitRange gives what it has under `default` to every container of the namespace that names no limit. */
export const limitRange: Counter = (root) => {
  const limits = root.get("spec", "limits");
  if (limits.isUnknown) return problem("unknown", limits.path, "the defaults of containers are not known at preview");
  const defaults = limits.items().flatMap((item) => [item.get("default"), item.get("defaultRequest")]);
  return sum(defaults.map((list) => given(list, "gives every container of the namespace GPUs that asks for none")));
};

/** A RuntimeClass adds its overhead to every pod that names the class. */
export const runtimeClass: Counter = (root) =>
  given(root.get("overhead", "podFixed"), "adds GPUs to every pod of the class");

/** A class of devices named like network cards is not counted: so it must not select GPUs. */
export const deviceClass: Counter = (root) => {
  const name = root.get("metadata", "name").text() ?? "";
  const spec = root.get("spec");
  if (name === "" || isGpuDeviceClass(name) || !speaksOfGpus(spec.value)) return nothing;
  return problem("malformed", spec.path, "a class that is named like something else selects GPUs; name it after them");
};

function given(list: Field, what: string): Demand {
  if (list.isUnknown) return problem("unknown", list.path, "the resources are not known at preview");
  return sum(
    list
      .entries()
      .filter(([name, { value }]) => isGpuResource(name) && value !== null && value !== 0 && value !== "0")
      .map(([, field]) => problem("malformed", field.path, `this ${what}; remove it`)),
  );
}

function speaksOfGpus(value: Value | undefined): boolean {
  if (value === UNKNOWN) return true;
  if (typeof value === "string") return /gpu|amd|nvidia|intel|gaudi|habana/i.test(value);
  return typeof value === "object" && value !== null && Object.values(value).some(speaksOfGpus);
}
