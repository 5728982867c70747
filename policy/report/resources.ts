import { UNKNOWN, isObject, type ObjectValue, type Value } from "../demand/field";

/** A resource as a state or a preview records it. */
export interface RecordedResource {
  readonly type: string;
  readonly urn: string;
  readonly inputs: ObjectValue;
  readonly parent?: string;
  /** URN of the provider. */
  readonly provider?: string;
  readonly protect: boolean;
}

/** What the engine writes for a value that is not known before the update. */
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** What the engine writes for a secret in a preview. */
const secretText = "[secret]";
/** Key and value that mark an encrypted value in a state. */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/**
 * The resources in the text of `pulumi stack export`, of a state file, or of `pulumi preview --json`. Encrypted values
 * are unknown: what asks for GPUs by a secret is then refused, as any other unknown ask.
 * @throws when the text is none of these
 */
export function readResources(text: string, file: string): RecordedResource[] {
  const document = parseObject(text, file);
  const deployment = at(document, "deployment") ?? at(document, "checkpoint", "latest");
  const steps = listAt(document, "steps");
  if (isObject(deployment)) return (listAt(deployment, "resources") ?? []).filter(isLive).flatMap(resourceOf);
  if (steps !== undefined) {
    const states = steps.flatMap((step): Value[] => [at(step, "newState") ?? null]);
    return states.filter(isLive).flatMap(resourceOf);
  }
  throw new Error(
    `${file} holds neither a deployment nor the steps of a preview. Write it with pulumi stack export --file ${file}, ` +
      `or with pulumi preview --json > ${file}.`,
  );
}

function parseObject(text: string, file: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch (error) {
    throw new Error(`${file} is no JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Not what waits to be deleted, nor what belongs to somebody else and was only read. */
function isLive(resource: Value): boolean {
  return at(resource, "delete") !== true && at(resource, "external") !== true;
}

function resourceOf(resource: Value): RecordedResource[] {
  const [type, urn, inputs] = [at(resource, "type"), at(resource, "urn"), at(resource, "inputs")];
  if (typeof type !== "string" || typeof urn !== "string") return [];
  const [parent, provider] = [at(resource, "parent"), at(resource, "provider")];
  const plain = plainValue((inputs ?? {}) as Value);
  return [
    {
      type,
      urn,
      inputs: isObject(plain) ? plain : {},
      protect: at(resource, "protect") === true,
      ...(typeof parent === "string" ? { parent } : {}),
      // A reference is the provider's URN, `::` and its id.
      ...(typeof provider === "string" ? { provider: provider.slice(0, provider.lastIndexOf("::")) } : {}),
    },
  ];
}

function plainValue(value: Value): Value {
  if (value === unknownText || value === secretText) return UNKNOWN;
  if (Array.isArray(value)) return (value as readonly Value[]).map(plainValue);
  if (!isObject(value)) return value;
  if (value[signatureKey] !== undefined) return value[signatureKey] === secretSignature ? revealed(value) : UNKNOWN;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plainValue(child)]));
}

/** `pulumi stack export --show-secrets` writes secrets as JSON text. */
function revealed({ plaintext }: ObjectValue): Value {
  return typeof plaintext === "string" ? plainValue(JSON.parse(plaintext) as Value) : UNKNOWN;
}

function listAt(value: Value | undefined, key: string): readonly Value[] | undefined {
  const found = at(value, key);
  return Array.isArray(found) ? (found as readonly Value[]) : undefined;
}

function at(value: Value | undefined, ...keys: string[]): Value | undefined {
  return keys.reduce<Value | undefined>((found, key) => (isObject(found) ? found[key] : undefined), value);
}
