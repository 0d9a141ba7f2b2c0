/** Table-valued parameters: MS-TDS §2.2.5.5.5. Rows are read and counted; the record says how many there were. */
import type { Cursor } from '../../base/cursor.ts';
import { toHex } from '../../base/text.ts';
import { sha256 } from '../sdk/long.ts';
import type { Dialect } from './dialect.ts';
import { LIMITS } from './limits.ts';
import { readColumn } from './shape.ts';
import type { TypeInfo } from './types.ts';
import { RawValue, readRaw } from './values.ts';

const NO_COLUMNS = 0xffff;
const COLUMN_DEFAULT = 0x0200;
const TOKEN_END = 0x00;
const TOKEN_ROW = 0x01;
const TOKEN_ORDER_UNIQUE = 0x10;
const TOKEN_COLUMN_ORDERING = 0x11;

/** The table behind its type name. The value is its rows as sent; its type says how many there are. */
export function readTable(cursor: Cursor, dialect: Dialect, type: TypeInfo): RawValue | undefined {
  const columns = readColumns(cursor, dialect);
  if (!skipToRows(cursor)) return undefined;
  const start = cursor.pos;
  let rows = 0;
  while (cursor.u8() === TOKEN_ROW && !cursor.failed) {
    rows++;
    for (const column of columns ?? []) if (column !== undefined) readRaw(cursor, column);
  }
  const end = Math.max(start, cursor.failed ? cursor.end : cursor.pos - 1);
  const raw = new RawValue(type, cursor.bytes, start, end, columns === undefined, end - start);
  if (columns !== undefined) raw.summary = summary(`${type.name}(${rows} rows)`, cursor.bytes, start, end);
  return raw;
}

function summary(type: string, bytes: Uint8Array, start: number, end: number): RawValue['summary'] {
  if (end - start <= LIMITS.valueBytesMax) return { type, hex: toHex(bytes, start, end) };
  const hex = toHex(bytes, start, start + LIMITS.valueBytesMax);
  return { type, hex, length: end - start, sha256: sha256(bytes, start, end) };
}

/** Types of the columns, `undefined` within for those that are not sent; `undefined` for a table that is NULL. */
function readColumns(cursor: Cursor, dialect: Dialect): (TypeInfo | undefined)[] | undefined {
  const count = cursor.u16le();
  if (count === NO_COLUMNS) return undefined;
  const columns: (TypeInfo | undefined)[] = [];
  for (let i = 0; i < count && !cursor.failed; i++) {
    const at = cursor.pos + (dialect.wide ? 4 : 2);
    const type = readColumn(cursor, dialect);
    const flags = at + 1 < cursor.end ? (cursor.bytes[at] as number) | ((cursor.bytes[at + 1] as number) << 8) : 0;
    columns.push((flags & COLUMN_DEFAULT) !== 0 ? undefined : type);
  }
  return columns;
}

/** Optional metadata up to its end token. */
function skipToRows(cursor: Cursor): boolean {
  for (;;) {
    const token = cursor.u8();
    if (cursor.failed) return false;
    if (token === TOKEN_END) return true;
    if (token !== TOKEN_ORDER_UNIQUE && token !== TOKEN_COLUMN_ORDERING) return cursor.fail();
    cursor.skip(cursor.u16le() * (token === TOKEN_ORDER_UNIQUE ? 3 : 2));
  }
}
