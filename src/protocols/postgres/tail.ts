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

/** Called with the whole length in bytes and the SHA-256 in hexadecimal. */
export type TextDone = (lengthBytes: number, sha256: string) => void;

/** The rest of a statement's text. */
export class TextTail implements Tail {
  private readonly digest: Digest;
  private readonly done: TextDone;
  /** Bytes still to come; -1: up to the next NUL. */
  private left: number;
  private finished = false;

  /** `digest` has the part that was kept. */
  constructor(digest: Digest, left: number, done: TextDone) {
    this.digest = digest;
    this.left = left;
    this.done = done;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    if (this.finished) return;
    const nul = this.left < 0 ? indexOfByte(bytes, 0, start, end) : -1;
    const stop = this.left < 0 ? (nul < 0 ? end : nul) : Math.min(end, start + this.left);
    this.digest.add(bytes, start, stop);
    if (this.left >= 0) this.left -= stop - start;
    if (this.left === 0 || nul >= 0) {
      this.finished = true;
      this.done(this.digest.lengthBytes, this.digest.sha256());
    }
  }

  finish(): void {
    // A text whose end was lost has no hash.
  }
}

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
