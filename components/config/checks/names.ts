import { nearest } from "../nearest";
import type { Path } from "../paths";
import type { Check, CheckContext, CheckProblem } from "./context";

/** Namespaces that Kubernetes or an add-on of the stack owns, with their owner. */
const reservedNamespaces: Readonly<Record<string, string>> = {
  default: "Kubernetes",
  "calico-apiserver": "Calico",
  "calico-crds": "Calico",
  "calico-system": "Calico",
  "cert-manager": "cert-manager",
  "gpu-operator": "the NVIDIA GPU operator",
  "kube-amd-gpu": "the AMD GPU operator",
  "lws-system": "LeaderWorkerSet",
  "metallb-system": "MetalLB",
  "tigera-operator": "Calico",
};

function ownerOf(namespace: string): string | undefined {
  return namespace.startsWith("kube-")
    ? (reservedNamespaces[namespace] ?? "Kubernetes")
    : reservedNamespaces[namespace];
}

interface Named {
  readonly name: string;
  readonly path: Path;
}

function duplicates(entries: readonly Named[], scope: string, { problem }: CheckContext): CheckProblem[] {
  const first = new Map<string, Named>();
  return entries.flatMap((entry) => {
    const twin = first.get(entry.name);
    if (!twin) {
      first.set(entry.name, entry);
      return [];
    }
    const allowed = `a name that is unique ${scope}; entry ${String(twin.path.at(-2))} has it already`;
    return [problem(entry.path, allowed, "rename one of the two", [twin.path])];
  });
}

function reserved({ config, problem }: CheckContext): CheckProblem[] {
  return config.namespaces.flatMap(({ name }, index) => {
    const owner = ownerOf(name);
    if (owner === undefined) return [];
    const allowed = `a namespace for models alone; ${name} belongs to ${owner}`;
    return [problem(["namespaces", index, "name"], allowed, "choose another name")];
  });
}

function unknownNamespaces({ config, problem }: CheckContext): CheckProblem[] {
  const names = config.namespaces.map(({ name }) => name);
  return config.models.flatMap(({ namespace }, index) => {
    const path: Path = ["models", index, "namespace"];
    const allowed = `one of the configured namespaces: ${[...new Set(names)].join(", ")}`;
    const basis = names.map((_, position): Path => ["namespaces", position, "name"]);
    if (namespace === undefined) {
      return names.length === 1 ? [] : [problem(path, allowed, "say which one the model runs in", basis)];
    }
    if (names.includes(namespace)) return [];
    const suggestion = nearest(namespace, names);
    const next =
      suggestion === undefined ? "choose one of them, or add it to namespaces" : `did you mean ${suggestion}?`;
    return [problem(path, allowed, next, basis)];
  });
}

/** Names are unique in their scope, namespaces are not someone else's, and models name namespaces that are there. */
export const checkNames: Check = (context) => {
  const { config, models } = context;
  const namespaces = config.namespaces.map(({ name }, index) => ({ name, path: ["namespaces", index, "name"] }));
  const inNamespace = [...new Set(models.map(({ namespace }) => namespace))].flatMap((namespace) => {
    const entries = models.flatMap((model, index) =>
      model.namespace === namespace ? [{ name: model.name, path: ["models", index, "name"] }] : [],
    );
    return duplicates(entries, `in namespace ${namespace}`, context);
  });
  return [
    ...duplicates(namespaces, "among namespaces", context),
    ...reserved(context),
    ...unknownNamespaces(context),
    ...inNamespace,
  ];
};
