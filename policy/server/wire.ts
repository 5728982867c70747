/** What stands in a field of a protobuf message, by the low three bits of its tag. */
const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/**
 * Reads the fields of one protobuf message in the order in which they come, without copying: a part of a message is
 * only decoded when somebody asks for it.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class MessageReader {
  private wireType = 0;

  constructor(
    private readonly buffer: Buffer,
    private position = 0,
    private readonly end = buffer.length,
  ) {}

  /** Goes to the next field. Returns its number; 0 at the end of the message. */
  next(): number {
    if (this.position >= this.end) return 0;
    const tag = this.readVarint();
    this.wireType = tag & 7;
    return tag >>> 3;
  }

  text(): string {
    const [start, end] = this.content();
    return this.buffer.toString("utf8", start, end);
  }

  /** The field's own message. */
  message(): MessageReader {
    return new MessageReader(this.buffer, ...this.content());
  }

  boolean(): boolean {
    this.expect(wireTypes.varint);
    return this.readVarint() !== 0;
  }

  double(): number {
    this.expect(wireTypes.fixed64);
    const start = this.advance(8);
    return this.buffer.readDoubleLE(start);
  }

  /** Leaves out the field, whatever it holds. */
  skip(): void {
    switch (this.wireType) {
      case wireTypes.varint:
        this.readVarint();
        return;
      case wireTypes.fixed64:
        this.advance(8);
        return;
      case wireTypes.fixed32:
        this.advance(4);
        return;
      default:
        this.content();
    }
  }

  private content(): [number, number] {
    this.expect(wireTypes.bytes);
    const length = this.readVarint();
    const start = this.advance(length);
    return [start, start + length];
  }

  private expect(wireType: number): void {
    if (this.wireType !== wireType) {
      throw new Error(`the engine's message has wire type ${this.wireType} where ${wireType} belongs`);
    }
  }

  private advance(length: number): number {
    const start = this.position;
    if (length > this.end - start) throw new Error("the engine's message ends in the middle of a field");
    this.position = start + length;
    return start;
  }

  /** Up to 2⁵³; what is larger loses its last digits, which no field of the protocol has. */
  private readVarint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.buffer[this.advance(1)] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
}
