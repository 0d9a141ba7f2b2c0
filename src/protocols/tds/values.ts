/**
 * Values of TDS 7 types: MS-TDS §2.2.5.5. Exact: what a JavaScript number cannot hold stays decimal text, what is not
 * text stays hexadecimal. Values over the cap keep their first part, true length and SHA-256.
 */
import { Cursor } from '../../base/cursor.ts';
import { toHex } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { sha256 } from '../sdk/long.ts';
import { doubleValue, integerValue, singleValue } from '../sdk/numbers.ts';
import { decodeChars, encodingOfCollation, textEnd } from './collation.ts';
import { dateOf, dateTime, dateTimeOffset, smallDateTime, timeOf } from './datetime.ts';
import { LIMITS } from './limits.ts';
import * as t from './types.ts';

/** A value as it lies in a message: `bytes[start, end)`, or NULL. */
export class RawValue {
  readonly type: t.TypeInfo;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly isNull: boolean;
  /** Its length by its own header, when more than is there: the message was cut. */
  readonly length: number;
  /** Parameter name without `@`, in lower case; empty when it is passed by position. */
  name = '';
  /** For a table: what is said of it instead of its rows. */
  summary: BindValue | undefined = undefined;
  constructor(type: t.TypeInfo, bytes: Uint8Array, start: number, end: number, isNull: boolean, length: number) {
    this.type = type;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.isNull = isNull;
    this.length = length;
  }

  get isCut(): boolean {
    return this.length > this.end - this.start;
  }
}

const NOTHING = new Uint8Array(0);

/** One value after its TYPE_INFO, as a parameter or in a table. `undefined`, with the cursor failed, when it is no value. */
export function readRaw(cursor: Cursor, type: t.TypeInfo): RawValue | undefined {
  switch (type.kind) {
    case t.KIND_FIXED:
      return type.id === t.TYPE_NULL ? nullOf(type) : span(cursor, type, type.size);
    case t.KIND_BYTE: {
      const length = cursor.u8();
      return length === 0 && !isCharacter(type) ? nullOf(type) : span(cursor, type, length);
    }
    case t.KIND_SHORT: {
      const length = cursor.u16le();
      return length === 0xffff ? nullOf(type) : span(cursor, type, length);
    }
    case t.KIND_LONG: {
      const length = cursor.u32le();
      return length === 0 ? nullOf(type) : span(cursor, type, length);
    }
    case t.KIND_TEXT: {
      const length = cursor.u32le();
      return length === 0xffffffff ? nullOf(type) : span(cursor, type, length);
    }
    case t.KIND_PLP:
      return partial(cursor, type);
    default:
      cursor.fail();
      return undefined;
  }
}

function nullOf(type: t.TypeInfo): RawValue {
  return new RawValue(type, NOTHING, 0, 0, true, 0);
}

/** The next `length` bytes. Of those that are not there any more, only that they are missing. */
function span(cursor: Cursor, type: t.TypeInfo, length: number): RawValue | undefined {
  if (cursor.failed) return undefined;
  const start = cursor.pos;
  cursor.skip(length);
  return new RawValue(type, cursor.bytes, start, Math.min(start + length, cursor.end), false, length);
}

const PLP_NULL = 0xffff_ffff_ffff_ffffn;
const PLP_UNKNOWN = 0xffff_ffff_ffff_fffen;

/** A partially length-prefixed value: chunks up to an empty one. */
function partial(cursor: Cursor, type: t.TypeInfo): RawValue | undefined {
  const declared = cursor.u64le();
  if (cursor.failed) return undefined;
  if (declared === PLP_NULL) return nullOf(type);
  const first = cursor.pos;
  let present = 0;
  let length = 0;
  let chunks = 0;
  for (;;) {
    const size = cursor.u32le();
    if (size === 0) break;
    present += Math.min(size, cursor.end - cursor.pos);
    cursor.skip(size);
    length += size;
    chunks++;
  }
  if (cursor.failed && present === length) length++; // cut between chunks: the last one is missing
  if (declared !== PLP_UNKNOWN && declared < Number.MAX_SAFE_INTEGER && cursor.failed) length = Number(declared);
  const start = first + CHUNK_HEADER_BYTES;
  if (chunks === 1) return new RawValue(type, cursor.bytes, start, start + present, false, length);
  return new RawValue(type, joinChunks(cursor.bytes, first, present), 0, present, false, length);
}

const CHUNK_HEADER_BYTES = 4;

/** The chunks from `first` on in one piece of `total` bytes, which are there. */
function joinChunks(bytes: Uint8Array, first: number, total: number): Uint8Array {
  const whole = new Uint8Array(total);
  const cursor = new Cursor().reset(bytes, first, bytes.length);
  for (let at = 0; at < total && !cursor.failed; ) {
    const size = Math.min(cursor.u32le(), total - at);
    whole.set(bytes.subarray(cursor.pos, cursor.pos + size), at);
    cursor.skip(size);
    at += size;
  }
  return whole;
}

function isCharacter(type: t.TypeInfo): boolean {
  return type.id === t.TYPE_LEGACY_CHAR || type.id === t.TYPE_LEGACY_VARCHAR;
}

/** Types whose values are text. */
export function isText(type: t.TypeInfo): boolean {
  switch (type.id) {
    case t.TYPE_LEGACY_CHAR:
    case t.TYPE_LEGACY_VARCHAR:
    case t.TYPE_CHAR:
    case t.TYPE_VARCHAR:
    case t.TYPE_NCHAR:
    case t.TYPE_NVARCHAR:
    case t.TYPE_TEXT:
    case t.TYPE_NTEXT:
    case t.TYPE_XML:
    case t.TYPE_JSON:
      return true;
    default:
      return false;
  }
}

/** The value for a record. */
export function bindValue(raw: RawValue): BindValue {
  if (raw.summary !== undefined) return raw.summary;
  if (raw.isNull) return null;
  const { bytes, start, end, type } = raw;
  if (isText(type)) return textValue(raw);
  if (type.id === t.TYPE_VARIANT && !raw.isCut) return variant(bytes, start, end) ?? binaryValue(raw);
  if (raw.isCut) return binaryValue(raw);
  return scalar(type, bytes, start, end) ?? binaryValue(raw);
}

export function textValue(raw: RawValue): BindValue {
  const { bytes, start, end, type } = raw;
  const size = end - start;
  if (!raw.isCut && size <= LIMITS.valueBytesMax) return decodeChars(bytes, start, end, type.encoding);
  const cut = textEnd(bytes, start, Math.min(end, start + LIMITS.valueBytesMax), type.encoding);
  const text = decodeChars(bytes, start, cut, type.encoding);
  return { type: type.name, text, length: raw.length, sha256: raw.isCut ? '' : sha256(bytes, start, end) };
}

export function binaryValue(raw: RawValue): BindValue {
  const { bytes, start, end, type } = raw;
  if (!raw.isCut && end - start <= LIMITS.valueBytesMax) return { type: type.name, hex: toHex(bytes, start, end) };
  const hex = toHex(bytes, start, Math.min(end, start + LIMITS.valueBytesMax));
  return { type: type.name, hex, length: raw.length, sha256: raw.isCut ? '' : sha256(bytes, start, end) };
}

/** Numbers, times and identifiers. `undefined` when the bytes are no value of the type, or the type is binary. */
export function scalar(type: t.TypeInfo, bytes: Uint8Array, start: number, end: number): BindValue | undefined {
  const cursor = new Cursor().reset(bytes, start, end);
  const value = readScalar(type, cursor, end - start);
  return cursor.failed || cursor.pos !== end ? undefined : value;
}

function readScalar(type: t.TypeInfo, cursor: Cursor, size: number): BindValue | undefined {
  switch (type.id) {
    case t.TYPE_INT1:
    case t.TYPE_INT2:
    case t.TYPE_INT4:
    case t.TYPE_INT8:
    case t.TYPE_INTN:
      return integer(cursor, size);
    case t.TYPE_BIT:
    case t.TYPE_BITN:
      return cursor.u8() !== 0;
    case t.TYPE_FLOAT4:
    case t.TYPE_FLOAT8:
    case t.TYPE_FLOATN:
      return size === 4 ? singleValue(cursor.u32le()) : double(cursor);
    case t.TYPE_MONEY:
    case t.TYPE_MONEY4:
    case t.TYPE_MONEYN:
      return money(size === 4 ? BigInt(cursor.i32le()) : (BigInt(cursor.i32le()) << 32n) + BigInt(cursor.u32le()));
    case t.TYPE_DECIMAL:
    case t.TYPE_NUMERIC:
    case t.TYPE_DECIMALN:
    case t.TYPE_NUMERICN:
      return decimal(cursor, size, type.scale);
    case t.TYPE_DATETIME:
    case t.TYPE_DATETIME4:
    case t.TYPE_DATETIMEN:
      return size === 4 ? smallDateTime(cursor.u16le(), cursor.u16le()) : dateTime(cursor.i32le(), cursor.u32le());
    case t.TYPE_DATEN:
      return dateOf(cursor.u24le());
    case t.TYPE_TIMEN:
      return timeOf(units(cursor, size), type.scale);
    case t.TYPE_DATETIME2N: {
      const time = timeOf(units(cursor, size - 3), type.scale);
      const date = dateOf(cursor.u24le());
      return date === undefined || time === undefined ? undefined : `${date} ${time}`;
    }
    case t.TYPE_DATETIMEOFFSETN: {
      const time = units(cursor, size - 5);
      return dateTimeOffset(time, type.scale, cursor.u24le(), (cursor.u16le() << 16) >> 16);
    }
    case t.TYPE_GUID:
      return guid(cursor);
    default:
      return undefined;
  }
}

function double(cursor: Cursor): number | string {
  const low = cursor.u32le();
  return doubleValue(cursor.u32le(), low);
}

/** An integer of 1 (unsigned), 2, 4 or 8 bytes. */
function integer(cursor: Cursor, size: number): BindValue | undefined {
  switch (size) {
    case 1:
      return cursor.u8();
    case 2:
      return (cursor.u16le() << 16) >> 16;
    case 4:
      return cursor.i32le();
    case 8:
      return integerValue(cursor.i64le());
    default:
      return undefined;
  }
}

/** Ten-thousandths, always with four decimals. */
export function money(value: bigint): string {
  return withScale(value < 0n ? -value : value, value < 0n, 4);
}

function decimal(cursor: Cursor, size: number, scale: number): string | undefined {
  const sign = cursor.u8();
  if (size < 2 || sign > 1) return undefined;
  let magnitude = 0n;
  for (let shift = 0n; shift < BigInt(size - 1) * 8n; shift += 8n) magnitude |= BigInt(cursor.u8()) << shift;
  return withScale(magnitude, sign === 0, scale);
}

export function withScale(magnitude: bigint, negative: boolean, scale: number): string {
  const digits = magnitude.toString().padStart(scale + 1, '0');
  const sign = negative && magnitude !== 0n ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Three to five bytes, least significant first. */
function units(cursor: Cursor, size: number): number {
  if (size < 3 || size > 5) {
    cursor.fail();
    return 0;
  }
  let value = 0;
  for (let i = 0; i < size; i++) value += cursor.u8() * 2 ** (8 * i);
  return value;
}

function guid(cursor: Cursor): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const head = `${hex(cursor.u32le(), 8)}-${hex(cursor.u16le(), 4)}-${hex(cursor.u16le(), 4)}`;
  return `${head}-${cursor.hex(2)}-${cursor.hex(6)}`.toUpperCase();
}

/** sql_variant (§2.2.5.5.4): base type, length and bytes of its properties, value. */
function variant(bytes: Uint8Array, start: number, end: number): BindValue | undefined {
  const cursor = new Cursor().reset(bytes, start, end);
  const id = cursor.u8();
  const propertyBytes = cursor.u8();
  const properties = cursor.pos;
  if (!cursor.skip(propertyBytes)) return undefined;
  const type = new t.TypeInfo(id, t.KIND_FIXED, end - cursor.pos, t.typeName(id) ?? 'sql_variant');
  if (isText(type)) {
    const narrow = id === t.TYPE_VARCHAR || id === t.TYPE_CHAR;
    if (narrow && propertyBytes >= 5) type.encoding = encodingOfCollation(bytes, properties);
    return textValue(new RawValue(type, bytes, cursor.pos, end, false, end - cursor.pos));
  }
  if (propertyBytes === 1) type.scale = bytes[properties] as number;
  const isBinary = id === t.TYPE_VARBINARY || id === t.TYPE_BINARY;
  if (propertyBytes === 2 && !isBinary) {
    type.precision = bytes[properties] as number;
    type.scale = bytes[properties + 1] as number;
  }
  if (isBinary) return binaryValue(new RawValue(type, bytes, cursor.pos, end, false, end - cursor.pos));
  return scalar(type, bytes, cursor.pos, end);
}
