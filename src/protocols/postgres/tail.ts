/** What lies behind the kept part of a client's message: hashed, or read value by value, and never held. */
import { indexOfByte } from '../../base/cursor.ts';
import { type BindValue, MARK_MALFORMED, MARK_TRUNCATED, type StatementEvent } from '../../contracts/event.ts';
import { type Digest, LongBytes } from '../sdk/long.ts';
import { LIMITS, TAIL_KEPT_BYTES_MAX } from './limits.ts';

export interface Tail {
  feed(bytes: Uint8Array, start: number, end: number): void;
  /** No more comes; `whole`: nothing of it was lost. */
  finish(whole: boolean): void;
}

/** What a long text is told by: its whole length in bytes, and the SHA-256 in hexadecimal. */
export type TextDone = (lengthBytes: number, sha256: string) => void;

/** The rest of a query's text, whose length is known. */
export class TextTail implements Tail {
  private readonly digest: Digest;
  private left: number;
  private readonly done: TextDone;

  /** `digest` has the part that was kept, `left` bytes are still to come. */
  constructor(digest: Digest, left: number, done: TextDone) {
    this.digest = digest;
    this.left = left;
    this.done = done;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    if (this.left === 0) return;
    const stop = Math.min(end, start + this.left);
    this.digest.add(bytes, start, stop);
    this.left -= stop - start;
    if (this.left === 0) this.done(this.digest.lengthBytes, this.digest.sha256());
  }

  finish(): void {
    // A text whose end was lost has no hash.
  }
}

/** The rest of a Parse message: text up to its NUL, then the number of parameter types, and the types. */
export class ParseTail implements Tail {
  private readonly digest: Digest;
  private readonly textDone: TextDone;
  private readonly typesDone: (types: number[]) => void;
  private inText = true;
  private readonly types: number[] = [];
  /** Types that are to come; -1: their number is. */
  private count = -1;
  /** The number being received, and its bytes that are there. */
  private word = 0;
  private wordBytes = 0;

  /** `digest` has the part of the text that was kept. */
  constructor(digest: Digest, textDone: TextDone, typesDone: (types: number[]) => void) {
    this.digest = digest;
    this.textDone = textDone;
    this.typesDone = typesDone;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    let pos = start;
    if (this.inText) {
      const nul = indexOfByte(bytes, 0, start, end);
      this.digest.add(bytes, start, nul < 0 ? end : nul);
      if (nul < 0) return;
      this.inText = false;
      this.textDone(this.digest.lengthBytes, this.digest.sha256());
      pos = nul + 1;
    }
    while (pos < end && this.types.length !== this.count) this.takeByte(bytes[pos++] as number);
  }

  finish(): void {
    // Types that were not all there stay unknown.
  }

  private takeByte(byte: number): void {
    this.word = (this.word << 8) | byte;
    if (++this.wordBytes < (this.count < 0 ? COUNT_BYTES : OID_BYTES)) return;
    if (this.count < 0) this.count = this.word;
    else this.types.push(this.word >>> 0);
    this.word = 0;
    this.wordBytes = 0;
    if (this.types.length === this.count) this.typesDone(this.types);
  }
}

const COUNT_BYTES = 2;
const OID_BYTES = 4;

/** Makes a value of what was kept of it; `index` is its place in the message. */
export type ValueMaker = (index: number, value: LongBytes) => BindValue;

const LENGTH_BYTES = 4;

/** The rest of the values of a Bind or FunctionCall. The statement is marked as cut until all of them are there. */
export class ValueTail implements Tail {
  private readonly event: StatementEvent;
  private readonly values: BindValue[];
  private readonly count: number;
  private readonly make: ValueMaker;
  private readonly wasTruncated: boolean;
  /** The length word being received, and its bytes that are there. */
  private length = 0;
  private lengthBytes = 0;
  /** The value being received, and its bytes still to come. */
  private value: LongBytes | undefined = undefined;
  private left = 0;
  private keptBytesLeft: number = TAIL_KEPT_BYTES_MAX;
  private broken = false;

  /** `values` has those before; the first byte to be fed is that of a length. */
  constructor(event: StatementEvent, values: BindValue[], count: number, make: ValueMaker) {
    this.event = event;
    this.values = values;
    this.count = count;
    this.make = make;
    this.wasTruncated = (event.marks & MARK_TRUNCATED) !== 0;
    event.marks |= MARK_TRUNCATED;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    let pos = start;
    while (pos < end && !this.broken && this.values.length < this.count) {
      pos = this.value === undefined ? this.readLength(bytes, pos) : this.readValue(this.value, bytes, pos, end);
    }
  }

  finish(whole: boolean): void {
    if (this.values.length === this.count) {
      if (!this.wasTruncated) this.event.marks &= ~MARK_TRUNCATED;
    } else if (whole) {
      this.event.marks |= MARK_MALFORMED;
    }
  }

  /** One byte of a length word. */
  private readLength(bytes: Uint8Array, pos: number): number {
    this.length = (this.length << 8) | (bytes[pos] as number);
    if (++this.lengthBytes < LENGTH_BYTES) return pos + 1;
    this.lengthBytes = 0;
    this.left = this.length;
    if (this.left === -1) this.values.push(null);
    else if (this.left < 0) this.broken = true;
    else {
      const value = new LongBytes(Math.min(LIMITS.valueBytesMax, this.keptBytesLeft));
      if (this.left === 0) this.values.push(this.make(this.values.length, value));
      else this.value = value;
    }
    return pos + 1;
  }

  private readValue(value: LongBytes, bytes: Uint8Array, pos: number, end: number): number {
    const stop = Math.min(end, pos + this.left);
    value.add(bytes, pos, stop);
    this.left -= stop - pos;
    if (this.left === 0) {
      this.values.push(this.make(this.values.length, value));
      this.keptBytesLeft -= value.keptBytes;
      this.value = undefined;
    }
    return stop;
  }
}
