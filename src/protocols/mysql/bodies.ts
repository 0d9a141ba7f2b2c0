/**
 * Client packets that go on behind what is kept of them: a long text, a parameter sent apart, the values of an
 * execution. Each takes the further bytes as they pass by, and holds no more than it says.
 */
import { Cursor } from '../../base/cursor.ts';
import type { HeldMemory } from '../../base/memory-budget.ts';
import { decodeText, type TextEncodingName } from '../../base/text.ts';
import { type BindValue, MARK_MALFORMED, MARK_TRUNCATED, type StatementEvent } from '../../contracts/event.ts';
import type { TextHolder } from '../sdk/handles.ts';
import { beginningOf, Digest, LongBytes } from '../sdk/long.ts';
import { BYTES_TYPES } from './constants.ts';
import { LIMITS, TAIL_KEPT_BYTES_MAX } from './limits.ts';
import { lenenc } from './messages.ts';
import { readValue, valueFrom } from './values.ts';

/** Later bytes of a client packet go to one of these. */
export interface Body {
  /** `count` more bytes belong here, as a header says. */
  expect(count: number): void;
  add(bytes: Uint8Array, start: number, end: number): void;
  /** A part of what is expected will not come. */
  lose(): void;
  /** No more comes; `whole`: all headers were seen. May be called again. */
  finish(whole: boolean): void;
}

/** A text longer than is kept: measures and hashes the whole. */
class LongText implements Body {
  private readonly holder: TextHolder;
  private readonly digest = new Digest();
  private expectedBytes = 0;
  private lost = false;
  private finished = false;

  constructor(holder: TextHolder) {
    this.holder = holder;
  }

  expect(count: number): void {
    this.expectedBytes += count;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.digest.add(bytes, start, end);
  }

  lose(): void {
    this.lost = true;
  }

  finish(whole: boolean): void {
    if (this.finished) return;
    this.finished = true;
    if (!whole) return;
    this.holder.textLength = this.expectedBytes;
    if (!this.lost && this.digest.lengthBytes === this.expectedBytes) this.holder.textSha256 = this.digest.sha256();
  }
}

/**
 * Gives `holder` the text in `bytes[start, end)`, at most `bytesMax` of it. `lengthBytes` is its length by the packet's
 * header; `continues`: the next packet goes on with it. Returns the body that later bytes go to; `undefined` when the
 * text is complete.
 */
export function takeText(
  holder: TextHolder,
  bytes: Uint8Array,
  start: number,
  end: number,
  lengthBytes: number,
  continues: boolean,
  encoding: TextEncodingName,
  bytesMax: number,
): Body | undefined {
  const open = continues || lengthBytes > end - start;
  if (!open && lengthBytes <= bytesMax) {
    holder.text = decodeText(bytes, start, end, encoding);
    return undefined;
  }
  holder.text = beginningOf(bytes, start, Math.min(end, start + bytesMax), encoding);
  holder.marks |= MARK_TRUNCATED;
  const body = new LongText(holder);
  body.expect(lengthBytes);
  body.add(bytes, start, end);
  if (open) return body;
  body.finish(true);
  return undefined;
}

/** One parameter sent with COM_STMT_SEND_LONG_DATA, in any number of pieces. */
export class LongData implements Body {
  private readonly content: LongBytes = new LongBytes(LIMITS.valueBytesMax);
  private expectedBytes = 0;
  private lost = false;
  private forgotten = false;
  private readonly memory: HeldMemory;

  constructor(memory: HeldMemory) {
    this.memory = memory;
  }

  expect(count: number): void {
    this.expectedBytes += count;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    if (this.forgotten) return;
    const before = this.content.kept.length;
    this.content.add(bytes, start, end);
    this.memory.add(this.content.kept.length - before);
  }

  /** The statement no longer holds it, and it takes no more: an execution that is being read may still ask for it. */
  forget(): void {
    this.memory.add(-this.content.kept.length);
    this.forgotten = true;
  }

  lose(): void {
    this.lost = true;
  }

  finish(): void {
    // More pieces may follow: the value is complete when the statement is executed.
  }

  /** The value, by its type; `undefined` when a part of it was lost. */
  value(type: number, encoding: TextEncodingName): BindValue | undefined {
    if (this.lost || this.content.lengthBytes !== this.expectedBytes) return undefined;
    return valueFrom(this.content, type & 0xff, encoding);
  }
}

/** Where the values of an execution go, in the order in which they are sent. */
export interface ValueSink {
  /** Wire type of the value that is sent next; -1: there is none. The same until `take`. */
  next(): number;
  take(value: BindValue): void;
  /** Nothing is missing if nothing more is sent. */
  isComplete(): boolean;
}

/** No value but a string takes more bytes; a string's length takes fewer. */
const ITEM_BYTES_MAX = 16;
const scratch = new Cursor();

/** The values of an execution behind the kept part. The statement is marked as cut until all of them are there. */
export class ValueTail implements Body {
  private readonly event: StatementEvent;
  private readonly sink: ValueSink;
  private readonly encoding: TextEncodingName;
  private readonly wasTruncated: boolean;
  /** The beginning of a value, or of a string's length: `carry[0, carried)`. */
  private readonly carry: Uint8Array = new Uint8Array(ITEM_BYTES_MAX);
  private carried = 0;
  /** The string being received, and its bytes still to come. */
  private value: LongBytes | undefined = undefined;
  private left = 0;
  private keptBytesLeft: number = TAIL_KEPT_BYTES_MAX;
  /** What follows can't be read. */
  private broken = false;
  /** More came than there are values to take. */
  private excess = false;
  private lost = false;
  private finished = false;

  /** The first byte to be added is that of the value that `sink` wants next. */
  constructor(event: StatementEvent, sink: ValueSink, encoding: TextEncodingName) {
    this.event = event;
    this.sink = sink;
    this.encoding = encoding;
    this.wasTruncated = (event.marks & MARK_TRUNCATED) !== 0;
    event.marks |= MARK_TRUNCATED;
  }

  expect(): void {
    // The values tell their lengths themselves.
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    let pos = start;
    while (pos < end && !this.broken) {
      if (this.value !== undefined) pos = this.readString(this.value, bytes, pos, end);
      else if (this.sink.next() < 0) {
        this.excess = true;
        return;
      } else pos = this.readItem(bytes, pos, end);
    }
  }

  lose(): void {
    this.lost = true;
    this.broken = true;
  }

  finish(whole: boolean): void {
    if (this.finished) return;
    this.finished = true;
    const open = this.value !== undefined || this.carried > 0;
    if (!open && !this.broken && this.sink.isComplete()) {
      if (!this.wasTruncated && !this.excess) this.event.marks &= ~MARK_TRUNCATED;
    } else if (whole && !this.lost) {
      this.event.marks |= MARK_MALFORMED;
    }
  }

  /** A value without its string, from the carried bytes and those at `pos`. Returns where reading goes on. */
  private readItem(bytes: Uint8Array, pos: number, end: number): number {
    const { carry, carried } = this;
    const count = Math.min(end - pos, ITEM_BYTES_MAX - carried);
    carry.set(bytes.subarray(pos, pos + count), carried);
    scratch.reset(carry, 0, carried + count);
    if (this.read(scratch)) {
      this.carried = 0;
      return pos + scratch.pos - carried;
    }
    this.carried = carried + count;
    if (this.carried === ITEM_BYTES_MAX) this.broken = true;
    return pos + count;
  }

  /** False when its bytes are not all there. */
  private read(cursor: Cursor): boolean {
    const type = this.sink.next();
    if (!BYTES_TYPES.has(type & 0xff)) {
      const value = readValue(cursor, type, this.encoding, 0);
      if (value === undefined || cursor.failed) return false;
      this.sink.take(value);
      return true;
    }
    const length = lenenc(cursor);
    if (cursor.failed) return false;
    if (length < 0) this.sink.take(null);
    else this.begin(length, type);
    return true;
  }

  private begin(length: number, type: number): void {
    const value = new LongBytes(Math.min(LIMITS.valueBytesMax, this.keptBytesLeft));
    if (length === 0) this.sink.take(valueFrom(value, type & 0xff, this.encoding));
    else {
      this.value = value;
      this.left = length;
    }
  }

  private readString(value: LongBytes, bytes: Uint8Array, pos: number, end: number): number {
    const stop = Math.min(end, pos + this.left);
    value.add(bytes, pos, stop);
    this.left -= stop - pos;
    if (this.left === 0) {
      this.value = undefined;
      this.keptBytesLeft -= value.keptBytes;
      this.sink.take(valueFrom(value, this.sink.next() & 0xff, this.encoding));
    }
    return stop;
  }
}
