/** Where a value stands in the stack config, e.g. `["models", 1, "replicas"]`. */
export type Path = readonly (string | number)[];

/** The config namespace of the project: the part before the colon in `Pulumi.<stack>.yaml`. */
export const configNamespace = "inference-stack";

/**
 * Renders a path inside the project's namespace in the spelling of `pulumi config --path`,
 * e.g. `models[1].replicas` or `secrets.hfTokens["team.a"]`.
 */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[A-Za-z_][\w-]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}

/** Renders a path as the user writes it, with the namespace: `inference-stack:models[1].replicas`. */
export function formatKey(path: Path): string {
  return `${configNamespace}:${formatPath(path)}`;
}

/** The value at a path, or undefined where any step of it is missing. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== "object" || value === null) return undefined;
    return Object.hasOwn(value, step) ? (value as Record<string | number, unknown>)[step] : undefined;
  }, root);
}

/** Whether `path` is `prefix` itself or lies inside it. */
export function isWithin(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((step, index) => step === path[index]);
}
