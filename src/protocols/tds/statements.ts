/** Texts of statements, and the handles by which a session calls the statements it has prepared. */
import type { TextEncodingName } from '../../base/text.ts';
import { MARK_TRUNCATED } from '../../contracts/event.ts';
import { sha256 } from '../sdk/long.ts';
import { decodeChars, textEnd } from './collation.ts';
import { HANDLE_TEXT_MAX, LIMITS } from './limits.ts';
import type { RowShape } from './shape.ts';
import type { RawValue } from './values.ts';

/** What holds a statement's text: an event, or a handle until it is executed. */
export interface TextHolder {
  text: string | undefined;
  textLength: number | undefined;
  textSha256: string | undefined;
  marks: number;
}

export class Prepared implements TextHolder {
  /** Columns of its result: a client that remembers them asks for rows alone. */
  shape: RowShape | undefined = undefined;
  text: string | undefined = undefined;
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  marks = 0;
}

export function copyText(from: TextHolder, to: TextHolder): void {
  to.text = from.text;
  to.textLength = from.textLength;
  to.textSha256 = from.textSha256;
  to.marks |= from.marks;
}

/**
 * Gives `holder` the text in `bytes[start, end)`, at most `sqlBytesMax` of it. `length` is its true length in bytes as
 * sent, more than what is there when the message was cut.
 */
export function takeText(
  holder: TextHolder,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
  encoding: TextEncodingName,
): void {
  const size = end - start;
  if (length <= size && size <= LIMITS.sqlBytesMax) {
    holder.text = decodeChars(bytes, start, end, encoding);
    return;
  }
  const cut = textEnd(bytes, start, Math.min(end, start + LIMITS.sqlBytesMax), encoding);
  holder.text = decodeChars(bytes, start, cut, encoding);
  holder.textLength = Math.max(length, size);
  holder.marks |= MARK_TRUNCATED;
  if (length <= size) holder.textSha256 = sha256(bytes, start, end);
}

export function takeTextOf(holder: TextHolder, raw: RawValue): void {
  takeText(holder, raw.bytes, raw.start, raw.end, raw.length, raw.type.encoding);
}

/** Bounded in number (least recently used dropped) and in text. Handles of a dropped one are unknown. */
export class HandleTable {
  /** Handles dropped because the table was full. */
  evicted = 0;
  private readonly byKey = new Map<string, Prepared>();
  private textLength = 0;

  get(key: string): Prepared | undefined {
    const prepared = this.byKey.get(key);
    if (prepared !== undefined) {
      this.byKey.delete(key);
      this.byKey.set(key, prepared);
    }
    return prepared;
  }

  add(key: string, prepared: Prepared): void {
    this.delete(key);
    this.byKey.set(key, prepared);
    this.textLength += prepared.text?.length ?? 0;
    for (const oldest of this.byKey.keys()) {
      if (this.byKey.size <= LIMITS.handlesMax && this.textLength <= HANDLE_TEXT_MAX) break;
      this.delete(oldest);
      this.evicted++;
    }
  }

  delete(key: string): void {
    const prepared = this.byKey.get(key);
    if (prepared === undefined) return;
    this.byKey.delete(key);
    this.textLength -= prepared.text?.length ?? 0;
  }

  clear(): void {
    this.byKey.clear();
    this.textLength = 0;
  }
}
