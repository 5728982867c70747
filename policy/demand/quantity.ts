import { multipliers } from "../../components/capacity/quantity";
import { one, problem, type Count, type Demand, demandOf } from "./demand";
import type { Field } from "./field";

/** Above this a number is no exact count any more; no cluster has as many GPUs. */
const largestCount = Number.MAX_SAFE_INTEGER;

const quantityForm = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([kMGTPE]|[KMGTPE]i|))$/;

/**
 * Parses the quantity of an extended resource in the forms that Kubernetes takes: `1`, `"1"`, `"1e0"`, `"1k"`.
 * Such a quantity is a whole, non-negative number; the suffix `m` is refused also where it comes out whole.
 * @returns the count, or why the value is refused
 */
export function parseQuantity(value: unknown): number | string {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return `${describe(value)} is no quantity; write a whole number such as 1`;
  const match = quantityForm.exec(text);
  if (match === null) return `${describe(value)} is no whole quantity; write a whole number such as 1`;
  const [, digits, exponent, suffix] = match;
  const count =
    exponent === undefined ? Number(digits) * (multipliers[suffix ?? ""] ?? NaN) : Number(`${digits}e${exponent}`);
  if (count < 0) return `${describe(value)} is negative; write a whole number such as 1`;
  if (count > largestCount) return `${describe(value)} is more than any cluster has`;
  if (!Number.isInteger(count)) return `${describe(value)} is not whole; GPUs are only given whole`;
  return count;
}

/** The demand that one entry of `limits` or `requests` makes. */
export function quantityDemand(resource: string, field: Field): Demand {
  if (field.isUnknown) return problem("unknown", field.path, `the quantity of ${resource} is not known at preview`);
  if (!field.exists) return demandOf(resource, 0);
  const parsed = parseQuantity(field.value);
  return typeof parsed === "number" ? demandOf(resource, parsed) : problem("malformed", field.path, parsed);
}

/** Reads a count such as `replicas`: a whole, non-negative JSON number, as the API server requires. */
export function readCount(field: Field, byDefault: number): Count {
  if (field.isUnknown) return failed("unknown", field, "the number is not known at preview");
  if (!field.exists) return { value: byDefault, problems: [] };
  const { value } = field;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > largestCount) {
    return failed("malformed", field, `${describe(value)} is no count; write a whole number of 0 or more`);
  }
  return { value, problems: [] };
}

/** Reads a count or a percentage of `total`, rounded up, such as `maxSurge`. */
export function readCountOrPercent(field: Field, total: number, byDefault: number | string): Count {
  const value = field.exists ? field.value : byDefault;
  if (typeof value !== "string") return readCount(field, Number(byDefault));
  const percent = /^(\d{1,9})%$/.exec(value)?.[1];
  if (percent === undefined) {
    return failed("malformed", field, `${describe(value)} is neither a whole number nor a percentage such as 25%`);
  }
  return { value: Math.ceil((total * Number(percent)) / 100), problems: [] };
}

export function addCounts(...counts: Count[]): Count {
  return {
    value: counts.reduce((total, count) => total + count.value, 0),
    problems: counts.flatMap((count) => count.problems),
  };
}

export function multiplyCounts(...counts: Count[]): Count {
  return {
    value: counts.reduce((total, count) => total * count.value, 1),
    problems: counts.flatMap((count) => count.problems),
  };
}

export function largestOf(...counts: Count[]): Count {
  return {
    value: Math.max(...counts.map((count) => count.value)),
    problems: counts.flatMap((count) => count.problems),
  };
}

/** A count that nothing limits. */
export function unbounded(path: string, message: string): Count {
  return { ...one, problems: [{ kind: "unbounded", path, message }] };
}

function failed(kind: "unknown" | "malformed", field: Field, message: string): Count {
  return { ...one, problems: [{ kind, path: field.path, message }] };
}

function describe(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
