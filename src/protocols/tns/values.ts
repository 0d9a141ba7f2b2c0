/** Bind values by Oracle's internal type numbers: descriptors (OAC) and the values of one row. */
import { decodeText, type TextEncodingName, toHex } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { beginningOf, sha256 } from '../sdk/long.ts';
import { encodingOf } from './charset.ts';
import { LIMITS } from './limits.ts';
import { osonText } from './oson.ts';
import { baseDialect, DIALECT_N4, DIALECT_U, type Dialect, isNative, type TtcReader } from './reader.ts';
import { float, intervalDs, intervalYm, numberValue, timestamp, timestampWithZone } from './scalars.ts';
import { vectorText } from './vector.ts';

/** Describes one bind variable. */
export interface BindType {
  readonly type: number;
  readonly flags: number;
  readonly maxBytes: number;
  readonly charset: number;
  /** Character set form: 2 is the national character set. */
  readonly form: number;
}

export const BIND_ARRAY = 0x40;
const FORM_NATIONAL = 2;
const FIELD_VERSION_COLLATION = 8;
const ARRAY_VALUES_MAX = 4096;

export const TYPE_VARCHAR = 1;
const TYPE_NUMBER = 2;
const TYPE_LONG = 8;
const TYPE_ROWID = 11;
const TYPE_DATE = 12;
const TYPE_RAW = 23;
const TYPE_LONG_RAW = 24;
const TYPE_CHAR = 96;
const TYPE_BINARY_FLOAT = 100;
const TYPE_BINARY_DOUBLE = 101;
export const TYPE_CURSOR = 102;
const TYPE_OBJECT = 109;
const TYPE_CLOB = 112;
const TYPE_BFILE = 114;
const TYPE_JSON = 119;
const TYPE_VECTOR = 127;
const TYPE_TIMESTAMP = 180;
const TYPE_TIMESTAMP_TZ = 181;
const TYPE_INTERVAL_YM = 182;
const TYPE_INTERVAL_DS = 183;
const TYPE_TIMESTAMP_LTZ = 231;
const TYPE_BOOLEAN = 252;

const NAMES: ReadonlyMap<number, string> = new Map([
  [TYPE_VARCHAR, 'VARCHAR2'],
  [TYPE_NUMBER, 'NUMBER'],
  [TYPE_LONG, 'LONG'],
  [TYPE_ROWID, 'ROWID'],
  [TYPE_DATE, 'DATE'],
  [TYPE_RAW, 'RAW'],
  [TYPE_LONG_RAW, 'LONG RAW'],
  [TYPE_CHAR, 'CHAR'],
  [TYPE_BINARY_FLOAT, 'BINARY_FLOAT'],
  [TYPE_BINARY_DOUBLE, 'BINARY_DOUBLE'],
  [TYPE_CURSOR, 'REF CURSOR'],
  [TYPE_OBJECT, 'OBJECT'],
  [TYPE_CLOB, 'CLOB'],
  [113, 'BLOB'],
  [TYPE_BFILE, 'BFILE'],
  [TYPE_JSON, 'JSON'],
  [TYPE_VECTOR, 'VECTOR'],
  [TYPE_TIMESTAMP, 'TIMESTAMP'],
  [TYPE_TIMESTAMP_TZ, 'TIMESTAMP WITH TIME ZONE'],
  [TYPE_INTERVAL_YM, 'INTERVAL YEAR TO MONTH'],
  [TYPE_INTERVAL_DS, 'INTERVAL DAY TO SECOND'],
  [208, 'UROWID'],
  [TYPE_TIMESTAMP_LTZ, 'TIMESTAMP WITH LOCAL TIME ZONE'],
  [TYPE_BOOLEAN, 'BOOLEAN'],
]);

/** Of a descriptor's parts that vary: see `descriptorShapes`. */
export interface DescriptorShape {
  /** Bytes between the number of array elements and the type's version (fixed dialects). */
  readonly gap: number;
  /** Behind the character set form: bytes in fixed dialects, integers in the universal one. */
  readonly tail: number;
}

const UNIVERSAL: readonly DescriptorShape[] = [0, 1, 2].map((tail) => ({ gap: 0, tail }));
/** Continuation flags of four or eight bytes, then the object id's; characters, collation. */
const PACKED_OLDEST: readonly DescriptorShape[] = [{ gap: 8, tail: 0 }];
const PACKED_OLD: readonly DescriptorShape[] = [{ gap: 8, tail: 4 }];
const PACKED: readonly DescriptorShape[] = [
  { gap: 12, tail: 8 },
  { gap: 8, tail: 8 },
  { gap: 12, tail: 4 },
  { gap: 8, tail: 4 },
];
const NATIVE_OLDEST: readonly DescriptorShape[] = [
  { gap: 14, tail: 9 },
  { gap: 14, tail: 1 },
];
const NATIVE_OLD: readonly DescriptorShape[] = [{ gap: 14, tail: 9 }];
const NATIVE: readonly DescriptorShape[] = [
  { gap: 22, tail: 9 },
  { gap: 14, tail: 9 },
];
const NATIVE_32: readonly DescriptorShape[] = [
  { gap: 10, tail: 5 },
  { gap: 14, tail: 9 },
  { gap: 10, tail: 1 },
];

/**
 * The sizes that descriptors may have, likeliest first. Seen: the universal ones, packed 25 (8i) and 29 bytes, native
 * 41 and (from 18c on) 49; the others follow from the fields that were added.
 */
export function descriptorShapes(dialect: Dialect, fieldVersion: number): readonly DescriptorShape[] {
  if (dialect === DIALECT_U) {
    const tail = fieldVersion < 3 ? 0 : fieldVersion < FIELD_VERSION_COLLATION ? 1 : 2;
    return UNIVERSAL.slice(tail, tail + 1);
  }
  const base = baseDialect(dialect);
  if (base === DIALECT_N4) return NATIVE_32;
  if (isNative(dialect)) return fieldVersion < 3 ? NATIVE_OLDEST : fieldVersion < 7 ? NATIVE_OLD : NATIVE;
  return fieldVersion < 3 ? PACKED_OLDEST : fieldVersion < 7 ? PACKED_OLD : PACKED;
}

/** Reads one descriptor in the reader's dialect. A type that binds cannot have fails. */
export function readBindType(reader: TtcReader, shape: DescriptorShape): BindType {
  if (isNative(reader.dialect)) reader.skip(1);
  const type = reader.u8();
  const flags = reader.u8();
  const precision = reader.u8();
  reader.skip(1); // scale
  const maxBytes = reader.ub(4);
  reader.ub(4); // elements of an array
  if (reader.dialect === DIALECT_U) {
    reader.variable(); // continuation flags
    reader.dlc(); // type's object id
    reader.variable();
    const charset = reader.variable();
    const form = reader.u8();
    for (let i = 0; i < shape.tail; i++) reader.variable();
    return { type, flags, maxBytes, charset, form };
  }
  reader.skip(shape.gap);
  reader.skip(2);
  const charset = reader.ub(2);
  const form = reader.u8();
  reader.skip(shape.tail);
  // A native descriptor that is read as a packed one begins with 01, as VARCHAR2 does, which has no precision.
  if (form > FORM_MAX || !KNOWN_TYPES.has(type) || (type === TYPE_VARCHAR && precision !== 0)) reader.fail();
  return { type, flags, maxBytes, charset, form };
}

/** Type numbers of native clients, external ones among them: what is none of these is no descriptor. */
const KNOWN_TYPES: ReadonlySet<number> = new Set([
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 21, 22, 23, 24, 25, 29, 39, 58, 68, 91, 94, 95, 96, 97, 99, 100],
  ...[
    101, 102, 104, 105, 106, 108, 109, 110, 111, 112, 113, 114, 115, 116, 119, 121, 122, 123, 127, 152, 153, 154, 155,
  ],
  ...[
    156, 172, 178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 195, 196, 197, 208, 231, 232,
  ],
  ...[241, 252],
]);

/** Character set forms: none, implicit, national, explicit, flexible, lob. */
const FORM_MAX = 5;

/** Sent as an image behind a locator. */
export function isImage(bind: BindType): boolean {
  return bind.type === TYPE_JSON || bind.type === TYPE_VECTOR;
}

export function isLong(bind: BindType): boolean {
  return bind.type === TYPE_LONG || bind.type === TYPE_LONG_RAW;
}

/** Types whose values are given in hexadecimal, and those that are not described here. */
export function isOpaque(bind: BindType): boolean {
  return !READABLE.has(bind.type);
}

const READABLE: ReadonlySet<number> = new Set([
  ...[TYPE_VARCHAR, TYPE_CHAR, TYPE_LONG, TYPE_NUMBER, TYPE_DATE, TYPE_TIMESTAMP, TYPE_TIMESTAMP_TZ],
  ...[TYPE_TIMESTAMP_LTZ, TYPE_BINARY_FLOAT, TYPE_BINARY_DOUBLE, TYPE_INTERVAL_YM, TYPE_INTERVAL_DS, 3, 5, 6, 9],
]);

/** The value that `reader` stands at, as what was bound. Arrays give their values in order. */
export function readValue(reader: TtcReader, bind: BindType, values: BindValue[]): void {
  if ((bind.flags & BIND_ARRAY) === 0) {
    values.push(readScalar(reader, bind));
    return;
  }
  const count = Math.min(reader.ub(4), ARRAY_VALUES_MAX);
  for (let i = 0; i < count && !reader.failed; i++) values.push(readScalar(reader, bind));
}

function readScalar(reader: TtcReader, bind: BindType): BindValue {
  switch (bind.type) {
    case TYPE_CURSOR:
      return readCursor(reader);
    case TYPE_OBJECT:
      return readObject(reader);
    case TYPE_CLOB:
    case 113:
    case TYPE_BFILE:
      return readLocator(reader, bind);
    case TYPE_JSON:
    case TYPE_VECTOR:
      if (reader.ub(4) === 0) return null;
      reader.clr(); // a locator made up by the client
      return imageValue(bind, reader.clr());
    default:
      return scalarValue(reader.clr(), bind);
  }
}

/** A cursor that is yet to be opened (01 00), or the number of an open one behind an integer 1. */
function readCursor(reader: TtcReader): BindValue {
  if (reader.u8() === 0) return null;
  if (reader.dialect !== DIALECT_U) return null;
  if (reader.u8() === 0) return null;
  const id = reader.variable();
  return id === 0 ? null : `cursor ${id}`;
}

function readObject(reader: TtcReader): BindValue {
  reader.dlc();
  reader.dlc();
  reader.ub(4);
  reader.ub(4);
  const length = reader.ub(4);
  reader.ub(4);
  return length === 0 ? null : bytesValue('OBJECT', reader.clr());
}

/** JSON and vectors as JSON text; an image that is too long, or none, in hexadecimal. */
function imageValue(bind: BindType, image: Uint8Array | undefined): BindValue {
  if (image === undefined) return null;
  const text = bind.type === TYPE_JSON ? osonText(image) : vectorText(image);
  return text !== undefined && text.length <= LIMITS.valueBytesMax ? text : bytesValue(nameOf(bind), image);
}

/** A locator says nothing of the data: its kind and size are given. */
function readLocator(reader: TtcReader, bind: BindType): BindValue {
  if (reader.ub(4) === 0) return null;
  return bytesValue(`${nameOf(bind)} locator`, reader.clr());
}

/** A scalar by its bytes. What does not fit its type is given in hexadecimal. */
export function scalarValue(bytes: Uint8Array | undefined, bind: BindType): BindValue {
  if (bytes === undefined) return null;
  return decodeScalar(bytes, bind) ?? bytesValue(nameOf(bind), bytes);
}

function decodeScalar(b: Uint8Array, bind: BindType): BindValue | undefined {
  switch (bind.type) {
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_LONG:
    case 5:
    case 9:
      return textValue(b, bind.form === FORM_NATIONAL ? 'utf-16be' : encodingOf(bind.charset));
    case TYPE_NUMBER:
    case 3:
    case 6:
      return numberValue(b);
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ:
      return timestamp(b);
    case TYPE_TIMESTAMP_TZ:
      return timestampWithZone(b);
    case TYPE_BINARY_FLOAT:
      return b.length === 4 ? float(b) : undefined;
    case TYPE_BINARY_DOUBLE:
      return b.length === 8 ? float(b) : undefined;
    case TYPE_BOOLEAN:
      return (b.at(-1) as number) === 1;
    case TYPE_INTERVAL_YM:
      return intervalYm(b);
    case TYPE_INTERVAL_DS:
      return intervalDs(b);
    default:
      return undefined;
  }
}

function nameOf(bind: BindType): string {
  return NAMES.get(bind.type) ?? String(bind.type);
}

function textValue(b: Uint8Array, encoding: TextEncodingName): BindValue {
  if (b.length <= LIMITS.valueBytesMax) return decodeText(b, 0, b.length, encoding);
  const text = beginningOf(b, 0, LIMITS.valueBytesMax, encoding);
  return { type: 'VARCHAR2', text, length: b.length, sha256: sha256(b, 0, b.length) };
}

function bytesValue(type: string, b: Uint8Array | undefined): BindValue {
  if (b === undefined) return null;
  if (b.length <= LIMITS.valueBytesMax) return { type, hex: toHex(b, 0, b.length) };
  return { type, hex: toHex(b, 0, LIMITS.valueBytesMax), length: b.length, sha256: sha256(b, 0, b.length) };
}
