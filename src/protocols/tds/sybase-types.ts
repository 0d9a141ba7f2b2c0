/**
 * Data types, formats and values of TDS 4.2 and 5.0: TDS 5.0 Functional Specification, "Data Types", TDS_ROWFMT,
 * TDS_PARAMFMT and their wide forms; TDS 4.2 TDS_COLFMT. Byte order and character set are the client's choice.
 */
import { Cursor } from '../../base/cursor.ts';
import type { BindValue } from '../../contracts/event.ts';
import { doubleValue, integerValue, singleValue } from '../sdk/numbers.ts';
import { readChars } from './collation.ts';
import { dateOf, dateOf1900, dateTime, smallDateTime, timeOf } from './datetime.ts';
import type { Dialect } from './dialect.ts';
import { KIND_BYTE, KIND_FIXED, KIND_LONG, KIND_TEXT, type Kind, TypeInfo } from './types.ts';
import { binaryValue, money, RawValue, textValue, withScale } from './values.ts';

const INTN = 0x26;
const UINTN = 0x44;
const FLOATN = 0x6d;
const MONEYN = 0x6e;
const DATETIMEN = 0x6f;
const DECIMALN = 0x6a;
const NUMERICN = 0x6c;
const DATEN = 0x7b;
const TIMEN = 0x93;
const BIGDATETIMEN = 0xbb;
const BIGTIMEN = 0xbc;
const LONGBINARY = 0xe1;
const UNITEXT = 0xae;

/** Kind, bytes when fixed, and name. */
const TYPES: ReadonlyMap<number, readonly [Kind, number, string]> = new Map([
  [0x1f, [KIND_FIXED, 0, 'void']],
  [0x30, [KIND_FIXED, 1, 'tinyint']],
  [0xb0, [KIND_FIXED, 1, 'sint1']],
  [0x34, [KIND_FIXED, 2, 'smallint']],
  [0x38, [KIND_FIXED, 4, 'int']],
  [0xbf, [KIND_FIXED, 8, 'bigint']],
  [0x41, [KIND_FIXED, 2, 'unsigned smallint']],
  [0x42, [KIND_FIXED, 4, 'unsigned int']],
  [0x43, [KIND_FIXED, 8, 'unsigned bigint']],
  [0x32, [KIND_FIXED, 1, 'bit']],
  [0x3a, [KIND_FIXED, 4, 'smalldatetime']],
  [0x3d, [KIND_FIXED, 8, 'datetime']],
  [0x3b, [KIND_FIXED, 4, 'real']],
  [0x3e, [KIND_FIXED, 8, 'float']],
  [0x3c, [KIND_FIXED, 8, 'money']],
  [0x7a, [KIND_FIXED, 4, 'smallmoney']],
  [0x31, [KIND_FIXED, 4, 'date']],
  [0x33, [KIND_FIXED, 4, 'time']],
  [0x2e, [KIND_FIXED, 8, 'interval']],
  [INTN, [KIND_BYTE, 0, 'int']],
  [UINTN, [KIND_BYTE, 0, 'unsigned int']],
  [FLOATN, [KIND_BYTE, 0, 'float']],
  [MONEYN, [KIND_BYTE, 0, 'money']],
  [DATETIMEN, [KIND_BYTE, 0, 'datetime']],
  [DECIMALN, [KIND_BYTE, 0, 'decimal']],
  [NUMERICN, [KIND_BYTE, 0, 'numeric']],
  [DATEN, [KIND_BYTE, 0, 'date']],
  [TIMEN, [KIND_BYTE, 0, 'time']],
  [BIGDATETIMEN, [KIND_BYTE, 0, 'bigdatetime']],
  [BIGTIMEN, [KIND_BYTE, 0, 'bigtime']],
  [0x25, [KIND_BYTE, 0, 'varbinary']],
  [0x2d, [KIND_BYTE, 0, 'binary']],
  [0x27, [KIND_BYTE, 0, 'varchar']],
  [0x2f, [KIND_BYTE, 0, 'char']],
  [0x67, [KIND_BYTE, 0, 'sensitivity']],
  [0x68, [KIND_BYTE, 0, 'boundary']],
  [0xaf, [KIND_LONG, 0, 'varchar']],
  [LONGBINARY, [KIND_LONG, 0, 'varbinary']],
  [0x22, [KIND_TEXT, 0, 'image']],
  [0x23, [KIND_TEXT, 0, 'text']],
  [UNITEXT, [KIND_TEXT, 0, 'unitext']],
  [0xa3, [KIND_TEXT, 0, 'xml']],
]);

const TEXT_TYPES: ReadonlySet<number> = new Set([0x27, 0x2f, 0xaf, 0x23, UNITEXT, 0xa3, 0x67, 0x68]);
/** User types of LONGBINARY that hold UTF-16: unichar and univarchar. */
const UNICHAR = 34;
const UNIVARCHAR = 35;

export function u16(cursor: Cursor, dialect: Dialect): number {
  return dialect.bigEndian ? cursor.u16be() : cursor.u16le();
}

export function u32(cursor: Cursor, dialect: Dialect): number {
  return dialect.bigEndian ? cursor.u32be() : cursor.u32le();
}

function u64(cursor: Cursor, dialect: Dialect): bigint {
  return dialect.bigEndian ? cursor.u64be() : cursor.u64le();
}

/** What a format announces: a type and a name for each value. */
export interface Formats {
  readonly types: readonly TypeInfo[];
  readonly names: readonly string[];
}

export const NO_FORMATS: Formats = { types: [], names: [] };

/** A format's columns or parameters behind its length. `wide`: the second form. `undefined` when it is not legal. */
export function readFormats(cursor: Cursor, dialect: Dialect, wide: boolean, isRow: boolean): Formats | undefined {
  const count = u16(cursor, dialect);
  const types: TypeInfo[] = [];
  const names: string[] = [];
  for (let i = 0; i < count && !cursor.failed; i++) {
    let name = readChars(cursor, cursor.u8(), dialect.encoding);
    if (wide && isRow) for (let part = 0; part < 4; part++) name = readChars(cursor, cursor.u8(), dialect.encoding);
    cursor.skip(wide ? 4 : 1);
    const userType = u32(cursor, dialect);
    const type = readType(cursor, dialect, userType, true);
    if (type === undefined) return undefined;
    cursor.skip(cursor.u8()); // locale
    types.push(type);
    names.push(name);
  }
  return cursor.failed ? undefined : { types, names };
}

/**
 * A type, its declared length, precision and table name: also as TDS 4.2 has them in TDS_COLFMT. `described`: in a format;
 * the parameters of a call have no table name.
 */
export function readType(cursor: Cursor, dialect: Dialect, userType: number, described: boolean): TypeInfo | undefined {
  const id = cursor.u8();
  const known = TYPES.get(id);
  if (known === undefined || cursor.failed) {
    cursor.fail();
    return undefined;
  }
  const [kind, size, name] = known;
  const type = new TypeInfo(id, kind, size, name);
  type.encoding = TEXT_TYPES.has(id) && id !== UNITEXT ? dialect.encoding : '';
  if (id === UNITEXT || (id === LONGBINARY && (userType === UNICHAR || userType === UNIVARCHAR))) {
    type.encoding = dialect.bigEndian ? 'utf-16be' : 'utf16le';
  }
  if (kind === KIND_BYTE) type.size = cursor.u8();
  if (kind === KIND_LONG || kind === KIND_TEXT) type.size = u32(cursor, dialect);
  if (kind === KIND_TEXT && described) cursor.skip(u16(cursor, dialect));
  if (id === DECIMALN || id === NUMERICN) {
    type.precision = cursor.u8();
    type.scale = cursor.u8();
    if (type.scale > 77) cursor.fail();
  }
  if (id === BIGDATETIMEN || id === BIGTIMEN) cursor.skip(1);
  return cursor.failed ? undefined : type;
}

const NOTHING = new Uint8Array(0);

/** Type and value of a parameter of a TDS 4.2 call. Large values come without text pointer. */
export function readArgument(cursor: Cursor, dialect: Dialect): RawValue | undefined {
  const type = readType(cursor, dialect, 0, false);
  if (type === undefined) return undefined;
  if (type.kind === KIND_TEXT) type.kind = KIND_LONG;
  return readValue(cursor, dialect, type);
}

/** One value behind its format. Fails the cursor when it is longer than what is there. */
export function readValue(cursor: Cursor, dialect: Dialect, type: TypeInfo): RawValue | undefined {
  let length = type.size;
  if (type.kind === KIND_BYTE) length = cursor.u8();
  else if (type.kind === KIND_LONG) length = u32(cursor, dialect);
  else if (type.kind === KIND_TEXT) {
    const pointer = cursor.u8();
    if (pointer > 0) cursor.skip(pointer + 8);
    length = pointer > 0 ? u32(cursor, dialect) : 0;
  }
  if (cursor.failed) return undefined;
  const start = cursor.pos;
  if (length === 0) return new RawValue(type, NOTHING, 0, 0, true, 0);
  cursor.skip(length);
  const raw = new RawValue(type, cursor.bytes, start, Math.min(cursor.end, start + length), false, length);
  if (type.encoding !== '') raw.summary = textValue(raw);
  else raw.summary = (raw.isCut ? undefined : scalar(type, dialect, raw)) ?? binaryValue(raw);
  return raw;
}

/** Numbers and times. `undefined` when the bytes are no value of the type, or the type is binary. */
function scalar(type: TypeInfo, dialect: Dialect, raw: RawValue): BindValue | undefined {
  const size = raw.end - raw.start;
  const cursor = new Cursor().reset(raw.bytes, raw.start, raw.end);
  const value = readScalar(type, dialect, cursor, size);
  return cursor.failed || cursor.pos !== raw.end ? undefined : value;
}

function readScalar(type: TypeInfo, dialect: Dialect, cursor: Cursor, size: number): BindValue | undefined {
  switch (type.name) {
    case 'bit':
      return cursor.u8() !== 0;
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return signed(cursor, dialect, size);
    case 'sint1':
      return (cursor.u8() << 24) >> 24;
    case 'unsigned smallint':
    case 'unsigned int':
    case 'unsigned bigint':
      return unsigned(cursor, dialect, size);
    case 'real':
    case 'float':
      return floating(cursor, dialect, size);
    case 'money':
    case 'smallmoney':
      return size === 4 ? money(BigInt(u32(cursor, dialect) | 0)) : money(bigMoney(cursor, dialect));
    case 'decimal':
    case 'numeric':
      return decimal(cursor, size, type.scale);
    default:
      return time(type, dialect, cursor, size);
  }
}

/** 1 byte is unsigned. */
function signed(cursor: Cursor, dialect: Dialect, size: number): BindValue | undefined {
  if (size === 1) return cursor.u8();
  if (size === 2) return (u16(cursor, dialect) << 16) >> 16;
  if (size === 4) return u32(cursor, dialect) | 0;
  return size === 8 ? integerValue(BigInt.asIntN(64, u64(cursor, dialect))) : undefined;
}

function unsigned(cursor: Cursor, dialect: Dialect, size: number): BindValue | undefined {
  if (size === 1) return cursor.u8();
  if (size === 2) return u16(cursor, dialect);
  if (size === 4) return u32(cursor, dialect);
  return size === 8 ? integerValue(u64(cursor, dialect)) : undefined;
}

function floating(cursor: Cursor, dialect: Dialect, size: number): BindValue {
  if (size === 4) return singleValue(u32(cursor, dialect));
  const first = u32(cursor, dialect);
  const second = u32(cursor, dialect);
  return dialect.bigEndian ? doubleValue(first, second) : doubleValue(second, first);
}

/** The high half comes first in either byte order. */
function bigMoney(cursor: Cursor, dialect: Dialect): bigint {
  const high = BigInt(u32(cursor, dialect) | 0);
  return (high << 32n) + BigInt(u32(cursor, dialect));
}

/** A sign (0 positive) and the magnitude, most significant byte first whatever the byte order. */
function decimal(cursor: Cursor, size: number, scale: number): string | undefined {
  const sign = cursor.u8();
  if (size < 2 || sign > 1) return undefined;
  let magnitude = 0n;
  for (let i = 1; i < size; i++) magnitude = (magnitude << 8n) | BigInt(cursor.u8());
  return withScale(magnitude, sign === 1, scale);
}

const MICROSECONDS_PER_DAY = 86_400_000_000n;
/** Days from 0000-01-01, where bigdatetime begins, to 0001-01-01. */
const YEAR_0_DAYS = 366;

function time(type: TypeInfo, dialect: Dialect, cursor: Cursor, size: number): BindValue | undefined {
  switch (type.name) {
    case 'smalldatetime':
    case 'datetime':
      if (size === 4) return smallDateTime(u16(cursor, dialect), u16(cursor, dialect));
      return dateTime(u32(cursor, dialect) | 0, u32(cursor, dialect));
    case 'date':
      return dateOf1900(u32(cursor, dialect) | 0);
    case 'time':
      return timeOf(Math.round((u32(cursor, dialect) * 10) / 3), 3);
    case 'bigtime':
      return timeOf(Number(u64(cursor, dialect)), 6);
    case 'bigdatetime': {
      const value = u64(cursor, dialect);
      const date = dateOf(Number(value / MICROSECONDS_PER_DAY) - YEAR_0_DAYS);
      const clock = timeOf(Number(value % MICROSECONDS_PER_DAY), 6);
      return date === undefined || clock === undefined ? undefined : `${date} ${clock}`;
    }
    default:
      return undefined;
  }
}
