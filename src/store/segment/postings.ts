/**
 * The index beside a sealed segment (`000001.aix`): for every row of the segment's session, shape and verdict tables,
 * which records refer to it; and the dictionary that tells in which rows a value is (`key-table.ts`). So a user, a
 * network or a pattern is looked for without the segment's file. Written once, never changed; made again from the rows
 * when it is missing or damaged, and checked before it is believed. All numbers are little-endian.
 *
 *   0   "AIX1", u32 version, u32 records, u32 dimensions, f64 first seq, f64 file bytes
 *   32  per dimension: u32 keys, u32 offset of its rows        56  u32 bytes of the dictionary's directory
 *   60  u32 CRC-32 of bytes 0 to 59
 *   64  the dictionary: its directory, then its blocks
 *   …   per dimension, per row (1 first): u32 offset, u32 bytes, u32 count, u32 CRC-32 of these twelve bytes and the list
 *   …   lists: varints, the first the index of a record (`seq` minus first seq), then the differences
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { StoreError } from '../errors.ts';
import { ByteWriter, cursorOver, readVarint } from './bytes.ts';
import { writeWhole } from './files.ts';
import { encodeKeyTable, KeyTable } from './key-table.ts';
import type { KeyRows } from './keys.ts';

export const DIMENSIONS = ['session', 'shape', 'verdict'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

const INDEX_SUFFIX = '.aix';

const MAGIC = 0x31584941;
const VERSION = 2;
const HEADER_BYTES = 64;
const HEADER_CRC_OFFSET = 60;
const DIMENSION_OFFSET = 32;
const DICTIONARY_OFFSET = 56;
const ENTRY_BYTES = 16;
const ENTRY_CHECKED_BYTES = 12;
/** Read when the file is opened: the header and, nearly always, the dictionary's directory. */
const FIRST_READ_BYTES = 4096;
/** What lies no further apart is read at once. */
const READ_GAP_BYTES = 4096;
/** Above this part of all records, a bit for each is cheaper than sorting. */
const BITMAP_PART = 1 / 64;

/** Per record, in order of `seq`: its row of each dimension, 0 for none. */
export type PostingColumns = Readonly<Record<Dimension, Uint32Array>>;

/** Path of the index of a segment file. */
export function indexPath(segmentPath: string): string {
  return segmentPath.replace(/\.db$/, '') + INDEX_SUFFIX;
}

/** Writes the index so that it is there whole or not at all. Throws `StoreError`. */
export function writePostings(path: string, content: Uint8Array): void {
  writeWhole(path, [content]);
}

/** The index of a segment: for its records, in order, the rows they refer to; `keys` in order of their bytes. */
export function encodePostings(firstSeq: number, columns: PostingColumns, keys: readonly KeyRows[]): Uint8Array {
  const records = columns.session.length;
  const rowCounts = DIMENSIONS.map((dimension) => columns[dimension].reduce((max, row) => Math.max(max, row), 0));
  const entryBytes = rowCounts.reduce((sum, rows) => sum + rows * ENTRY_BYTES, 0);
  const dictionary = encodeKeyTable(keys);
  const entries = HEADER_BYTES + dictionary.directory.length + dictionary.blocks.length;
  const out = new ByteWriter(entries + entryBytes + records * DIMENSIONS.length * 2 + 64);
  out.bytes.set(dictionary.directory, HEADER_BYTES);
  out.bytes.set(dictionary.blocks, HEADER_BYTES + dictionary.directory.length);
  out.pos = entries + entryBytes;
  let offset = entries;
  const offsets: number[] = [];
  for (const [i, dimension] of DIMENSIONS.entries()) {
    offsets.push(offset);
    const rows = rowCounts[i] ?? 0;
    writeLists(out, columns[dimension], rows, offset);
    offset += rows * ENTRY_BYTES;
  }
  const header = out.bytes;
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(VERSION, 4);
  header.writeUInt32LE(records, 8);
  header.writeUInt32LE(DIMENSIONS.length, 12);
  header.writeDoubleLE(firstSeq, 16);
  header.writeDoubleLE(out.pos, 24);
  for (const [i, rows] of rowCounts.entries()) {
    header.writeUInt32LE(rows, DIMENSION_OFFSET + i * 8);
    header.writeUInt32LE(offsets[i] ?? 0, DIMENSION_OFFSET + i * 8 + 4);
  }
  header.writeUInt32LE(dictionary.directory.length, DICTIONARY_OFFSET);
  header.writeUInt32LE(crc32(header.subarray(0, HEADER_CRC_OFFSET)), HEADER_CRC_OFFSET);
  return header.subarray(0, out.pos);
}

/** Sorts the records of a dimension by key (a counting sort) and appends a list for each. */
function writeLists(out: ByteWriter, rows: Uint32Array, keys: number, directory: number): void {
  const ends = new Uint32Array(keys + 1);
  for (const row of rows) ends[row] = (ends[row] as number) + 1;
  let sum = 0;
  for (let key = 1; key <= keys; key++) {
    const count = ends[key] as number;
    ends[key] = sum;
    sum += count;
  }
  const sorted = new Uint32Array(sum);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as number;
    if (row === 0) continue;
    const place = ends[row] as number;
    sorted[place] = index;
    ends[row] = place + 1;
  }
  let from = 0;
  for (let key = 1; key <= keys; key++) {
    const to = ends[key] as number;
    const start = out.pos;
    let previous = 0;
    for (let i = from; i < to; i++) {
      const index = sorted[i] as number;
      out.varint(index - previous);
      previous = index;
    }
    const entry = directory + (key - 1) * ENTRY_BYTES;
    out.bytes.writeUInt32LE(start, entry);
    out.bytes.writeUInt32LE(out.pos - start, entry + 4);
    out.bytes.writeUInt32LE(to - from, entry + 8);
    const checked = crc32(out.bytes.subarray(entry, entry + ENTRY_CHECKED_BYTES));
    out.bytes.writeUInt32LE(crc32(out.bytes.subarray(start, out.pos), checked), entry + ENTRY_CHECKED_BYTES);
    from = to;
  }
}

/** Which records refer to some rows: the lists are read when they are asked for. */
export interface PostingLists {
  /** How many there are, by the index's word: for planning, not for answers. */
  readonly estimate: number;
  /** Indexes of the records, ascending. Throws `StoreError` (`damaged`). */
  indexes(): Uint32Array;
}

/** An index opened for reading. Its file is read as needed, never as a whole. */
export class PostingIndex {
  private readonly path: string;
  private readonly file: number;
  private readonly records: number;
  private readonly fileBytes: number;
  /** The first bytes of the file, by which many a read is saved. */
  private readonly head: Buffer;
  private readonly rowCounts: Record<Dimension, number> = { session: 0, shape: 0, verdict: 0 };
  private readonly offsets: Record<Dimension, number> = { session: 0, shape: 0, verdict: 0 };
  private table: KeyTable | undefined = undefined;

  /** `records` and `firstSeq` are the segment's: an index of anything else is refused. Throws `StoreError` (`damaged`). */
  constructor(path: string, firstSeq: number, records: number) {
    this.path = path;
    this.records = records;
    this.file = openSync(path, 'r');
    try {
      this.fileBytes = fstatSync(this.file).size;
      this.head = NO_BYTES;
      const header = this.read(0, Math.min(FIRST_READ_BYTES, this.fileBytes));
      if (header.length < HEADER_BYTES) throw this.damaged();
      const valid =
        header.readUInt32LE(HEADER_CRC_OFFSET) === crc32(header.subarray(0, HEADER_CRC_OFFSET)) &&
        header.readUInt32LE(0) === MAGIC &&
        header.readUInt32LE(8) === records &&
        header.readUInt32LE(12) === DIMENSIONS.length &&
        header.readDoubleLE(16) === firstSeq &&
        header.readDoubleLE(24) === this.fileBytes;
      if (!valid) throw this.damaged();
      if (header.readUInt32LE(4) !== VERSION) {
        throw new StoreError('damaged', `${path}: the index is of another version; the next writer makes it anew`);
      }
      for (const [i, dimension] of DIMENSIONS.entries()) {
        this.rowCounts[dimension] = header.readUInt32LE(DIMENSION_OFFSET + i * 8);
        this.offsets[dimension] = header.readUInt32LE(DIMENSION_OFFSET + i * 8 + 4);
      }
      this.head = header;
    } catch (error) {
      closeSync(this.file);
      throw error;
    }
  }

  close(): void {
    closeSync(this.file);
  }

  /** In which rows a value is. Reading it throws `StoreError` (`damaged`). */
  get dictionary(): KeyTable {
    if (this.table === undefined) {
      const directoryBytes = this.head.readUInt32LE(DICTIONARY_OFFSET);
      const start = HEADER_BYTES + directoryBytes;
      this.table = new KeyTable(
        this.read(HEADER_BYTES, directoryBytes),
        (offset, bytes, into) => this.read(start + offset, bytes, into),
        Math.max(...DIMENSIONS.map((dimension) => this.rowCounts[dimension])),
        () => this.damaged(),
      );
    }
    return this.table;
  }

  /** The lists of rows (ascending numbers). Throws `StoreError` (`damaged`). */
  lists(dimension: Dimension, rows: readonly number[]): PostingLists {
    const entries = this.entries(dimension, rows);
    const estimate = entries.reduce((total, entry) => total + entry.readUInt32LE(8), 0);
    return { estimate, indexes: () => this.readLists(entries) };
  }

  /** How many records refer to the rows (ascending numbers), by the index's word: for planning, not for answers. */
  estimate(dimension: Dimension, rows: readonly number[]): number {
    return this.lists(dimension, rows).estimate;
  }

  /** Indexes of the records that refer to one of the rows (ascending numbers), ascending. Throws `StoreError` (`damaged`). */
  indexes(dimension: Dimension, rows: readonly number[]): Uint32Array {
    return this.lists(dimension, rows).indexes();
  }

  private readLists(entries: readonly Buffer[]): Uint32Array {
    const spans = entries.map((entry) => ({ offset: entry.readUInt32LE(0), bytes: entry.readUInt32LE(4) }));
    const lists = this.readSpans(spans).map((bytes, i) => this.list(entries[i] as Buffer, bytes));
    const [only] = lists;
    if (lists.length === 1 && only !== undefined) return only;
    return union(lists, this.records);
  }

  /** What the index says of rows: places of their lists. */
  private entries(dimension: Dimension, rows: readonly number[]): Buffer[] {
    const offset = this.offsets[dimension];
    const known = rows.filter((row) => row <= this.rowCounts[dimension]);
    return this.readSpans(known.map((row) => ({ offset: offset + (row - 1) * ENTRY_BYTES, bytes: ENTRY_BYTES })));
  }

  private list(entry: Buffer, bytes: Buffer): Uint32Array {
    const checked = crc32(bytes, crc32(entry.subarray(0, ENTRY_CHECKED_BYTES)));
    const count = entry.readUInt32LE(8);
    if (checked !== entry.readUInt32LE(ENTRY_CHECKED_BYTES) || count > this.records) throw this.damaged();
    const list = new Uint32Array(count);
    const cursor = cursorOver(bytes);
    let index = 0;
    for (let i = 0; i < count; i++) {
      index += readVarint(cursor);
      list[i] = index;
    }
    if (cursor.failed || index >= this.records) throw this.damaged();
    return list;
  }

  /** Bytes of each span. Neighbours are read at once. */
  private readSpans(spans: readonly Span[]): Buffer[] {
    const found: Buffer[] = [];
    for (let from = 0; from < spans.length; ) {
      const start = (spans[from] as Span).offset;
      let to = from;
      let end = start;
      for (; to < spans.length; to++) {
        const { offset, bytes } = spans[to] as Span;
        if (offset < start || offset > end + READ_GAP_BYTES) break;
        end = Math.max(end, offset + bytes);
      }
      const all = this.read(start, end - start);
      for (const { offset, bytes } of spans.slice(from, to)) {
        found.push(all.subarray(offset - start, offset - start + bytes));
      }
      from = to;
    }
    return found;
  }

  /** `into`: used when it is long enough. */
  private read(offset: number, length: number, into: Buffer = NO_BYTES): Buffer {
    if (offset + length > this.fileBytes) throw this.damaged();
    if (offset + length <= this.head.length) return this.head.subarray(offset, offset + length);
    const bytes = length <= into.length ? into.subarray(0, length) : Buffer.allocUnsafe(length);
    if (readSync(this.file, bytes, 0, length, offset) !== length) throw this.damaged();
    return bytes;
  }

  private damaged(): StoreError {
    return new StoreError('damaged', `${this.path}: the index is damaged`);
  }
}

/** A part of the file. */
interface Span {
  readonly offset: number;
  readonly bytes: number;
}

const NO_BYTES: Buffer = Buffer.alloc(0);

/** Numbers below `limit` that are in any of the lists, ascending. A number is in one list at most. */
function union(lists: readonly Uint32Array[], limit: number): Uint32Array {
  const total = lists.reduce((sum, { length }) => sum + length, 0);
  const all = new Uint32Array(total);
  let at = 0;
  if (total <= limit * BITMAP_PART) {
    for (const list of lists) {
      all.set(list, at);
      at += list.length;
    }
    return all.sort();
  }
  const words = new Uint32Array((limit + 31) >>> 5);
  for (const list of lists) {
    for (const number of list) words[number >>> 5] = (words[number >>> 5] as number) | (1 << (number & 31));
  }
  for (let word = 0; word < words.length; word++) {
    for (let bits = words[word] as number; bits !== 0; bits &= bits - 1) {
      all[at++] = (word << 5) | (31 - Math.clz32(bits & -bits));
    }
  }
  return all.subarray(0, at);
}

/** Numbers that are in both lists; all ascending. */
export function intersection(a: Uint32Array, b: Uint32Array): Uint32Array {
  const both = new Uint32Array(Math.min(a.length, b.length));
  let length = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const left = a[i] as number;
    const right = b[j] as number;
    if (left === right) both[length++] = left;
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return both.subarray(0, length);
}
