/** Stands in for a value that is not known before the update, wherever it occurs in a resource. */
export const UNKNOWN: unique symbol = Symbol("unknown until the update");

/** A resource's properties as plain data, with UNKNOWN where the engine knows no value yet. */
export type Value =
  typeof UNKNOWN | null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

export type ObjectValue = { readonly [key: string]: Value };

export function isObject(value: Value | undefined): value is ObjectValue {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A value together with its path in the resource, e.g. `spec.template.spec.containers[0]`, so that a message can
 * name it. Reading below an unknown value gives that unknown value, with the path at which it stands.
 */
export class Field {
  constructor(
    readonly value: Value | undefined,
    readonly path: string,
  ) {}

  get isUnknown(): boolean {
    return this.value === UNKNOWN;
  }

  /** False where the key is missing, null, or below something that is no object. */
  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  get(...keys: string[]): Field {
    return keys.reduce((field: Field, key) => field.child(key), this);
  }

  /** The elements of a list; an unknown list is one unknown element; anything else has none. */
  items(): Field[] {
    if (this.isUnknown) return [this];
    if (!Array.isArray(this.value)) return [];
    return (this.value as readonly Value[]).map((item, index) => new Field(item, `${this.path}[${index}]`));
  }

  /** Keys and values of an object; none for anything else, an unknown value included. */
  entries(): [string, Field][] {
    if (!isObject(this.value)) return [];
    return Object.keys(this.value).map((key) => [key, this.child(key)]);
  }

  /** The value if it is a string, else undefined. */
  text(): string | undefined {
    return typeof this.value === "string" ? this.value : undefined;
  }

  private child(key: string): Field {
    if (this.isUnknown) return this;
    const path = /^[\w-]+$/.test(key) ? (this.path === "" ? key : `${this.path}.${key}`) : `${this.path}["${key}"]`;
    const own = isObject(this.value) && Object.hasOwn(this.value, key) ? this.value[key] : undefined;
    return new Field(own, path);
  }
}
