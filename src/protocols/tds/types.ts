/**
 * Data types of TDS 7: MS-TDS §2.2.5.4 (identifiers), §2.2.5.5 (variable-length and special types), §2.2.5.6
 * (TYPE_INFO). How long a value is follows from the kind; what it means is in `values.ts`.
 */
import type { Cursor } from '../../base/cursor.ts';
import type { TextEncodingName } from '../../base/text.ts';
import { encodingOfCollation } from './collation.ts';
import type { Dialect } from './dialect.ts';

// How the length of a value is told.
/** By the type. */
export const KIND_FIXED = 0;
/** A byte before it; 0 is NULL. */
export const KIND_BYTE = 1;
/** Two bytes before it; 0xffff is NULL. */
export const KIND_SHORT = 2;
/** Four bytes before it; 0 is NULL. */
export const KIND_LONG = 3;
/** In rows a text pointer, its time stamp and four bytes; as a parameter four bytes, 0xffffffff for NULL. */
export const KIND_TEXT = 4;
/** Eight bytes, then chunks (§2.2.5.2.3). */
export const KIND_PLP = 5;
/** A table (§2.2.5.5.5), which only parameters can be. */
export const KIND_TABLE = 6;
export type Kind = 0 | 1 | 2 | 3 | 4 | 5 | 6;

export const TYPE_NULL = 0x1f;
export const TYPE_IMAGE = 0x22;
export const TYPE_TEXT = 0x23;
export const TYPE_GUID = 0x24;
export const TYPE_LEGACY_VARBINARY = 0x25;
export const TYPE_INTN = 0x26;
export const TYPE_LEGACY_VARCHAR = 0x27;
export const TYPE_DATEN = 0x28;
export const TYPE_TIMEN = 0x29;
export const TYPE_DATETIME2N = 0x2a;
export const TYPE_DATETIMEOFFSETN = 0x2b;
export const TYPE_LEGACY_BINARY = 0x2d;
export const TYPE_LEGACY_CHAR = 0x2f;
export const TYPE_INT1 = 0x30;
export const TYPE_BIT = 0x32;
export const TYPE_INT2 = 0x34;
export const TYPE_DECIMAL = 0x37;
export const TYPE_INT4 = 0x38;
export const TYPE_DATETIME4 = 0x3a;
export const TYPE_FLOAT4 = 0x3b;
export const TYPE_MONEY = 0x3c;
export const TYPE_DATETIME = 0x3d;
export const TYPE_FLOAT8 = 0x3e;
export const TYPE_NUMERIC = 0x3f;
export const TYPE_VARIANT = 0x62;
export const TYPE_NTEXT = 0x63;
export const TYPE_BITN = 0x68;
export const TYPE_DECIMALN = 0x6a;
export const TYPE_NUMERICN = 0x6c;
export const TYPE_FLOATN = 0x6d;
export const TYPE_MONEYN = 0x6e;
export const TYPE_DATETIMEN = 0x6f;
export const TYPE_MONEY4 = 0x7a;
export const TYPE_INT8 = 0x7f;
export const TYPE_VARBINARY = 0xa5;
export const TYPE_VARCHAR = 0xa7;
export const TYPE_BINARY = 0xad;
export const TYPE_CHAR = 0xaf;
export const TYPE_NVARCHAR = 0xe7;
export const TYPE_NCHAR = 0xef;
export const TYPE_UDT = 0xf0;
export const TYPE_XML = 0xf1;
export const TYPE_TABLE = 0xf3;
export const TYPE_JSON = 0xf4;
export const TYPE_VECTOR = 0xf5;

/** A type as the wire describes it. */
export class TypeInfo {
  id: number;
  kind: Kind;
  /** `KIND_FIXED`: bytes of a value. Else the declared maximum. */
  size: number;
  precision = 0;
  scale = 0;
  encoding: TextEncodingName = 'utf16le';
  /** As `{ type }` in records. */
  name: string;
  constructor(id: number, kind: Kind, size: number, name: string) {
    this.id = id;
    this.kind = kind;
    this.size = size;
    this.name = name;
  }
}

/** Bytes and names of the types of fixed length (§2.2.5.4.1). */
const FIXED: ReadonlyMap<number, readonly [number, string]> = new Map([
  [TYPE_NULL, [0, 'null']],
  [TYPE_INT1, [1, 'tinyint']],
  [TYPE_BIT, [1, 'bit']],
  [TYPE_INT2, [2, 'smallint']],
  [TYPE_INT4, [4, 'int']],
  [TYPE_DATETIME4, [4, 'smalldatetime']],
  [TYPE_FLOAT4, [4, 'real']],
  [TYPE_MONEY, [8, 'money']],
  [TYPE_DATETIME, [8, 'datetime']],
  [TYPE_FLOAT8, [8, 'float']],
  [TYPE_MONEY4, [4, 'smallmoney']],
  [TYPE_INT8, [8, 'bigint']],
]);

const NAMES: ReadonlyMap<number, string> = new Map([
  [TYPE_GUID, 'uniqueidentifier'],
  [TYPE_INTN, 'int'],
  [TYPE_DATEN, 'date'],
  [TYPE_TIMEN, 'time'],
  [TYPE_DATETIME2N, 'datetime2'],
  [TYPE_DATETIMEOFFSETN, 'datetimeoffset'],
  [TYPE_DECIMAL, 'decimal'],
  [TYPE_NUMERIC, 'numeric'],
  [TYPE_BITN, 'bit'],
  [TYPE_DECIMALN, 'decimal'],
  [TYPE_NUMERICN, 'numeric'],
  [TYPE_FLOATN, 'float'],
  [TYPE_MONEYN, 'money'],
  [TYPE_DATETIMEN, 'datetime'],
  [TYPE_LEGACY_VARBINARY, 'varbinary'],
  [TYPE_LEGACY_VARCHAR, 'varchar'],
  [TYPE_LEGACY_BINARY, 'binary'],
  [TYPE_LEGACY_CHAR, 'char'],
  [TYPE_IMAGE, 'image'],
  [TYPE_TEXT, 'text'],
  [TYPE_NTEXT, 'ntext'],
  [TYPE_VARIANT, 'sql_variant'],
  [TYPE_VARBINARY, 'varbinary'],
  [TYPE_VARCHAR, 'varchar'],
  [TYPE_BINARY, 'binary'],
  [TYPE_CHAR, 'char'],
  [TYPE_NVARCHAR, 'nvarchar'],
  [TYPE_NCHAR, 'nchar'],
  [TYPE_UDT, 'udt'],
  [TYPE_XML, 'xml'],
  [TYPE_TABLE, 'table'],
  [TYPE_JSON, 'json'],
  [TYPE_VECTOR, 'vector'],
]);

/** As `{ type }` in records; `undefined` for no known type. */
export function typeName(id: number): string | undefined {
  return FIXED.get(id)?.[1] ?? NAMES.get(id);
}

const PLP_LENGTH = 0xffff;
/** Bytes a value of these types may have, by their declared length. */
const WIDTHS: ReadonlyMap<number, readonly number[]> = new Map([
  [TYPE_GUID, [0, 16]],
  [TYPE_INTN, [1, 2, 4, 8]],
  [TYPE_BITN, [1]],
  [TYPE_FLOATN, [4, 8]],
  [TYPE_MONEYN, [4, 8]],
  [TYPE_DATETIMEN, [4, 8]],
]);

/**
 * TYPE_INFO at the cursor. `undefined`, with the cursor failed, when the type is unknown or what is said of it is not
 * legal. `described`: in column metadata, where a UDT also tells its size and assembly.
 */
export function readTypeInfo(cursor: Cursor, dialect: Dialect, described: boolean): TypeInfo | undefined {
  const id = cursor.u8();
  const fixed = FIXED.get(id);
  if (fixed !== undefined) return cursor.failed ? undefined : new TypeInfo(id, KIND_FIXED, fixed[0], fixed[1]);
  const name = NAMES.get(id);
  if (name === undefined) return illegal(cursor);
  const type = variableType(id, name, cursor, dialect, described);
  return cursor.failed ? undefined : type;
}

function illegal(cursor: Cursor): undefined {
  cursor.fail();
  return undefined;
}

function variableType(
  id: number,
  name: string,
  cursor: Cursor,
  dialect: Dialect,
  described: boolean,
): TypeInfo | undefined {
  switch (id) {
    case TYPE_DATEN:
      return new TypeInfo(id, KIND_BYTE, 3, name);
    case TYPE_TIMEN:
    case TYPE_DATETIME2N:
    case TYPE_DATETIMEOFFSETN:
      return scaled(new TypeInfo(id, KIND_BYTE, 10, name), cursor);
    case TYPE_DECIMAL:
    case TYPE_NUMERIC:
    case TYPE_DECIMALN:
    case TYPE_NUMERICN:
      return decimal(id, name, cursor);
    case TYPE_LEGACY_CHAR:
    case TYPE_LEGACY_VARCHAR: {
      const type = new TypeInfo(id, KIND_BYTE, cursor.u8(), name);
      type.encoding = 'windows-1252';
      return type;
    }
    case TYPE_VARBINARY:
    case TYPE_VARCHAR:
    case TYPE_BINARY:
    case TYPE_CHAR:
    case TYPE_NVARCHAR:
    case TYPE_NCHAR:
      return characters(id, name, cursor, dialect);
    case TYPE_TEXT:
    case TYPE_NTEXT:
    case TYPE_IMAGE: {
      const type = new TypeInfo(id, KIND_TEXT, cursor.u32le(), name);
      if (id !== TYPE_IMAGE) readCollation(type, cursor, dialect);
      return type;
    }
    case TYPE_VARIANT:
      return new TypeInfo(id, KIND_LONG, cursor.u32le(), name);
    case TYPE_XML:
      return xml(name, cursor);
    case TYPE_UDT:
      return udt(cursor, described);
    case TYPE_JSON:
      return json(name);
    case TYPE_VECTOR: {
      const type = new TypeInfo(id, KIND_SHORT, cursor.u16le(), name);
      cursor.skip(1);
      return type;
    }
    case TYPE_TABLE:
      return table(cursor);
    default: {
      const size = cursor.u8();
      const widths = WIDTHS.get(id);
      if (widths !== undefined && !widths.includes(size)) return illegal(cursor);
      return new TypeInfo(id, KIND_BYTE, size, name);
    }
  }
}

function scaled(type: TypeInfo, cursor: Cursor): TypeInfo | undefined {
  type.scale = cursor.u8();
  return type.scale > 7 ? illegal(cursor) : type;
}

function decimal(id: number, name: string, cursor: Cursor): TypeInfo | undefined {
  const type = new TypeInfo(id, KIND_BYTE, cursor.u8(), name);
  type.precision = cursor.u8();
  type.scale = cursor.u8();
  return type.precision > 77 || type.scale > type.precision || type.size > 34 ? illegal(cursor) : type;
}

function characters(id: number, name: string, cursor: Cursor, dialect: Dialect): TypeInfo | undefined {
  const size = cursor.u16le();
  const plp = size === PLP_LENGTH;
  if (plp && (id === TYPE_BINARY || id === TYPE_CHAR || id === TYPE_NCHAR)) return illegal(cursor);
  const type = new TypeInfo(id, plp ? KIND_PLP : KIND_SHORT, size, name);
  if (id !== TYPE_VARBINARY && id !== TYPE_BINARY) readCollation(type, cursor, dialect);
  return type;
}

function readCollation(type: TypeInfo, cursor: Cursor, dialect: Dialect): void {
  const wide = type.id === TYPE_NVARCHAR || type.id === TYPE_NCHAR || type.id === TYPE_NTEXT;
  if (!wide) type.encoding = 'windows-1252';
  if (!dialect.collations) return;
  const at = cursor.pos;
  if (cursor.skip(5) && !wide) type.encoding = encodingOfCollation(cursor.bytes, at);
}

function xml(name: string, cursor: Cursor): TypeInfo | undefined {
  const schema = cursor.u8();
  if (schema > 1) return illegal(cursor);
  if (schema === 1) {
    cursor.skip(cursor.u8() * 2);
    cursor.skip(cursor.u8() * 2);
    cursor.skip(cursor.u16le() * 2);
  }
  return new TypeInfo(TYPE_XML, KIND_PLP, PLP_LENGTH, name);
}

function json(name: string): TypeInfo {
  const type = new TypeInfo(TYPE_JSON, KIND_PLP, PLP_LENGTH, name);
  type.encoding = 'utf8';
  return type;
}

function udt(cursor: Cursor, described: boolean): TypeInfo {
  if (described) cursor.skip(2);
  const name = qualifiedName(cursor);
  if (described) cursor.skip(cursor.u16le() * 2);
  return new TypeInfo(TYPE_UDT, KIND_PLP, PLP_LENGTH, name === '' ? 'udt' : name);
}

function table(cursor: Cursor): TypeInfo {
  const name = qualifiedName(cursor);
  return new TypeInfo(TYPE_TABLE, KIND_TABLE, 0, name === '' ? 'table' : name);
}

/** Schema and name of a type, or the name alone; the database comes first and is left out. */
function qualifiedName(cursor: Cursor): string {
  cursor.skip(cursor.u8() * 2);
  const schema = cursor.text(cursor.u8() * 2, 'utf16le');
  const name = cursor.text(cursor.u8() * 2, 'utf16le');
  return schema === '' ? name : `${schema}.${name}`;
}
