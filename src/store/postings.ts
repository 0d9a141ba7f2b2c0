/**
 * The index beside a sealed segment (`000001.aix`): for every row of the segment's session, shape and verdict tables,
 * which records refer to it. Those small tables are the dictionary: a user, a network or a pattern is looked for there,
 * exactly, and the rows found name the postings to read. Written once, never changed; made again from the rows when it
 * is missing or damaged, and checked before it is believed. All numbers are little-endian.
 *
 *   0   "AIX1", u32 version, u32 records, u32 dimensions, f64 first seq, f64 file bytes
 *   32  per dimension: u32 keys, u32 directory offset          60  u32 CRC-32 of bytes 0 to 59
 *   64  directories: per key (row 1 first) u32 offset, u32 bytes, u32 count, u32 CRC-32 of these twelve bytes and the list
 *   …   lists: varints, the first the index of a record (`seq` minus first seq), then the differences
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { ByteWriter, cursorOver, readVarint } from './bytes.ts';
import { StoreError } from './errors.ts';
import { writeWhole } from './files.ts';

export const DIMENSIONS = ['session', 'shape', 'verdict'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export const INDEX_SUFFIX = '.aix';

const MAGIC = 0x31584941;
const VERSION = 1;
const HEADER_BYTES = 64;
const HEADER_CRC_OFFSET = 60;
const DIMENSION_OFFSET = 32;
const ENTRY_BYTES = 16;
const ENTRY_CHECKED_BYTES = 12;

/** Per record, in order of `seq`: its row of each dimension, 0 for none. */
export type PostingColumns = Readonly<Record<Dimension, Uint32Array>>;

/** Path of the index of a segment file. */
export function indexPath(segmentPath: string): string {
  return segmentPath.replace(/\.db$/, '') + INDEX_SUFFIX;
}

/** Writes the index so that it is there whole or not at all. Throws `StoreError`. */
export function writePostings(path: string, firstSeq: number, columns: PostingColumns): void {
  writeWhole(path, [encodePostings(firstSeq, columns)]);
}

function encodePostings(firstSeq: number, columns: PostingColumns): Uint8Array {
  const records = columns.session.length;
  const keyCounts = DIMENSIONS.map((dimension) => columns[dimension].reduce((max, row) => Math.max(max, row), 0));
  const directoryBytes = keyCounts.reduce((sum, keys) => sum + keys * ENTRY_BYTES, 0);
  const out = new ByteWriter(HEADER_BYTES + directoryBytes + records * DIMENSIONS.length * 2 + 64);
  out.pos = HEADER_BYTES + directoryBytes;
  let directory = HEADER_BYTES;
  const directories: number[] = [];
  for (const [i, dimension] of DIMENSIONS.entries()) {
    directories.push(directory);
    const keys = keyCounts[i] ?? 0;
    writeLists(out, columns[dimension], keys, directory);
    directory += keys * ENTRY_BYTES;
  }
  const header = out.bytes;
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(VERSION, 4);
  header.writeUInt32LE(records, 8);
  header.writeUInt32LE(DIMENSIONS.length, 12);
  header.writeDoubleLE(firstSeq, 16);
  header.writeDoubleLE(out.pos, 24);
  for (const [i, keys] of keyCounts.entries()) {
    header.writeUInt32LE(keys, DIMENSION_OFFSET + i * 8);
    header.writeUInt32LE(directories[i] ?? 0, DIMENSION_OFFSET + i * 8 + 4);
  }
  header.fill(0, DIMENSION_OFFSET + DIMENSIONS.length * 8, HEADER_CRC_OFFSET);
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

/** An index opened for reading. Its file is read as needed, never as a whole. */
export class PostingIndex {
  private readonly path: string;
  private readonly file: number;
  private readonly records: number;
  private readonly fileBytes: number;
  private readonly keys: Record<Dimension, number> = { session: 0, shape: 0, verdict: 0 };
  private readonly directories: Record<Dimension, number> = { session: 0, shape: 0, verdict: 0 };

  /** `records` and `firstSeq` are the segment's: an index of anything else is refused. Throws `StoreError` (`damaged`). */
  constructor(path: string, firstSeq: number, records: number) {
    this.path = path;
    this.records = records;
    this.file = openSync(path, 'r');
    try {
      this.fileBytes = fstatSync(this.file).size;
      const header = this.read(0, HEADER_BYTES);
      const valid =
        header.readUInt32LE(HEADER_CRC_OFFSET) === crc32(header.subarray(0, HEADER_CRC_OFFSET)) &&
        header.readUInt32LE(0) === MAGIC &&
        header.readUInt32LE(4) === VERSION &&
        header.readUInt32LE(8) === records &&
        header.readUInt32LE(12) === DIMENSIONS.length &&
        header.readDoubleLE(16) === firstSeq &&
        header.readDoubleLE(24) === this.fileBytes;
      if (!valid) throw this.damaged();
      for (const [i, dimension] of DIMENSIONS.entries()) {
        this.keys[dimension] = header.readUInt32LE(DIMENSION_OFFSET + i * 8);
        this.directories[dimension] = header.readUInt32LE(DIMENSION_OFFSET + i * 8 + 4);
      }
    } catch (error) {
      closeSync(this.file);
      throw error;
    }
  }

  close(): void {
    closeSync(this.file);
  }

  /** How many records refer to the rows (ascending numbers), by the directory's word: for planning, not for answers. */
  estimate(dimension: Dimension, rows: readonly number[]): number {
    const directory = this.directoryOf(dimension, rows);
    let total = 0;
    for (const row of rows) if (row <= this.keys[dimension]) total += directory(row).readUInt32LE(8);
    return total;
  }

  /** Indexes of the records that refer to one of the rows (ascending numbers), ascending. Throws `StoreError` (`damaged`). */
  indexes(dimension: Dimension, rows: readonly number[]): Uint32Array {
    const directory = this.directoryOf(dimension, rows);
    const lists: Uint32Array[] = [];
    let total = 0;
    for (const row of rows) {
      if (row > this.keys[dimension]) continue;
      const list = this.list(directory(row));
      total += list.length;
      lists.push(list);
    }
    const [only] = lists;
    if (lists.length === 1 && only !== undefined) return only;
    const all = new Uint32Array(total);
    let at = 0;
    for (const list of lists) {
      all.set(list, at);
      at += list.length;
    }
    return all.sort();
  }

  /** Reads the part of a directory that covers the rows, at once. */
  private directoryOf(dimension: Dimension, rows: readonly number[]): (row: number) => Buffer {
    const first = rows[0] ?? 1;
    const last = Math.min(rows.at(-1) ?? 0, this.keys[dimension]);
    const start = this.directories[dimension] + (first - 1) * ENTRY_BYTES;
    const entries = last < first ? Buffer.alloc(0) : this.read(start, (last - first + 1) * ENTRY_BYTES);
    return (row) => entries.subarray((row - first) * ENTRY_BYTES, (row - first + 1) * ENTRY_BYTES);
  }

  private list(entry: Buffer): Uint32Array {
    const bytes = this.read(entry.readUInt32LE(0), entry.readUInt32LE(4));
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

  private read(offset: number, length: number): Buffer {
    if (offset + length > this.fileBytes) throw this.damaged();
    const bytes = Buffer.allocUnsafe(length);
    if (readSync(this.file, bytes, 0, length, offset) !== length) throw this.damaged();
    return bytes;
  }

  private damaged(): StoreError {
    return new StoreError('damaged', `${this.path}: the index is damaged`);
  }
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
