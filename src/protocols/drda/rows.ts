/**
 * Counts the rows in QRYDTA blocks by their descriptor, without keeping them. A row may go on in the next block, so the
 * walk can stop at any byte and go on from there. What it cannot walk it does not count: `rows` is `undefined` then.
 */
import { Cursor } from '../../base/cursor.ts';
import type { Column, Descriptor } from './descriptor.ts';
import { EMPTY_COLUMNS_MAX } from './limits.ts';
import {
  NULL,
  readSqlca,
  SQLAM_WITH_DIAGNOSTICS,
  SQLCODE_END_OF_DATA,
  SQLERRD_BYTES,
  SQLWARN_BYTES,
  type Sqlca,
} from './sqlca.ts';
import type { Typdef } from './typdef.ts';
import * as t from './types.ts';

// What the walk expects next.
const ROW = 0;
const SQLCA_FIXED = 1;
const SQLCA_EXTENSION = 2;
const SQLCA_FIRST_STRING = 3;
const SQLCA_SECOND_STRING = 4;
const SQLCA_THIRD_STRING = 5;
const SQLCA_DIAGNOSTICS = 6;
const GROUP = 7;
const COLUMN = 8;
const COLUMN_LENGTH = 9;
const COLUMN_TERMINATOR = 10;
const LOST = 11;

const SQLCA_FIXED_BYTES = 17;

export class RowWalker {
  /** Complete rows so far; `undefined` once the walk was lost. */
  rows: number | undefined = 0;
  /** The server said that there are no more rows. */
  ended = false;
  /** What the server said instead of a row when fetching failed. */
  failure: Sqlca | undefined = undefined;
  private readonly columns: readonly Column[];
  private readonly rowsHaveSqlca: boolean;
  private readonly typdef: Typdef;
  private readonly sqlam: number;
  private expects = ROW;
  private column = 0;
  /** Bytes to pass over before going on. */
  private skip = 0;
  /** A small field as its bytes come in, behind one byte for the SQLCA's indicator. */
  private readonly field: Uint8Array = new Uint8Array(1 + SQLCA_FIXED_BYTES);
  private have = 0;
  private sqlcode = 0;

  constructor(descriptor: Descriptor, typdef: Typdef, sqlam: number) {
    this.columns = descriptor.columns;
    this.rowsHaveSqlca = descriptor.rowsHaveSqlca;
    this.typdef = typdef;
    this.sqlam = sqlam;
    if (this.columns.some((column) => column.bytes === t.BYTES_UNKNOWN)) this.lose();
    // Rows must be walked in time that grows with their bytes.
    const empty = this.columns.filter((column) => column.bytes === 0 && !column.nullable).length;
    if (empty > EMPTY_COLUMNS_MAX) this.lose();
  }

  /** The walk cannot go on: bytes are missing, or mean something else. */
  lose(): void {
    this.expects = LOST;
    this.rows = undefined;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    let pos = start;
    while (this.expects !== LOST) {
      if (this.skip > 0) {
        const count = Math.min(this.skip, end - pos);
        this.skip -= count;
        pos += count;
        if (this.skip > 0) return;
      }
      if (this.expects === ROW) pos = this.wholeRows(bytes, pos, end);
      const wanted = this.wanted();
      if (wanted === 0) {
        this.step();
        continue;
      }
      while (this.have < wanted && pos < end) this.field[1 + this.have++] = bytes[pos++] as number;
      if (this.have < wanted) return;
      this.have = 0;
      this.step();
    }
  }

  /** Walks the rows from `pos` on that are there as a whole and nothing but values. Returns where the next one starts. */
  private wholeRows(bytes: Uint8Array, pos: number, end: number): number {
    let from = pos;
    for (let next = this.rowEnd(bytes, from, end); next >= 0; next = this.rowEnd(bytes, from, end)) {
      from = next;
      if (this.rows !== undefined) this.rows++;
    }
    return from;
  }

  /** End of the row at `start`; -1 when it is none of those, or has no columns. */
  private rowEnd(bytes: Uint8Array, start: number, end: number): number {
    let pos = start;
    if (this.columns.length === 0 || end - start < 2) return -1;
    if (this.rowsHaveSqlca && bytes[pos++] !== NULL) return -1;
    if (bytes[pos++] !== 0) return -1;
    for (const column of this.columns) {
      if (column.nullable) {
        if (pos >= end) return -1;
        if ((bytes[pos++] as number) & 0x80) continue;
      }
      let length = column.bytes;
      if (length < 0) {
        if (length !== t.BYTES_COUNTED || end - pos < 2) return -1;
        length = ((bytes[pos] as number) << 8) | (bytes[pos + 1] as number);
        pos += 2;
      }
      pos += length;
      if (pos > end) return -1;
    }
    return pos;
  }

  /** Bytes of the field that comes next; 0: none, go on. */
  private wanted(): number {
    switch (this.expects) {
      case SQLCA_FIXED:
        return SQLCA_FIXED_BYTES;
      case SQLCA_FIRST_STRING:
      case SQLCA_SECOND_STRING:
      case SQLCA_THIRD_STRING:
        return 2;
      case COLUMN:
        return this.columns[this.column]?.nullable ? 1 : 0;
      case COLUMN_LENGTH: {
        const bytes = (this.columns[this.column] as Column).bytes;
        return bytes >= 0 || bytes === t.BYTES_TERMINATED ? 0 : bytes === t.BYTES_COUNTED_SHORT ? 1 : 2;
      }
      default:
        return 1;
    }
  }

  private step(): void {
    const first = this.field[1] as number;
    switch (this.expects) {
      case ROW:
        if (!this.rowsHaveSqlca) this.onGroup(first);
        else this.expects = first === NULL ? GROUP : SQLCA_FIXED;
        break;
      case GROUP:
        this.onGroup(first);
        break;
      case COLUMN:
        if (this.columns[this.column]?.nullable && first & 0x80) this.nextColumn();
        else this.expects = COLUMN_LENGTH;
        break;
      case COLUMN_LENGTH:
        this.onLength();
        break;
      case COLUMN_TERMINATOR:
        if (first === 0) this.nextColumn();
        break;
      default:
        this.onSqlca(first);
    }
  }

  private onSqlca(first: number): void {
    switch (this.expects) {
      case SQLCA_FIXED:
        this.onSqlcode();
        this.expects = SQLCA_EXTENSION;
        break;
      case SQLCA_EXTENSION:
        if (first === NULL) {
          this.expects = SQLCA_DIAGNOSTICS;
          break;
        }
        if (this.sqlam < SQLAM_WITH_DIAGNOSTICS) {
          this.lose();
          break;
        }
        this.skip = SQLERRD_BYTES + SQLWARN_BYTES;
        this.expects = SQLCA_FIRST_STRING;
        break;
      case SQLCA_DIAGNOSTICS:
        // Diagnostics in full are nested arrays, sent on request only.
        if (first === NULL) this.expects = GROUP;
        else this.lose();
        break;
      default:
        this.skip = this.length16();
        this.expects++;
    }
  }

  private onSqlcode(): void {
    this.field[0] = 0;
    // The extension is passed over here; only code and state are read.
    const cursor = new Cursor().reset(this.field, 0, this.field.length);
    const sqlca = readSqlca(cursor, this.typdef, this.sqlam);
    this.sqlcode = sqlca?.code ?? 0;
    if (this.sqlcode === SQLCODE_END_OF_DATA) this.ended = true;
    if (sqlca && this.sqlcode < 0) this.failure ??= sqlca;
  }

  private onGroup(first: number): void {
    if (first === NULL) this.expects = ROW;
    else if (first !== 0 || this.columns.length === 0) this.lose();
    else {
      this.column = 0;
      this.expects = COLUMN;
    }
  }

  private onLength(): void {
    const bytes = (this.columns[this.column] as Column).bytes;
    if (bytes === t.BYTES_TERMINATED) {
      this.expects = COLUMN_TERMINATOR;
      return;
    }
    if (bytes >= 0) this.skip = bytes;
    else if (bytes === t.BYTES_COUNTED) this.skip = this.length16();
    else if (bytes === t.BYTES_COUNTED_PAIRS) this.skip = 2 * this.length16();
    else this.skip = this.field[1] as number;
    this.nextColumn();
  }

  private length16(): number {
    return ((this.field[1] as number) << 8) | (this.field[2] as number);
  }

  private nextColumn(): void {
    this.column++;
    this.expects = COLUMN;
    if (this.column < this.columns.length) return;
    this.expects = ROW;
    if (this.rows !== undefined) this.rows++;
  }
}
