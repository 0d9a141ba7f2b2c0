/** The values of Bind and FunctionCall messages. */
import type { Cursor } from '../../base/cursor.ts';
import { type BindValue, MARK_MALFORMED, MARK_TRUNCATED, type StatementEvent } from '../../contracts/event.ts';
import type { Frame } from '../../contracts/protocol.ts';
import { LIMITS } from './limits.ts';
import type { Session } from './session.ts';
import { ValueTail } from './tail.ts';
import { decodeValue, valueFrom } from './values.ts';

/**
 * Reads format codes, count and values into `event.parameters`; the cursor stands at the format codes. Values behind the
 * kept part of the message follow as it passes by (`Session.tail`).
 */
export function readValues(
  s: Session,
  frame: Frame,
  cursor: Cursor,
  types: readonly number[],
  event: StatementEvent,
): void {
  const formats = readFormats(cursor);
  const count = cursor.u16be();
  const formatOf = (index: number): number => (formats.length === 1 ? formats[0] : formats[index]) ?? 0;
  const values: BindValue[] = [];
  if (count > 0) event.parameters = values;
  let start = cursor.pos;
  while (values.length < count && readValue(s, cursor, values, types, formatOf)) start = cursor.pos;
  if (!cursor.failed) return;
  if (!frame.truncated) event.marks |= MARK_MALFORMED;
  else if (frame.lostBytes > 0 || count === 0) event.marks |= MARK_TRUNCATED;
  else {
    s.tail = new ValueTail(event, values, count, (index, value) =>
      valueFrom(value, types[index] ?? 0, formatOf(index), s.encoding),
    );
    s.tail.feed(cursor.bytes, start, cursor.end);
  }
}

/** Format codes: none (all text), one for all, or one each. */
function readFormats(cursor: Cursor): number[] {
  const count = cursor.u16be();
  const formats: number[] = [];
  for (let i = 0; i < count && !cursor.failed; i++) formats.push(cursor.u16be());
  return formats;
}

/** Appends the next value. False, with the cursor failed, when it is not there as a whole. */
function readValue(
  s: Session,
  cursor: Cursor,
  values: BindValue[],
  types: readonly number[],
  formatOf: (index: number) => number,
): boolean {
  const length = cursor.i32be();
  const index = values.length;
  const { bytes, pos: start } = cursor;
  if (cursor.failed) return false;
  if (length === -1) {
    values.push(null);
    return true;
  }
  if (!cursor.skip(length)) return false;
  const type = types[index] ?? 0;
  values.push(decodeValue(bytes, start, start + length, type, formatOf(index), s.encoding, LIMITS.valueBytesMax));
  return true;
}
