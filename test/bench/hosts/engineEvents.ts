import { closeSync, existsSync, openSync, readSync } from "node:fs";
import type { ResourceSpan } from "./measurement";

/** How often the engine's event log is looked at. */
const interval = 100;

/** The part of an engine event that tells about a resource; see the engine's `apitype.EngineEvent`. */
export interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: ResourceMetadata };
  readonly resOutputsEvent?: { readonly metadata: ResourceMetadata };
}

interface ResourceMetadata {
  readonly op: string;
  readonly urn: string;
}

export interface StampedEvent {
  /** Seconds since the start. */
  readonly at: number;
  readonly event: EngineEvent;
}

/** Follows the engine's event log with a clock of its own: the log's timestamps are whole seconds. */
export class EventStamps {
  private readonly events: StampedEvent[] = [];
  private readonly timer: NodeJS.Timeout;
  private offset = 0;
  private rest = "";

  /** @param now seconds since the start */
  constructor(
    private readonly file: string,
    private readonly now: () => number,
  ) {
    this.timer = setInterval(() => this.read(), interval);
  }

  /** Ends the following, with what came last. */
  stop(): readonly StampedEvent[] {
    clearInterval(this.timer);
    this.read();
    return this.events;
  }

  private read(): void {
    const at = this.now();
    const lines = (this.rest + this.newText()).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines.filter((text) => text.trim() !== "")) {
      this.events.push({ at, event: JSON.parse(line) as EngineEvent });
    }
  }

  private newText(): string {
    if (!existsSync(this.file)) return "";
    const descriptor = openSync(this.file, "r");
    try {
      const chunks: Buffer[] = [];
      const buffer = Buffer.alloc(65_536);
      for (let size = -1; size !== 0;) {
        size = readSync(descriptor, buffer, 0, buffer.length, this.offset);
        this.offset += size;
        chunks.push(Buffer.from(buffer.subarray(0, size)));
      }
      return Buffer.concat(chunks).toString();
    } finally {
      closeSync(descriptor);
    }
  }
}

/** From when to when the engine was making each resource, by when it began. Components are left out. */
export function resourceSpans(events: readonly StampedEvent[]): ResourceSpan[] {
  const begun = new Map<string, number>();
  const spans: ResourceSpan[] = [];
  for (const { at, event } of events) {
    const begins = event.resourcePreEvent?.metadata;
    if (begins?.op === "create") begun.set(begins.urn, at);
    const ends = event.resOutputsEvent?.metadata;
    const from = ends === undefined ? undefined : begun.get(ends.urn);
    if (ends === undefined || from === undefined || isComponent(ends.urn)) continue;
    begun.delete(ends.urn);
    spans.push({ urn: ends.urn, from, to: at });
  }
  return spans.sort((a, b) => a.from - b.from);
}

/** A URN is `urn:pulumi:stack::project::type$of$parents$type::name`. */
function isComponent(urn: string): boolean {
  const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
  return type.startsWith("inference-stack:") || type.startsWith("pulumi:");
}
