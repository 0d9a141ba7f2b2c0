/** Bind values of SQLDTA rows, decoded by their descriptor, and the large objects that follow in EXTDTA. */
import type { Cursor } from '../../base/cursor.ts';
import { toHex } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { sha256 } from '../sdk/long.ts';
import { doubleValue, integerValue, singleValue } from '../sdk/numbers.ts';
import { characterBoundary, decodeCcsid } from './ccsid.ts';
import { decimalFloat } from './decfloat.ts';
import type { Column, Descriptor } from './descriptor.ts';
import { LIMITS, PARAMETERS_MAX } from './limits.ts';
import { hexFloat, packedDecimal, zonedDecimal } from './numbers.ts';
import { NULL } from './sqlca.ts';
import type { Typdef } from './typdef.ts';
import * as t from './types.ts';

/** A parameter whose value is still to come in an EXTDTA object. */
export interface Placeholder {
  readonly index: number;
  readonly column: Column;
  /** Length the row gives: bytes, or characters of text; -1: not known yet. */
  readonly length: number;
}

export interface Row {
  readonly values: BindValue[];
  readonly placeholders: Placeholder[];
}

/**
 * Reads the rows that fill `cursor`, one parameter set each. Stops with `cursor.failed` at what cannot be read; the
 * values before it are right.
 */
export function readRows(cursor: Cursor, descriptor: Descriptor, typdef: Typdef): Row {
  const row: Row = { values: [], placeholders: [] };
  if (descriptor.columns.length === 0) return row;
  while (cursor.remaining() > 0) {
    if (cursor.u8() === NULL) continue;
    for (const column of descriptor.columns) {
      if (row.values.length >= PARAMETERS_MAX || !readColumn(cursor, column, typdef, row)) return row;
    }
  }
  return row;
}

function readColumn(cursor: Cursor, column: Column, typdef: Typdef, row: Row): boolean {
  if (column.nullable && cursor.u8() & 0x80) {
    row.values.push(null);
    return true;
  }
  const length = lengthOf(cursor, column);
  const start = cursor.pos;
  if (cursor.failed || length < 0 || !cursor.skip(length)) return cursor.fail();
  if (column.bytes === t.BYTES_TERMINATED) cursor.skip(1);
  if (column.type >= t.LOB_BYTES && column.type <= t.LOB_MIXED) {
    const empty = isZero(cursor.bytes, start, cursor.pos);
    const announced = lobLength(cursor.bytes, start, cursor.pos);
    if (!empty) row.placeholders.push({ index: row.values.length, column, length: announced });
    row.values.push(column.type === t.LOB_BYTES ? { type: 'blob', hex: '' } : '');
  } else {
    row.values.push(decode(cursor.bytes, start, start + length, column, typdef));
  }
  return true;
}

function lengthOf(cursor: Cursor, column: Column): number {
  switch (column.bytes) {
    case t.BYTES_COUNTED:
      return cursor.u16be();
    case t.BYTES_COUNTED_PAIRS:
      return 2 * cursor.u16be();
    case t.BYTES_COUNTED_SHORT:
      return cursor.u8();
    case t.BYTES_TERMINATED: {
      let end = cursor.pos;
      while (end < cursor.end && cursor.bytes[end] !== 0) end++;
      return end < cursor.end ? end - cursor.pos : -1;
    }
    default:
      return column.bytes;
  }
}

/** The highest bit stands for "not known". */
function lobLength(bytes: Uint8Array, start: number, end: number): number {
  if ((bytes[start] as number) & 0x80) return -1;
  let length = 0;
  for (let i = start; i < end; i++) length = length * 256 + (bytes[i] as number);
  return length;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** One value that is there as a whole. */
export function decode(bytes: Uint8Array, start: number, end: number, column: Column, typdef: Typdef): BindValue {
  switch (column.type) {
    case t.INTEGER:
    case t.SMALL:
    case t.ONE_BYTE_INTEGER:
      return Number(integer(bytes, start, end, typdef.littleEndian));
    case t.INTEGER8:
      return integerValue(integer(bytes, start, end, typdef.littleEndian));
    case t.FLOAT4:
    case t.FLOAT8:
      return float(bytes, start, end, typdef);
    case t.DECIMAL:
      return packedDecimal(bytes, start, end, column.length & 0xff) ?? hex('decimal', bytes, start, end);
    case t.ZONED_DECIMAL:
      return zonedDecimal(bytes, start, end, column.length & 0xff) ?? hex('numeric', bytes, start, end);
    case t.DECIMAL_FLOAT:
      return decimalFloat(bytes, start, end) ?? hex('decfloat', bytes, start, end);
    case t.BOOLEAN:
      return !isZero(bytes, start, end);
    case t.DATE:
    case t.TIME:
    case t.TIMESTAMP:
    case t.TIMESTAMP_ZONE:
      return isoTime(decodeCcsid(bytes, start, end, column.ccsid || typdef.sbcs));
    default:
      return isText(column.type)
        ? keptText(bytes, start, end, ccsidOf(column, typdef))
        : hex(nameOf(column.type), bytes, start, end);
  }
}

const DB2_TIME = /^(?:(\d{4}-\d\d-\d\d)-)?(\d\d)\.(\d\d)\.(\d\d)(\.\d{1,12})?([-+]\d\d:\d\d)?$/;

/** DB2 writes `2024-02-29-12.34.56.789` and `12.34.56`: as ISO 8601 has them. Anything else stays as it was sent. */
function isoTime(text: string): string {
  const [, date, hours, minutes, seconds, fraction = '', zone = ''] = DB2_TIME.exec(text) ?? [];
  if (hours === undefined) return text;
  return `${date === undefined ? '' : `${date} `}${hours}:${minutes}:${seconds}${fraction}${zone && ` ${zone}`}`;
}

function integer(bytes: Uint8Array, start: number, end: number, littleEndian: boolean): bigint {
  let value = 0n;
  for (let i = 0; i < end - start; i++) {
    value = (value << 8n) | BigInt(bytes[littleEndian ? end - 1 - i : start + i] as number);
  }
  return BigInt.asIntN(8 * (end - start), value);
}

function float(bytes: Uint8Array, start: number, end: number, typdef: Typdef): BindValue {
  if (typdef.vaxFloat) return hex('float', bytes, start, end);
  if (typdef.hexFloat) return hexFloat(bytes, start, end);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const { littleEndian } = typdef;
  const first = view.getUint32(0, littleEndian);
  if (end - start === 4) return singleValue(first);
  const second = view.getUint32(4, littleEndian);
  return littleEndian ? doubleValue(second, first) : doubleValue(first, second);
}

function isText(type: number): boolean {
  return (
    (type >= t.TERMINATED_SBCS && type <= t.TERMINATED_MIXED) ||
    (type >= t.SHORT_SBCS && type <= t.DATALINK_MIXED) ||
    type === t.LOB_SBCS ||
    type === t.LOB_DBCS ||
    type === t.LOB_MIXED
  );
}

/** CCSID of a column's text. */
export function ccsidOf(column: Column, typdef: Typdef): number {
  if (column.ccsid !== 0) return column.ccsid;
  switch (column.type) {
    case t.FIXED_DBCS:
    case t.VARIABLE_DBCS:
    case t.LONG_DBCS:
    case t.LOB_DBCS:
      return typdef.dbcs || CCSID_UTF16;
    case t.TERMINATED_SBCS:
    case t.FIXED_SBCS:
    case t.VARIABLE_SBCS:
    case t.LONG_SBCS:
    case t.SHORT_SBCS:
    case t.DATALINK_SBCS:
    case t.LOB_SBCS:
      return typdef.sbcs;
    default:
      return typdef.mbcs;
  }
}

const CCSID_UTF16 = 1200;

function nameOf(type: number): string {
  return NAMES.get(type) ?? `drda-0x${type.toString(16).padStart(2, '0')}`;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [t.FLOAT16, 'float16'],
  [t.FIXED_BYTES, 'binary'],
  [t.BINARY, 'binary'],
  [t.VARBINARY, 'varbinary'],
  [t.VARIABLE_BYTES, 'varbinary'],
  [t.LONG_BYTES, 'long varbinary'],
  [t.TERMINATED_BYTES, 'varbinary'],
  [t.SHORT_BYTES, 'varbinary'],
  [t.ROWID, 'rowid'],
  [t.USER_DEFINED, 'object'],
  [t.LOB_BYTES, 'blob'],
]);

function keptText(bytes: Uint8Array, start: number, end: number, ccsid: number): BindValue {
  const max = LIMITS.valueBytesMax;
  if (end - start <= max) return decodeCcsid(bytes, start, end, ccsid);
  const cut = characterBoundary(bytes, start, start + max, ccsid);
  return {
    type: 'text',
    text: decodeCcsid(bytes, start, cut, ccsid),
    length: end - start,
    sha256: sha256(bytes, start, end),
  };
}

function hex(type: string, bytes: Uint8Array, start: number, end: number): BindValue {
  const max = LIMITS.valueBytesMax;
  if (end - start <= max) return { type, hex: toHex(bytes, start, end) };
  return {
    type,
    hex: toHex(bytes, start, start + max),
    length: end - start,
    sha256: sha256(bytes, start, end),
  };
}
