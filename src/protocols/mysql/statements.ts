/**
 * Prepared statements of one session. Bounded in number (least recently used dropped) and in bytes of text; an
 * execution of a dropped one is recorded as of an unknown handle.
 */
import { createHash, type Hash } from 'node:crypto';
import { decodeText, type TextEncodingName } from '../../base/text.ts';
import { type BindValue, MARK_TRUNCATED, type StatementEvent } from '../../contracts/event.ts';
import { longValue, textEnd, wholeValue } from './values.ts';

/** Bytes of statement text kept per session by the table. */
const TEXT_BYTES_MAX = 8 * 1024 * 1024;
/** Parameters sent apart that one session may have open; the pieces of further ones are dropped and counted. */
const LONG_PARAMETERS_MAX = 2048;

/** What holds a statement's text: an event, or a prepared statement until it is executed. */
export interface TextHolder {
  text: string | undefined;
  textLength: number | undefined;
  textSha256: string | undefined;
  marks: number;
}

export function copyText(from: TextHolder, to: TextHolder): void {
  to.text = from.text;
  to.textLength = from.textLength;
  to.textSha256 = from.textSha256;
  to.marks |= from.marks;
}

/** Later bytes of a client packet go to one of these. */
export interface Body {
  /** `count` more bytes belong here, as a header says; not all of them need come. */
  expect(count: number): void;
  add(bytes: Uint8Array, start: number, end: number): void;
  /** No more comes; `whole`: all headers were seen. */
  finish(whole: boolean): void;
}

/** A text longer than is kept: measures and hashes the whole. */
class LongText implements Body {
  private readonly holder: TextHolder;
  private hash: Hash | undefined = createHash('sha256');
  private expectedBytes = 0;
  private hashedBytes = 0;

  constructor(holder: TextHolder) {
    this.holder = holder;
  }

  expect(count: number): void {
    this.expectedBytes += count;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.hash?.update(bytes.subarray(start, end));
    this.hashedBytes += end - start;
  }

  finish(whole: boolean): void {
    const { hash } = this;
    this.hash = undefined;
    if (!whole || hash === undefined) return;
    this.holder.textLength = this.expectedBytes;
    if (this.hashedBytes === this.expectedBytes) this.holder.textSha256 = hash.digest('hex');
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
  const cut = textEnd(bytes, start, Math.min(end, start + bytesMax), encoding);
  holder.text = decodeText(bytes, start, cut, encoding);
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
  private kept: Uint8Array = new Uint8Array(0);
  private hash: Hash | undefined = undefined;
  private expectedBytes = 0;
  private lengthBytes = 0;
  private readonly bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  expect(count: number): void {
    this.expectedBytes += count;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const room = this.bytesMax - this.kept.length;
    this.lengthBytes += end - start;
    if (this.lengthBytes > this.bytesMax && this.hash === undefined) {
      this.hash = createHash('sha256').update(this.kept);
    }
    this.hash?.update(bytes.subarray(start, end));
    if (room > 0) this.kept = Buffer.concat([this.kept, bytes.subarray(start, Math.min(end, start + room))]);
  }

  finish(): void {
    // More pieces may follow: the value is complete when the statement is executed.
  }

  /** The value, by its type; `undefined` when a part of it was lost. */
  value(type: number, encoding: TextEncodingName): BindValue | undefined {
    if (this.lengthBytes !== this.expectedBytes) return undefined;
    if (this.hash === undefined) return wholeValue(type & 0xff, this.kept, encoding);
    const sha256 = this.hash.copy().digest('hex');
    return longValue(type & 0xff, this.kept, 0, this.kept.length, encoding, this.lengthBytes, sha256);
  }
}

export class Prepared implements TextHolder {
  text: string | undefined = undefined;
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  marks = 0;
  /** -1 until the server has told. */
  parameterCount = -1;
  /** Types of the latest execution that sent them; later executions may leave them out. */
  types: readonly number[] | undefined = undefined;
  readonly longData: Map<number, LongData> = new Map();
  /** The execution whose cursor is open: its rows are still being fetched. */
  cursor: StatementEvent | undefined = undefined;
}

export class StatementTable {
  /** Statements dropped because the table was full. */
  evicted = 0;
  /** Pieces of parameters dropped because too many were open. */
  longDataDropped = 0;
  private longParameters = 0;
  private readonly byId = new Map<number, Prepared>();
  private readonly handlesMax: number;
  private textLength = 0;

  constructor(handlesMax: number) {
    this.handlesMax = handlesMax;
  }

  get(id: number): Prepared | undefined {
    const prepared = this.byId.get(id);
    if (prepared) {
      this.byId.delete(id);
      this.byId.set(id, prepared);
    }
    return prepared;
  }

  /** Adds a statement; returns those that had to go, for the caller to close their cursors. */
  add(id: number, prepared: Prepared): Prepared[] {
    const gone: Prepared[] = [];
    const replaced = this.delete(id);
    if (replaced) gone.push(replaced);
    this.byId.set(id, prepared);
    this.textLength += prepared.text?.length ?? 0;
    for (const oldest of this.byId.keys()) {
      if (this.byId.size <= this.handlesMax && this.textLength <= TEXT_BYTES_MAX) break;
      const dropped = this.delete(oldest);
      this.evicted++;
      if (dropped) gone.push(dropped);
    }
    return gone;
  }

  delete(id: number): Prepared | undefined {
    const prepared = this.byId.get(id);
    if (prepared) {
      this.byId.delete(id);
      this.textLength -= prepared.text?.length ?? 0;
      this.forgetLongData(prepared);
    }
    return prepared;
  }

  /** Where pieces of a parameter go. */
  longData(prepared: Prepared, index: number, bytesMax: number): LongData | undefined {
    let data = prepared.longData.get(index);
    if (data) return data;
    if (this.longParameters >= LONG_PARAMETERS_MAX) {
      this.longDataDropped++;
      return undefined;
    }
    data = new LongData(bytesMax);
    prepared.longData.set(index, data);
    this.longParameters++;
    return data;
  }

  forgetLongData(prepared: Prepared): void {
    this.longParameters -= prepared.longData.size;
    prepared.longData.clear();
  }

  all(): IterableIterator<Prepared> {
    return this.byId.values();
  }

  clear(): void {
    this.byId.clear();
    this.textLength = 0;
    this.longParameters = 0;
  }
}
