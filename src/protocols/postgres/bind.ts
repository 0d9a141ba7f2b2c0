/** The values of a Bind message. */
import type { Cursor } from '../../base/cursor.ts';
import { type BindValue, MARK_MALFORMED, MARK_TRUNCATED, type StatementEvent } from '../../contracts/event.ts';
import type { Frame } from '../../contracts/protocol.ts';
import { LIMITS } from './limits.ts';
import type { Session } from './session.ts';
import { Tail } from './text.ts';
import { decodeValue, FORMAT_BINARY, longValue } from './values.ts';

/**
 * Reads format codes and values into `event.parameters`; the cursor stands behind the statement name. Values beyond the
 * kept part of the message are left out (`MARK_TRUNCATED`); the one that straddles its end is hashed to its own end.
 */
export function readBind(
  s: Session,
  frame: Frame,
  cursor: Cursor,
  types: readonly number[],
  event: StatementEvent,
): void {
  const formats = readFormats(cursor);
  const count = cursor.u16be();
  const values: BindValue[] = [];
  readValues(s, frame, cursor, values, count, formats, types);
  if (count > 0) event.parameters = values;
  if (!cursor.failed) return;
  event.marks |= frame.truncated ? MARK_TRUNCATED : MARK_MALFORMED;
}

/** Format codes: none (all text), one for all, or one each. */
function readFormats(cursor: Cursor): number[] {
  const count = cursor.u16be();
  const formats: number[] = [];
  for (let i = 0; i < count && !cursor.failed; i++) formats.push(cursor.u16be());
  return formats;
}

/** Appends `count` values to `values`, as far as they are there. */
export function readValues(
  s: Session,
  frame: Frame,
  cursor: Cursor,
  values: BindValue[],
  count: number,
  formats: readonly number[],
  types: readonly number[],
): void {
  for (let i = 0; i < count && !cursor.failed; i++) {
    const length = cursor.i32be();
    if (cursor.failed) return;
    if (length < 0) {
      if (length !== -1) cursor.fail();
      else values.push(null);
      continue;
    }
    const format = formats.length === 1 ? (formats[0] as number) : (formats[i] ?? 0);
    const type = types[i] ?? 0;
    const { bytes, pos: start, end } = cursor;
    if (cursor.skip(length)) {
      values.push(decodeValue(bytes, start, start + length, type, format, s.encoding, LIMITS.valueBytesMax));
    } else if (frame.truncated && frame.lostBytes === 0 && end - start >= LIMITS.valueBytesMax) {
      const binary = format === FORMAT_BINARY;
      const long = longValue(bytes, start, type, binary, s.encoding, LIMITS.valueBytesMax);
      s.tail = new Tail(length - (end - start), (bytesAll, hash) => {
        values.push(long(bytesAll, hash));
      }).begin(bytes, start, end);
    }
  }
}
