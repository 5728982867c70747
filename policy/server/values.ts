import { UNKNOWN, type ObjectValue, type Value } from "../demand/field";
import type { MessageReader } from "./wire";

/** Key and value by which the engine marks a secret: the value itself stands beside them. */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/**
 * What the engine writes for a value that is not known before the update: of a boolean, number, string, list, asset,
 * archive and object.
 * @see https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/resource/plugin/rpc.go
 */
const unknownTexts: ReadonlySet<string> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);
const unknownLength = 36;

type Container = Record<string, unknown>;

function isUnknownText(text: string): boolean {
  return text.length === unknownLength && unknownTexts.has(text);
}

/** Reads a `google.protobuf.Struct`: secrets as their values, and UNKNOWN for what is not known. */
export function readStruct(message: MessageReader): ObjectValue {
  return readEntries(message, plain) as ObjectValue;
}

/** Reads a `google.protobuf.Struct` as the engine writes it, with its marks of secrets and unknown values. */
export function readRawStruct(message: MessageReader): Record<string, unknown> {
  return readEntries(message, raw);
}

/** What becomes of texts and objects that may be marks. */
interface Form {
  readonly text: (text: string) => unknown;
  readonly object: (value: Container) => unknown;
}

const plain: Form = { text: known, object: revealed };
const raw: Form = { text: (text) => text, object: (value) => value };

function readEntries(message: MessageReader, form: Form): Container {
  const entries: Container = {};
  while (message.next() > 0) readEntry(message.message(), entries, form);
  return entries;
}

function readEntry(message: MessageReader, entries: Container, form: Form): void {
  let key = "";
  let value: unknown = null;
  for (let field = message.next(); field > 0; field = message.next()) {
    if (field === 1) key = message.text();
    else value = readValue(message.message(), form);
  }
  // As an own property, even where its name is that of the prototype.
  const attributes = { value, enumerable: true, writable: true, configurable: true };
  if (key === "__proto__") Object.defineProperty(entries, key, attributes);
  else entries[key] = value;
}

function readValue(message: MessageReader, form: Form): unknown {
  let value: unknown = null;
  for (let field = message.next(); field > 0; field = message.next()) {
    if (field === 2) value = message.double();
    else if (field === 3) value = form.text(message.text());
    else if (field === 4) value = message.boolean();
    else if (field === 5) value = form.object(readEntries(message.message(), form));
    else if (field === 6) value = readList(message.message(), form);
    else message.skip();
  }
  return value;
}

function readList(message: MessageReader, form: Form): unknown[] {
  const items: unknown[] = [];
  while (message.next() > 0) items.push(readValue(message.message(), form));
  return items;
}

function known(text: string): Value {
  return isUnknownText(text) ? UNKNOWN : text;
}

function revealed(value: Container): unknown {
  return value[signatureKey] === secretSignature ? (value["value"] ?? null) : value;
}

/** Plain data as the engine writes it, with UNKNOWN for what is not known. */
export function plainValue(data: unknown): Value {
  if (typeof data === "string") return known(data);
  if (Array.isArray(data)) return data.map(plainValue);
  if (!isContainer(data)) return data as Value;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, plainValue(value)]));
}

/* Remediation hands properties back, with all secrets still marked. */

/** Takes the marks off all secrets in plain data, in place. Returns what puts them on again. */
export function unmarkSecrets(data: Container): () => void {
  const marked: [Container, string][] = [];
  const visit = (container: Container): void => {
    for (const [key, value] of Object.entries(container)) {
      const own = isContainer(value) && value[signatureKey] === secretSignature ? value["value"] : value;
      if (own !== value) {
        marked.push([container, key]);
        container[key] = own;
      }
      if (isContainer(own)) visit(own);
    }
  };
  visit(data);
  return () => {
    // From the inside out, as a secret may hold another.
    for (const [container, key] of marked.reverse()) {
      if (key in container) container[key] = { [signatureKey]: secretSignature, value: container[key] };
    }
  };
}

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}
