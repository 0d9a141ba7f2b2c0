/**
 * Rows of a sealed segment by number, read from its file without SQLite: a search for a rare value takes one record out
 * of each of dozens of segments, and a connection for each would cost several times what is read through it. Follows the
 * SQLite file format (sqlite.org/fileformat2.html, sections 1.3, 1.6 and 2.1) as far as complete files of ours go: tables
 * with a row id, UTF-8, no log. Of any other file `open` gives nothing, and SQLite has to be asked.
 *
 * The file may be damaged: no length is believed, and every walk ends.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { decodeText } from '../../base/text.ts';
import { StoreError } from '../errors.ts';
import { ROW_COLUMNS, type RowSource, type SegmentTable, type SqlCell } from './row-source.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from './schema.ts';

const MAGIC = 'SQLite format 3\0';
const FILE_HEADER_BYTES = 100;
const PAGE_BYTES_MIN = 512;
/** `read version`: a rollback journal; 2 would be a write-ahead log. */
const NO_LOG = 1;
const UTF_8 = 1;
const INTERIOR = 5;
const LEAF = 13;
/** A tree this deep would have more rows than there are. */
const DEPTH_MAX = 20;
/** Pages that lead to others, kept of a file. */
const KEPT_PAGES_MAX = 24;
const SCHEMA_COLUMNS = 4;
const WORD_RANGE = 2 ** 32;

/** Where a number of variable length ended, and what it was: used again by every call. */
interface Reading {
  value: number;
  end: number;
}
const READING: Reading = { value: 0, end: 0 };

export class TableFile implements RowSource {
  private readonly path: string;
  private readonly file: number;
  private readonly pageBytes: number;
  /** Bytes of a page that SQLite uses. */
  private readonly usable: number;
  private readonly pages: number;
  private readonly roots: ReadonlyMap<string, number>;
  private readonly kept = new Map<number, Buffer>();
  /** The page of rows read last. */
  private readonly leaf: Buffer;
  private leafNumber = 0;

  /** `undefined` for a file that this cannot read. Throws what the file system throws. */
  static open(path: string): TableFile | undefined {
    if (existsSync(`${path}-journal`)) return undefined;
    const file = openSync(path, 'r');
    let opened: TableFile | undefined;
    try {
      const header = Buffer.allocUnsafe(FILE_HEADER_BYTES);
      const length = readSync(file, header, 0, FILE_HEADER_BYTES, 0);
      if (length === FILE_HEADER_BYTES && isReadable(header)) opened = new TableFile(path, file, header);
      return opened;
    } catch (error) {
      // SQLite says what is wrong with it.
      if (error instanceof StoreError) return undefined;
      throw error;
    } finally {
      if (opened === undefined) closeSync(file);
    }
  }

  private constructor(path: string, file: number, header: Buffer) {
    this.path = path;
    this.file = file;
    this.pageBytes = pageBytesOf(header);
    this.usable = this.pageBytes - (header[20] as number);
    this.pages = Math.floor(fstatSync(file).size / this.pageBytes);
    this.leaf = Buffer.allocUnsafeSlow(this.pageBytes);
    this.roots = this.readRoots();
  }

  get(table: SegmentTable, row: number, columns: number = ROW_COLUMNS[table].length): SqlCell[] | undefined {
    const root = this.roots.get(table);
    if (root === undefined) throw this.damaged();
    let number = root;
    for (let depth = 0; depth < DEPTH_MAX; depth++) {
      const page = this.page(number);
      if (page[0] === LEAF) return this.rowOf(page, row, columns);
      if (page[0] !== INTERIOR) throw this.damaged();
      number = this.childOf(page, row);
    }
    throw this.damaged();
  }

  close(): void {
    closeSync(this.file);
  }

  /** First pages of the tables. The list of tables fits the first page of our files. */
  private readRoots(): Map<string, number> {
    const page = this.page(1);
    if (page[FILE_HEADER_BYTES] !== LEAF) throw this.damaged();
    const roots = new Map<string, number>();
    const count = page.readUInt16BE(FILE_HEADER_BYTES + 3);
    for (let i = 0; i < count; i++) {
      const { start, payload } = this.cell(page, FILE_HEADER_BYTES + 8, i);
      const [type, name, , root] = this.cells(page, start, payload, SCHEMA_COLUMNS);
      if (type === 'table' && typeof name === 'string' && typeof root === 'number') roots.set(name, root);
    }
    return roots;
  }

  /** The page below in which the row is, if anywhere: cells name the highest row of their page, in order. */
  private childOf(page: Buffer, row: number): number {
    const count = page.readUInt16BE(3);
    let low = 0;
    for (let high = count; low < high; ) {
      const middle = (low + high) >>> 1;
      varint(page, this.pointer(page, 12, middle) + 4, READING);
      if (READING.value < row) low = middle + 1;
      else high = middle;
    }
    if (low === count) return page.readUInt32BE(8);
    const at = this.pointer(page, 12, low);
    if (at + 4 > this.usable) throw this.damaged();
    return page.readUInt32BE(at);
  }

  private rowOf(page: Buffer, row: number, columns: number): SqlCell[] | undefined {
    const count = page.readUInt16BE(3);
    let low = 0;
    for (let high = count; low < high; ) {
      const middle = (low + high) >>> 1;
      const { rowId, start, payload } = this.cell(page, 8, middle);
      if (rowId === row) return this.cells(page, start, payload, columns);
      if (rowId < row) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** The `index`th cell of a page of rows, whose cell pointers begin at `pointers`. */
  private cell(page: Buffer, pointers: number, index: number): { rowId: number; start: number; payload: number } {
    varint(page, this.pointer(page, pointers, index), READING);
    const payload = READING.value;
    varint(page, READING.end, READING);
    return { rowId: READING.value, start: READING.end, payload };
  }

  private pointer(page: Buffer, pointers: number, index: number): number {
    const at = pointers + index * 2;
    if (at + 2 > this.usable) throw this.damaged();
    return page.readUInt16BE(at);
  }

  /** The first columns of the row whose `payload` bytes begin at `start`. */
  private cells(page: Buffer, start: number, payload: number, columns: number): SqlCell[] {
    const bytes = this.payload(page, start, payload);
    varint(bytes, 0, READING);
    const headerEnd = READING.value;
    const cells: SqlCell[] = [];
    let at = headerEnd;
    for (let pos = READING.end; pos < headerEnd && cells.length < columns; ) {
      varint(bytes, pos, READING);
      const type = READING.value;
      pos = READING.end;
      const length = lengthOf(type);
      if (length < 0 || at + length > bytes.length) throw this.damaged();
      cells.push(cellOf(bytes, at, length, type));
      at += length;
    }
    return cells;
  }

  /** All bytes of a row: what does not fit its page is in a chain of others. */
  private payload(page: Buffer, start: number, length: number): Buffer {
    const { usable } = this;
    const localMax = usable - 35;
    if (length <= localMax) {
      if (start + length > usable) throw this.damaged();
      return page.subarray(start, start + length);
    }
    if (length > this.pages * this.pageBytes) throw this.damaged();
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const wanted = least + ((length - least) % (usable - 4));
    const local = wanted <= localMax ? wanted : least;
    if (start + local + 4 > usable) throw this.damaged();
    const bytes = Buffer.allocUnsafe(length);
    page.copy(bytes, 0, start, start + local);
    let next = page.readUInt32BE(start + local);
    for (let at = local; at < length; ) {
      const part = this.read(next, Buffer.allocUnsafe(this.pageBytes));
      at += part.copy(bytes, at, 4, Math.min(usable, 4 + length - at));
      next = part.readUInt32BE(0);
    }
    return bytes;
  }

  /** Borrowed until the next call. */
  private page(number: number): Buffer {
    const known = this.leafNumber === number ? this.leaf : this.kept.get(number);
    if (known !== undefined) return known;
    this.leafNumber = 0;
    const page = this.read(number, this.leaf);
    if (page[0] === INTERIOR) {
      if (this.kept.size >= KEPT_PAGES_MAX) this.kept.clear();
      this.kept.set(number, Buffer.from(page));
    } else {
      this.leafNumber = number;
    }
    return page;
  }

  private read(number: number, into: Buffer): Buffer {
    const isThere = number >= 1 && number <= this.pages;
    if (!isThere || readSync(this.file, into, 0, this.pageBytes, (number - 1) * this.pageBytes) !== this.pageBytes) {
      throw this.damaged();
    }
    return into;
  }

  private damaged(): StoreError {
    return new StoreError('damaged', `${this.path}: the file is damaged`);
  }
}

/** Whether the header is that of a segment at rest. */
function isReadable(header: Buffer): boolean {
  const pageBytes = pageBytesOf(header);
  return (
    header.toString('latin1', 0, MAGIC.length) === MAGIC &&
    pageBytes >= PAGE_BYTES_MIN &&
    header[19] === NO_LOG &&
    (header[20] as number) <= 32 &&
    header.readUInt32BE(56) === UTF_8 &&
    header.readUInt32BE(60) === SCHEMA_VERSION &&
    header.readUInt32BE(68) === APPLICATION_ID
  );
}

function pageBytesOf(header: Buffer): number {
  const bytes = header.readUInt16BE(16);
  return bytes === 1 ? 65_536 : bytes;
}

/** Big-endian, seven bits a byte, of nine bytes the last whole; exact up to 2^53. Beyond the end come zeros. */
function varint(bytes: Uint8Array, start: number, into: Reading): void {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = bytes[start + i] ?? 0;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      into.value = value;
      into.end = start + i + 1;
      return;
    }
  }
  into.value = value * 256 + (bytes[start + 8] ?? 0);
  into.end = start + 9;
}

const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8] as const;
const DOUBLE = 7;
const ZERO = 8;
const ONE = 9;
const BLOB = 12;

/** Bytes of a value by its serial type; -1 for a type that stands for none. */
function lengthOf(type: number): number {
  if (type < DOUBLE) return INTEGER_BYTES[type] as number;
  if (type === DOUBLE) return 8;
  if (type <= ONE) return 0;
  return type < BLOB ? -1 : Math.floor((type - BLOB) / 2);
}

function cellOf(bytes: Buffer, at: number, length: number, type: number): SqlCell {
  if (type >= BLOB) {
    return type % 2 === 0 ? Buffer.from(bytes.subarray(at, at + length)) : decodeText(bytes, at, at + length, 'utf8');
  }
  if (type === 0) return null;
  if (type === DOUBLE) return bytes.readDoubleBE(at);
  if (type === ZERO || type === ONE) return type - ZERO;
  return length < 8 ? bytes.readIntBE(at, length) : bytes.readInt32BE(at) * WORD_RANGE + bytes.readUInt32BE(at + 4);
}
