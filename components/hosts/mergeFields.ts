/** A table of another program's configuration, by field. */
export type Fields = Readonly<Record<string, unknown>>;

/** Tables are merged at every depth; other values, and lists, of `over` replace those of `base`. */
export function mergeFields(base: Fields, over: Fields): Fields {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isFields(before) && isFields(value) ? mergeFields(before, value) : value;
  }
  return merged;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
