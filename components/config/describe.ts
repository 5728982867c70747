import { z } from "zod";
import { valueAt, type Path } from "./paths";

/** A schema with the description that stands nearest to it. */
export interface SchemaNode {
  readonly schema: z.core.$ZodTypes;
  readonly description: string | undefined;
}

function node(schema: z.core.$ZodType, description?: string): SchemaNode {
  let current = schema as z.core.$ZodTypes;
  let text = description ?? z.globalRegistry.get(current)?.description;
  for (;;) {
    const definition = current._zod.def;
    if (!("innerType" in definition)) break;
    current = definition.innerType as z.core.$ZodTypes;
    text ??= z.globalRegistry.get(current)?.description;
  }
  return { schema: current, description: text };
}

function discriminatorOf(definition: z.core.$ZodUnionDef): string | undefined {
  return "discriminator" in definition ? (definition.discriminator as string) : undefined;
}

/** The branch of a union that a value means: by its discriminator, else the one that knows most of its keys. */
function branchFor(options: readonly z.core.$ZodType[], discriminator: string | undefined, value: unknown): SchemaNode {
  const nodes = options.map((option) => node(option));
  const score = ({ schema }: SchemaNode): number => {
    const definition = schema._zod.def;
    if (definition.type === "array") return Array.isArray(value) ? 1 : 0;
    if (definition.type !== "object" || typeof value !== "object" || value === null) return 0;
    if (discriminator === undefined) return Object.keys(value).filter((key) => key in definition.shape).length;
    const literal = definition.shape[discriminator];
    return literal && z.safeParse(literal, valueAt(value, [discriminator])).success ? 1 : 0;
  };
  return nodes.reduce((best, candidate) => (score(candidate) > score(best) ? candidate : best));
}

/** The schema that rules the value at a path of `raw`; undefined where the schema has no such path. */
export function schemaAt(root: z.core.$ZodType, raw: unknown, path: Path): SchemaNode | undefined {
  let current = node(root);
  for (const [depth, step] of path.entries()) {
    let definition = current.schema._zod.def;
    if (definition.type === "union") {
      current = branchFor(definition.options, discriminatorOf(definition), valueAt(raw, path.slice(0, depth)));
      definition = current.schema._zod.def;
    }
    const next = childOf(definition, step);
    if (!next) return undefined;
    current = node(next);
  }
  return current;
}

function childOf(definition: z.core.$ZodTypes["_zod"]["def"], step: string | number): z.core.$ZodType | undefined {
  if (definition.type === "object") return definition.shape[step];
  if (definition.type === "array") return definition.element;
  if (definition.type === "record") return definition.valueType;
  return undefined;
}

/** The fields of an object schema; for a union, those of the branch that the value means. */
export function shapeOf({ schema }: SchemaNode, value: unknown): z.core.$ZodShape | undefined {
  const definition = schema._zod.def;
  if (definition.type === "object") return definition.shape;
  if (definition.type !== "union") return undefined;
  return shapeOf(branchFor(definition.options, discriminatorOf(definition), value), value);
}

function describeNumber(schema: z.ZodNumber): string {
  const kind = schema.format === "safeint" ? "a whole number" : "a number";
  const { minValue, maxValue } = schema;
  const isBound = (limit: number | null): limit is number =>
    limit !== null && Math.abs(limit) < Number.MAX_SAFE_INTEGER;
  if (isBound(minValue) && !z.safeParse(schema, minValue).success) return `${kind} above ${minValue}`;
  if (isBound(minValue) && isBound(maxValue)) return `${kind} from ${minValue} to ${maxValue}`;
  if (isBound(minValue)) return `${kind}, at least ${minValue}`;
  return isBound(maxValue) ? `${kind}, at most ${maxValue}` : kind;
}

/** What the schema's own checks say to texts that they can hardly like. */
function describeString(schema: z.core.$ZodType): string {
  const messageFor = (text: string): string | undefined => z.safeParse(schema, text).error?.issues[0]?.message;
  const message = messageFor("\u0000");
  if (message !== undefined) return message;
  return messageFor("") === undefined ? "a text" : "a text that is not empty";
}

function describeObject(shape: z.core.$ZodShape): string {
  const constant = Object.entries(shape).find(([, field]) => (field as z.core.$ZodTypes)._zod.def.type === "literal");
  if (!constant) return `an object with keys among ${Object.keys(shape).join(", ")}`;
  return `an object with ${constant[0]}: ${describeAllowed(constant[1])}`;
}

/** Joins alternatives as in `a, b or c`. */
export function either(alternatives: readonly string[]): string {
  const unique = [...new Set(alternatives)];
  return unique.length < 2 ? unique.join("") : `${unique.slice(0, -1).join(", ")} or ${unique.at(-1)}`;
}

/** What a schema allows, in words, e.g. `a whole number from 0 to 1000`. */
export function describeAllowed(from: z.core.$ZodType): string {
  const { schema } = node(from);
  const definition = schema._zod.def;
  if (definition.type === "number") return describeNumber(schema as z.ZodNumber);
  if (definition.type === "string") return describeString(schema);
  if (definition.type === "boolean") return "true or false";
  if (definition.type === "enum")
    return either(Object.values(definition.entries).map((entry) => JSON.stringify(entry)));
  if (definition.type === "literal") return either(definition.values.map((value) => JSON.stringify(value)));
  if (definition.type === "array") return `a list, each entry ${describeAllowed(definition.element)}`;
  if (definition.type === "object") return describeObject(definition.shape);
  if (definition.type === "record")
    return definition.valueType._zod.def.type === "unknown" ? "an object" : "an object of names and texts";
  if (definition.type === "union") return either(definition.options.map(describeAllowed));
  return definition.type;
}
