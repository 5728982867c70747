/** What the engine is doing: it tells every pack before it asks about the first resource. */
export type Operation = "preview" | "update";

/** Without a word of the engine the pack takes the operation for an update, which checks the same things once more. */
let operation: Operation = "update";

export function noteOperation(noted: Operation): void {
  operation = noted;
}

export function isPreview(): boolean {
  return operation === "preview";
}
