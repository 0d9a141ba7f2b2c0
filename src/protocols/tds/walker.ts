/**
 * Reads the token stream of a reply as its packets come: MS-TDS §2.2.4 and §2.2.7, TDS 5.0 "Tokens". Tokens may
 * straddle packets at any byte. Kept are at most `TOKEN_BYTES_MAX` of a token; rows are passed over by their metadata.
 *
 * After a token that is not known, or is not legal, nothing can be told apart until the message ends: `lost`.
 */
import { Cursor } from '../../base/cursor.ts';
import type { HeldMemory } from '../../base/memory-budget.ts';
import * as c from './constants.ts';
import { type Dialect, FAMILY_SYBASE } from './dialect.ts';
import { COLUMNS_MAX, TOKEN_BYTES_MAX } from './limits.ts';
import { PieceReader } from './pieces.ts';
import { RowWalk } from './rows.ts';
import {
  RowShape,
  readAltColumns,
  readColumn,
  readUnnamedColumn,
  skipClassification,
  skipEncryptionKey,
} from './shape.ts';
import { Shapes } from './shapes.ts';
import { LENGTH_NONE, LENGTH_SHORT, LENGTH_WORD, readSybaseShape, sybaseLength } from './sybase-tokens.ts';
import { KIND_BYTE, TYPE_INTN } from './types.ts';

/** What a reply says, in order. The cursor holds the token's bytes behind its length, and only during the call. */
export interface TokenHandler {
  onToken(token: number, cursor: Cursor): void;
  onColumns(): void;
  /** A description of columns is complete. */
  onShape(shape: RowShape): void;
  /** The columns that the client remembers of an earlier reply; `undefined` when it is not known which. */
  rememberedShape(): RowShape | undefined;
  onRow(): void;
  onDone(token: number, status: number, command: number, rows: number): void;
  /** An integer that the call returned: a handle. */
  onReturnValue(value: number): void;
}

// What the next bytes are.
const AT_TOKEN = 0;
const AT_KEYS = 1;
const AT_COLUMN = 2;
const AT_ROW = 3;
const AT_RETURN_VALUE = 4;
const AT_FEATURE = 5;
/** In the value of a return value that is no integer. */
const AT_VALUE = 6;

const FEATURE_COLUMN_ENCRYPTION = 4;
const FEATURE_DATA_CLASSIFICATION = 9;
/** No description of a column is longer: five names and a type. */
const DESCRIPTION_BYTES_MAX: number = 192 * 1024;

/** Larger counts are no row count. */
const ROWS_MAX = 2 ** 53;

export class TokenWalker extends PieceReader {
  private at = AT_TOKEN;
  private left = 0;
  /** To be counted behind each packet that the message does not end with. */
  readonly shapes: Shapes;
  private readonly row = new RowWalk();
  private readonly cursor = new Cursor();
  private readonly dialect: Dialect;
  private readonly handler: TokenHandler;

  constructor(dialect: Dialect, handler: TokenHandler, memory: HeldMemory) {
    super(memory);
    this.shapes = new Shapes(memory);
    this.dialect = dialect;
    this.handler = handler;
  }

  /** A message begins. */
  reset(): void {
    this.clear();
    this.at = AT_TOKEN;
    this.left = 0;
    this.forgetShapes();
  }

  /** The message is over: reads what is carried as if no more were wanted. False when it ended within a token. */
  finish(): boolean {
    this.drain();
    const isWhole = this.isEmpty && this.at === AT_TOKEN;
    this.forgetShapes();
    return isWhole;
  }

  private forgetShapes(): void {
    this.row.forget();
    this.shapes.clear();
  }

  /** Of rows whose shape is gone nothing can be told. */
  override free(): void {
    super.free();
    if (!this.shapes.isEmpty) this.lost = true;
    this.forgetShapes();
  }

  /** One token, or a part of one. Returns where it ended; `pos`, with `need` set, when too few bytes are there. */
  protected step(bytes: Uint8Array, pos: number, end: number): number {
    this.need = 0;
    switch (this.at) {
      case AT_COLUMN:
        return this.column(bytes, pos, end);
      case AT_ROW:
      case AT_VALUE:
        return this.walkRow(bytes, pos, end);
      case AT_KEYS:
        return this.keyTable(bytes, pos, end);
      case AT_RETURN_VALUE:
        return this.returnValue(bytes, pos, end);
      case AT_FEATURE:
        return this.feature(bytes, pos, end);
      default:
        return this.token(bytes, pos, end);
    }
  }

  private token(bytes: Uint8Array, pos: number, end: number): number {
    const token = bytes[pos] as number;
    switch (token) {
      case c.TOKEN_ROW:
        return this.beginRow(this.shapes.rows, AT_ROW, bytes, pos + 1, end);
      case c.TOKEN_DONE:
      case c.TOKEN_DONE_PROC:
      case c.TOKEN_DONE_IN_PROC:
        return this.done(token, bytes, pos, end);
      case c.TOKEN_RETURN_STATUS:
        return this.fixed(token, 5, bytes, pos, end);
      case c.TOKEN_ALT_ROW:
        return this.altRow(bytes, pos, end);
      default:
        return this.dialect.family === FAMILY_SYBASE
          ? this.sybaseToken(token, bytes, pos, end)
          : this.microsoftToken(token, bytes, pos, end);
    }
  }

  private microsoftToken(token: number, bytes: Uint8Array, pos: number, end: number): number {
    switch (token) {
      case c.TOKEN_COLUMNS:
        return this.columns(bytes, pos, end);
      case c.TOKEN_NBC_ROW:
        return this.nullRow(bytes, pos, end);
      case c.TOKEN_ALT_COLUMNS:
        return this.altColumns(bytes, pos, end);
      case c.TOKEN_OFFSET:
        return this.fixed(token, 5, bytes, pos, end);
      case c.TOKEN_RETURN_VALUE:
        return this.returnHeader(bytes, pos, end);
      case c.TOKEN_ERROR:
      case c.TOKEN_INFO:
      case c.TOKEN_LOGIN_ACK:
      case c.TOKEN_ENV_CHANGE:
      case c.TOKEN_SSPI:
      case c.TOKEN_ORDER:
      case c.TOKEN_TABLE_NAME:
      case c.TOKEN_COLUMN_INFO:
        return this.counted(token, LENGTH_SHORT, bytes, pos, end);
      case c.TOKEN_SESSION_STATE:
      case c.TOKEN_FEDAUTH_INFO:
        return this.skipped(bytes, pos, end);
      case c.TOKEN_FEATURE_ACK:
        this.at = AT_FEATURE;
        return pos + 1;
      case c.TOKEN_DATA_CLASSIFICATION:
        return this.classification(bytes, pos, end);
      default:
        return this.lose(pos);
    }
  }

  private sybaseToken(token: number, bytes: Uint8Array, pos: number, end: number): number {
    switch (token) {
      case c.TOKEN5_ROW_FORMAT:
      case c.TOKEN5_ROW_FORMAT2:
      case c.TOKEN4_COLUMN_FORMATS:
      case c.TOKEN5_PARAMETER_FORMAT:
      case c.TOKEN5_PARAMETER_FORMAT2:
        return this.sybaseFormat(token, bytes, pos, end);
      case c.TOKEN5_PARAMETERS:
        return this.beginRow(this.shapes.parameters, AT_VALUE, bytes, pos + 1, end);
      default: {
        const length = sybaseLength(token);
        if (length === LENGTH_NONE) return this.lose(pos);
        if (length > LENGTH_NONE) return this.fixed(token, length, bytes, pos, end);
        return this.counted(token, length, bytes, pos, end);
      }
    }
  }

  private u16(bytes: Uint8Array, at: number): number {
    const b0 = bytes[at] as number;
    const b1 = bytes[at + 1] as number;
    return this.dialect.bigEndian ? (b0 << 8) | b1 : b0 | (b1 << 8);
  }

  private u32(bytes: Uint8Array, at: number): number {
    return this.dialect.bigEndian
      ? this.u16(bytes, at) * 0x10000 + this.u16(bytes, at + 2)
      : this.u16(bytes, at) + this.u16(bytes, at + 2) * 0x10000;
  }

  private fixed(token: number, length: number, bytes: Uint8Array, pos: number, end: number): number {
    if (end - pos < length) return this.wants(length, pos);
    this.handler.onToken(token, this.cursor.reset(bytes, pos + 1, pos + length));
    return pos + length;
  }

  /** A token with its length before it, in one, two or four bytes. */
  private counted(token: number, kind: number, bytes: Uint8Array, pos: number, end: number): number {
    const header = 1 + (kind === LENGTH_SHORT ? 2 : kind === LENGTH_WORD ? 4 : 1);
    if (end - pos < header) return this.wants(header, pos);
    const at = pos + 1;
    const length =
      kind === LENGTH_SHORT ? this.u16(bytes, at) : header === 2 ? (bytes[at] as number) : this.u32(bytes, at);
    if (length > TOKEN_BYTES_MAX) return this.lose(pos);
    if (end - pos < header + length) return this.wants(header + length, pos);
    this.handler.onToken(token, this.cursor.reset(bytes, pos + header, pos + header + length));
    return pos + header + length;
  }

  /** A token of four bytes length that says nothing for an audit. */
  private skipped(bytes: Uint8Array, pos: number, end: number): number {
    if (end - pos < 5) return this.wants(5, pos);
    this.skipLeft = this.u32(bytes, pos + 1);
    return pos + 5;
  }

  private done(token: number, bytes: Uint8Array, pos: number, end: number): number {
    const length = this.dialect.wide ? 13 : 9;
    if (end - pos < length) return this.wants(length, pos);
    const low = this.u32(bytes, pos + 5);
    const high = this.dialect.wide ? this.u32(bytes, pos + 9) : 0;
    const rows = high * 0x1_0000_0000 + low;
    this.handler.onDone(token, this.u16(bytes, pos + 1), this.u16(bytes, pos + 3), rows < ROWS_MAX ? rows : 0);
    return pos + length;
  }

  // COLMETADATA

  private columns(bytes: Uint8Array, pos: number, end: number): number {
    if (end - pos < 3) return this.wants(3, pos);
    const count = this.u16(bytes, pos + 1);
    if (count === 0xffff) {
      this.shapes.rows = this.handler.rememberedShape();
    } else {
      if (count > COLUMNS_MAX) return this.lose(pos);
      this.shapes.rows = new RowShape();
      this.left = count;
      this.at = this.dialect.columnEncryption ? AT_KEYS : AT_COLUMN;
      if (count === 0) this.at = AT_TOKEN;
    }
    if (this.shapes.rows !== undefined) this.handler.onColumns();
    return pos + 3;
  }

  private keyTable(bytes: Uint8Array, pos: number, end: number): number {
    const cursor = this.cursor.reset(bytes, pos, end);
    const keys = cursor.u16le();
    for (let i = 0; i < keys && !cursor.failed; i++) skipEncryptionKey(cursor);
    if (cursor.failed) return this.more(pos, end);
    this.at = AT_COLUMN;
    return cursor.pos;
  }

  private column(bytes: Uint8Array, pos: number, end: number): number {
    const cursor = this.cursor.reset(bytes, pos, end);
    const type = readColumn(cursor, this.dialect);
    if (type === undefined) return this.more(pos, end);
    this.shapes.rows?.add(type.kind, type.size);
    if (--this.left === 0) {
      this.at = AT_TOKEN;
      if (this.shapes.rows !== undefined) this.handler.onShape(this.shapes.rows);
    }
    return cursor.pos;
  }

  /** Too few bytes, or none that are legal: more are asked for as long as a legal description could be that long. */
  private more(pos: number, end: number): number {
    const there = end - pos;
    return there > DESCRIPTION_BYTES_MAX ? this.lose(pos) : this.wants(there + Math.max(1, there >> 3), pos);
  }

  private altColumns(bytes: Uint8Array, pos: number, end: number): number {
    if (end - pos < 3) return this.wants(3, pos);
    if (this.u16(bytes, pos + 1) > COLUMNS_MAX) return this.lose(pos);
    const cursor = this.cursor.reset(bytes, pos + 1, end);
    const alternative = readAltColumns(cursor, this.dialect);
    if (alternative === undefined) return this.more(pos, end);
    if (!this.shapes.addAlternative(alternative.id, alternative.shape)) return this.lose(pos);
    return cursor.pos;
  }

  private classification(bytes: Uint8Array, pos: number, end: number): number {
    const cursor = this.cursor.reset(bytes, pos + 1, end);
    skipClassification(cursor, this.dialect.classification);
    return cursor.failed ? this.more(pos, end) : cursor.pos;
  }

  private feature(bytes: Uint8Array, pos: number, end: number): number {
    const id = bytes[pos] as number;
    if (id === 0xff) {
      this.at = AT_TOKEN;
      return pos + 1;
    }
    if (end - pos < 6) return this.wants(6, pos);
    const length = this.u32(bytes, pos + 1);
    if (id === FEATURE_COLUMN_ENCRYPTION) this.dialect.columnEncryption = true;
    if (id === FEATURE_DATA_CLASSIFICATION) this.dialect.classification = bytes[pos + 5] as number;
    this.skipLeft = length;
    return pos + 5;
  }

  // Rows

  /** `at`: `AT_ROW` for a row of a result, `AT_VALUE` for what is passed over uncounted. */
  private beginRow(shape: RowShape | undefined, at: number, bytes: Uint8Array, pos: number, end: number): number {
    if (shape === undefined || !shape.isSound) return this.lose(pos);
    this.row.begin(shape);
    this.at = at;
    return this.walkRow(bytes, pos, end);
  }

  private nullRow(bytes: Uint8Array, pos: number, end: number): number {
    const shape = this.shapes.rows;
    if (shape === undefined) return this.lose(pos);
    const header = 1 + ((shape.columns + 7) >> 3);
    if (end - pos < header) return this.wants(header, pos);
    this.row.beginWithNulls(shape, bytes, pos + 1, pos + header);
    this.at = AT_ROW;
    return this.walkRow(bytes, pos + header, end);
  }

  private altRow(bytes: Uint8Array, pos: number, end: number): number {
    if (end - pos < 3) return this.wants(3, pos);
    const shape = this.shapes.alternative(this.u16(bytes, pos + 1));
    return this.beginRow(shape, AT_VALUE, bytes, pos + 3, end);
  }

  /** Goes on with the row. Complete: the next bytes are a token. */
  private walkRow(bytes: Uint8Array, pos: number, end: number): number {
    const next = this.row.walk(bytes, pos, end, this.dialect.bigEndian);
    if (this.row.broken) return this.lose(next);
    if (this.row.isOver) {
      if (this.at === AT_ROW) this.handler.onRow();
      this.at = AT_TOKEN;
    } else if (next === pos) {
      this.need = this.row.need;
    }
    return next;
  }

  // RETURNVALUE

  private returnHeader(bytes: Uint8Array, pos: number, end: number): number {
    const cursor = this.cursor.reset(bytes, pos + 1, end);
    cursor.skip(2);
    cursor.skip(cursor.u8() * 2);
    cursor.skip(1);
    const type = readUnnamedColumn(cursor, this.dialect);
    if (type === undefined) return this.more(pos, end);
    if (type.id === TYPE_INTN && type.kind === KIND_BYTE) {
      this.at = AT_RETURN_VALUE;
      return cursor.pos;
    }
    const shape = new RowShape();
    shape.add(type.kind, type.size);
    this.row.begin(shape);
    this.at = AT_VALUE;
    return cursor.pos;
  }

  /** The integer of a return value. */
  private returnValue(bytes: Uint8Array, pos: number, end: number): number {
    const size = bytes[pos] as number;
    if (size > 8) return this.lose(pos);
    if (end - pos < 1 + size) return this.wants(1 + size, pos);
    const cursor = this.cursor.reset(bytes, pos + 1, pos + 1 + size);
    this.at = AT_TOKEN;
    this.handler.onReturnValue(size === 4 ? cursor.i32le() : -1);
    return pos + 1 + size;
  }

  private sybaseFormat(token: number, bytes: Uint8Array, pos: number, end: number): number {
    const word = token === c.TOKEN5_ROW_FORMAT2 || token === c.TOKEN5_PARAMETER_FORMAT2;
    const header = word ? 5 : 3;
    if (end - pos < header) return this.wants(header, pos);
    const length = word ? this.u32(bytes, pos + 1) : this.u16(bytes, pos + 1);
    if (length > TOKEN_BYTES_MAX) return this.lose(pos);
    if (end - pos < header + length) return this.wants(header + length, pos);
    const shape = readSybaseShape(token, this.cursor.reset(bytes, pos + header, pos + header + length), this.dialect);
    if (shape === undefined || !shape.isSound) return this.lose(pos);
    if (token === c.TOKEN5_PARAMETER_FORMAT || token === c.TOKEN5_PARAMETER_FORMAT2) {
      this.shapes.parameters = shape;
    } else {
      this.shapes.rows = shape;
      this.handler.onColumns();
    }
    return pos + header + length;
  }
}
