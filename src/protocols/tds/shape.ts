/**
 * How the values of a row lie behind one another, as numbers: read once from the metadata, used for every row. TDS 7:
 * MS-TDS §2.2.7.4 (COLMETADATA) and §2.2.7.1 (ALTMETADATA).
 */
import type { Cursor } from '../../base/cursor.ts';
import type { Dialect } from './dialect.ts';
import { COLUMNS_MAX, EMPTY_COLUMNS_MAX } from './limits.ts';
import { KIND_FIXED, readTypeInfo, TYPE_IMAGE, TYPE_NTEXT, TYPE_TABLE, TYPE_TEXT, type TypeInfo } from './types.ts';

/** What a shape takes in memory beside its columns, and what a column does. */
const SHAPE_BYTES = 128;
const COLUMN_BYTES = 16;

export class RowShape {
  /** `KIND_*` of each column. */
  readonly kinds: number[] = [];
  /** Bytes of each column's values, for `KIND_FIXED`. */
  readonly sizes: number[] = [];
  /** Columns whose values take no bytes. */
  private empty = 0;

  /** Its rows can be walked in time that grows with their bytes. */
  get isSound(): boolean {
    return this.kinds.length <= COLUMNS_MAX && this.empty <= EMPTY_COLUMNS_MAX;
  }

  get columns(): number {
    return this.kinds.length;
  }

  /** What it costs to keep, roughly in bytes. */
  get weight(): number {
    return SHAPE_BYTES + COLUMN_BYTES * this.kinds.length;
  }

  add(kind: number, size: number): void {
    this.kinds.push(kind);
    this.sizes.push(size);
    if (kind === KIND_FIXED && size === 0) this.empty++;
  }

  /** The columns of `types`, in their order. */
  static of(types: readonly TypeInfo[]): RowShape {
    const shape = new RowShape();
    for (const type of types) shape.add(type.kind, type.size);
    return shape;
  }
}

const FLAG_ENCRYPTED = 0x0800;

/** One column of COLMETADATA, up to its name. `undefined` with the cursor failed: not all there, or not legal. */
export function readColumn(cursor: Cursor, dialect: Dialect): TypeInfo | undefined {
  const type = readUnnamedColumn(cursor, dialect);
  cursor.skip(cursor.u8() * 2);
  return cursor.failed ? undefined : type;
}

/** User type, flags, type, table name of old large types, encryption: the part that columns and return values share. */
export function readUnnamedColumn(cursor: Cursor, dialect: Dialect): TypeInfo | undefined {
  cursor.skip(dialect.wide ? 4 : 2);
  const flags = cursor.u16le();
  const type = readTypeInfo(cursor, dialect, true);
  if (type === undefined) return undefined;
  if (type.id === TYPE_TABLE) cursor.fail();
  if (type.id === TYPE_TEXT || type.id === TYPE_NTEXT || type.id === TYPE_IMAGE) skipTableName(cursor, dialect);
  if (dialect.columnEncryption && (flags & FLAG_ENCRYPTED) !== 0) skipEncryption(cursor, dialect);
  return type;
}

function skipTableName(cursor: Cursor, dialect: Dialect): void {
  const parts = dialect.wide ? cursor.u8() : 1;
  for (let i = 0; i < parts && !cursor.failed; i++) cursor.skip(cursor.u16le() * 2);
}

/** CryptoMetaData (§2.2.7.4): the type of the plain value, and how it was encrypted. */
function skipEncryption(cursor: Cursor, dialect: Dialect): void {
  cursor.skip(2 + 4);
  readTypeInfo(cursor, dialect, true);
  if (cursor.u8() === 0) cursor.skip(cursor.u8() * 2);
  cursor.skip(2);
}

/** One entry of the table of column encryption keys. */
export function skipEncryptionKey(cursor: Cursor): void {
  cursor.skip(4 + 4 + 4 + 8);
  const values = cursor.u8();
  for (let i = 0; i < values && !cursor.failed; i++) {
    cursor.skip(cursor.u16le());
    cursor.skip(cursor.u8() * 2);
    cursor.skip(cursor.u16le() * 2);
    cursor.skip(cursor.u8() * 2);
  }
}

/** ALTMETADATA behind its token: the id of the compute clause, and the shape of its rows. */
export function readAltColumns(cursor: Cursor, dialect: Dialect): { id: number; shape: RowShape } | undefined {
  const count = cursor.u16le();
  const id = cursor.u16le();
  cursor.skip(cursor.u8() * 2);
  const shape = new RowShape();
  for (let i = 0; i < count && !cursor.failed; i++) {
    cursor.skip(3);
    const type = readColumn(cursor, dialect);
    if (type !== undefined) shape.add(type.kind, type.size);
  }
  return cursor.failed ? undefined : { id, shape };
}

/** DATACLASSIFICATION (§2.2.7.5) behind its token. */
export function skipClassification(cursor: Cursor, version: number): void {
  for (let list = 0; list < 2; list++) {
    const entries = cursor.u16le();
    for (let i = 0; i < entries && !cursor.failed; i++) {
      cursor.skip(cursor.u8() * 2);
      cursor.skip(cursor.u8() * 2);
    }
  }
  const ranked = version >= 2;
  if (ranked) cursor.skip(4);
  const columns = cursor.u16le();
  for (let i = 0; i < columns && !cursor.failed; i++) {
    const properties = cursor.u16le();
    for (let j = 0; j < properties && !cursor.failed; j++) cursor.skip(ranked ? 8 : 4);
  }
}
