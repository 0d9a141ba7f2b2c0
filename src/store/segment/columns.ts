/**
 * What aggregates need of every record, as columns: a projection of a segment's rows that is read many millions of
 * values a second. `000001.col` beside a segment is a row of chunks of up to 65,536 records, each checked by itself.
 * Made from the rows and made again when it is missing or damaged; never the only place of anything.
 *
 * A chunk (all numbers little-endian, columns padded to 8 bytes):
 *
 *   0   "WTC1", u32 records, f64 first seq, f64 lowest time, f64 highest time
 *   32  u32 bytes of the whole chunk, u32 bytes of the error codes
 *   40  per column: u8 width (0: all zero; 1, 2, 4: unsigned; 8: double), padded to 56
 *   56  u32 zero, u32 CRC-32 of bytes 0 to 59
 *   64  per column: u32 CRC-32 of its bytes, in the order of `COLUMNS`; then one of the error codes; padded to 112
 *   112 the columns, then the error codes: texts one after the other
 */
import { crc32 } from 'node:zlib';
import { StoreError } from '../errors.ts';
import type { AmountTest } from './amount-test.ts';
import { ByteWriter, cursorOver, readText } from './bytes.ts';

/**
 * `error`: 0 without one, else a number of the chunk's list of codes. `identity`: 32 bits of the id. The others are
 * the columns of `record`.
 */
export const COLUMNS = [
  'time',
  'session',
  'shape',
  'verdict',
  'error',
  'marks',
  'identity',
  'duration',
  'returned',
  'affected',
] as const;
export type ColumnName = (typeof COLUMNS)[number];
/** Columns of whole numbers below 2^32. */
export type WordColumn = Exclude<ColumnName, 'time' | AmountColumn>;
/** Columns of numbers that may be absent: NaN then. */
export type AmountColumn = 'duration' | 'returned' | 'affected';

export const COLUMN_SUFFIX = '.col';
export const CHUNK_ROWS_MAX = 65_536;

const MAGIC = 0x31435457;
const HEADER_BYTES = 112;
const WIDTHS_OFFSET = 40;
const HEADER_CRC_OFFSET = 60;
const CRCS_OFFSET = 64;
const ALIGNMENT = 8;
const WORD_MAX = 2 ** 32 - 1;

/** Path of the columns of a segment file. */
export function columnsPath(segmentPath: string): string {
  return segmentPath.replace(/\.db$/, '') + COLUMN_SUFFIX;
}

/** A record as its columns; `null` for what it does not have. */
export interface ColumnRow {
  readonly timeUs: number;
  readonly session: number;
  readonly shape: number;
  readonly verdict: number | null;
  readonly errorCode: string | null;
  readonly marks: number;
  readonly id: Uint8Array | string;
  readonly duration: number | null;
  readonly returned: number | null;
  readonly affected: number | null;
}

/**
 * 32 bits of an id, by which records are looked up: of its beginning, which the records of a session share, and of its
 * end, which tells them apart.
 */
export function identityOf(id: Uint8Array | string): number {
  if (typeof id === 'string') return crc32(id);
  return id.length < 4 ? 0 : (wordAt(id, 0) ^ wordAt(id, id.length - 4)) >>> 0;
}

/** Four bytes that are there, as a signed word. */
function wordAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16);
  return high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
}

/** Collects records, in order of `seq`, into one chunk. */
export class ColumnBuilder {
  rows = 0;
  private readonly times = new Float64Array(CHUNK_ROWS_MAX);
  private readonly words: Readonly<Record<WordColumn, Uint32Array>> = {
    session: new Uint32Array(CHUNK_ROWS_MAX),
    shape: new Uint32Array(CHUNK_ROWS_MAX),
    verdict: new Uint32Array(CHUNK_ROWS_MAX),
    error: new Uint32Array(CHUNK_ROWS_MAX),
    marks: new Uint32Array(CHUNK_ROWS_MAX),
    identity: new Uint32Array(CHUNK_ROWS_MAX),
  };
  private readonly amounts: Readonly<Record<AmountColumn, Float64Array>> = {
    duration: new Float64Array(CHUNK_ROWS_MAX),
    returned: new Float64Array(CHUNK_ROWS_MAX),
    affected: new Float64Array(CHUNK_ROWS_MAX),
  };
  private readonly errors = new Map<string, number>();

  get full(): boolean {
    return this.rows === CHUNK_ROWS_MAX;
  }

  add(row: ColumnRow): void {
    const at = this.rows++;
    const { words, amounts } = this;
    this.times[at] = row.timeUs;
    words.session[at] = row.session;
    words.shape[at] = row.shape;
    words.verdict[at] = row.verdict ?? 0;
    words.error[at] = row.errorCode === null ? 0 : this.errorNumber(row.errorCode);
    words.marks[at] = row.marks;
    words.identity[at] = identityOf(row.id);
    amounts.duration[at] = row.duration ?? Number.NaN;
    amounts.returned[at] = row.returned ?? Number.NaN;
    amounts.affected[at] = row.affected ?? Number.NaN;
  }

  /** The chunk's bytes; further records can be added after that. */
  encode(firstSeq: number): Buffer {
    const { rows } = this;
    const times = this.times.subarray(0, rows);
    const timeMin = times.reduce((min, time) => Math.min(min, time), Number.POSITIVE_INFINITY);
    const timeMax = times.reduce((max, time) => Math.max(max, time), Number.NEGATIVE_INFINITY);
    const columns = COLUMNS.map((name) => {
      if (name === 'time') return packTimes(times, timeMin, timeMax);
      return isAmount(name)
        ? packAmounts(this.amounts[name].subarray(0, rows))
        : packWords(this.words[name].subarray(0, rows));
    });
    const errors = new ByteWriter(256);
    for (const code of this.errors.keys()) errors.text(code);
    const chunk = assemble(columns, errors.bytes.subarray(0, errors.pos));
    chunk.writeUInt32LE(rows, 4);
    chunk.writeDoubleLE(firstSeq, 8);
    chunk.writeDoubleLE(timeMin, 16);
    chunk.writeDoubleLE(timeMax, 24);
    chunk.writeUInt32LE(crc32(chunk.subarray(0, HEADER_CRC_OFFSET)), HEADER_CRC_OFFSET);
    return chunk;
  }

  /** Starts the next chunk. */
  clear(): void {
    this.rows = 0;
    this.errors.clear();
  }

  private errorNumber(code: string): number {
    let number = this.errors.get(code);
    if (number === undefined) {
      number = this.errors.size + 1;
      this.errors.set(code, number);
    }
    return number;
  }
}

type Packed = Uint8Array | Uint16Array | Uint32Array | Float64Array;

function packTimes(times: Float64Array, timeMin: number, timeMax: number): Packed {
  if (timeMax - timeMin > WORD_MAX) return times.slice();
  const offsets = narrowest(times.length, timeMax - timeMin);
  for (let i = 0; i < offsets.length; i++) offsets[i] = (times[i] as number) - timeMin;
  return offsets;
}

function packWords(words: Uint32Array): Packed {
  const packed = narrowest(
    words.length,
    words.reduce((max, word) => Math.max(max, word), 0),
  );
  packed.set(words.subarray(0, packed.length));
  return packed;
}

/** One more than each number, 0 where there is none; as they are when that does not fit a word. */
function packAmounts(amounts: Float64Array): Packed {
  let max = 0;
  for (let i = 0; i < amounts.length; i++) {
    const amount = amounts[i] as number;
    if (Number.isNaN(amount)) continue;
    if (!Number.isInteger(amount) || amount < 0 || amount >= WORD_MAX) return amounts.slice();
    if (amount + 1 > max) max = amount + 1;
  }
  const packed = narrowest(amounts.length, max);
  for (let i = 0; i < packed.length; i++) {
    const amount = amounts[i] as number;
    packed[i] = Number.isNaN(amount) ? 0 : amount + 1;
  }
  return packed;
}

/** Room for numbers from 0 to `max`; none when all are 0. */
export function narrowest(length: number, max: number): Uint8Array | Uint16Array | Uint32Array {
  if (max === 0) return new Uint8Array(0);
  if (max < 2 ** 8) return new Uint8Array(length);
  return max < 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length);
}

/** Puts header and columns together; the caller fills in what the header says of the records. */
function assemble(columns: readonly Packed[], errors: Uint8Array): Buffer {
  const parts = [...columns.map((packed) => Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)), errors];
  const total = parts.reduce((sum, part) => sum + padded(part.byteLength), HEADER_BYTES);
  const chunk = Buffer.alloc(total);
  let offset = HEADER_BYTES;
  for (const [i, part] of parts.entries()) {
    chunk.set(part, offset);
    chunk.writeUInt32LE(crc32(part), CRCS_OFFSET + i * 4);
    offset += padded(part.byteLength);
  }
  for (const [i, packed] of columns.entries())
    chunk[WIDTHS_OFFSET + i] = packed.length === 0 ? 0 : packed.BYTES_PER_ELEMENT;
  chunk.writeUInt32LE(MAGIC, 0);
  chunk.writeUInt32LE(total, 32);
  chunk.writeUInt32LE(errors.byteLength, 36);
  return chunk;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function isAmount(name: ColumnName): name is AmountColumn {
  return name === 'duration' || name === 'returned' || name === 'affected';
}

/** Places of records within a chunk, ascending: below `CHUNK_ROWS_MAX`. */
export type Picked = Uint16Array;

/** Bytes that chunks lie in: a file, or memory. */
export interface ChunkSource {
  readonly path: string;
  readonly length: number;
  /** Exactly that many bytes, aligned to 8. Throws `StoreError` (`damaged`) when they are not there. */
  read(offset: number, length: number): Buffer;
  /** Whether that many bytes that were read may be kept in memory for the next question. */
  mayKeep(bytes: number): boolean;
}

const NO_AMOUNTS = new Uint8Array(0);

/** One chunk, read column by column as needed. */
export class ColumnChunk {
  readonly firstSeq: number;
  readonly rows: number;
  readonly timeMinUs: number;
  readonly timeMaxUs: number;
  /** Of the whole chunk. */
  readonly bytes: number;
  private readonly source: ChunkSource;
  private readonly offset: number;
  private readonly header: Buffer;
  private codes: readonly string[] | undefined = undefined;
  private readonly kept = new Map<ColumnName, Packed>();
  private readonly bounds = new Map<AmountColumn, number>();

  /** Throws `StoreError` (`damaged`). */
  constructor(source: ChunkSource, offset: number) {
    this.source = source;
    this.offset = offset;
    const header = source.read(offset, HEADER_BYTES);
    this.header = header;
    this.rows = header.readUInt32LE(4);
    this.firstSeq = header.readDoubleLE(8);
    this.timeMinUs = header.readDoubleLE(16);
    this.timeMaxUs = header.readDoubleLE(24);
    this.bytes = header.readUInt32LE(32);
    const valid =
      header.readUInt32LE(0) === MAGIC &&
      header.readUInt32LE(HEADER_CRC_OFFSET) === crc32(header.subarray(0, HEADER_CRC_OFFSET)) &&
      this.rows > 0 &&
      this.rows <= CHUNK_ROWS_MAX &&
      this.bytes >= HEADER_BYTES &&
      offset + this.bytes <= source.length;
    if (!valid) throw damaged(source.path);
  }

  /** Reads all of it. Throws `StoreError` (`damaged`). */
  check(): void {
    for (const name of COLUMNS) if (!this.isEmpty(name)) this.packed(name);
    this.errorCodes();
  }

  /** Reads all of it and keeps it for later questions; false when the source has no room. Throws `StoreError` (`damaged`). */
  keep(): boolean {
    this.check();
    return COLUMNS.every((name) => this.isEmpty(name) || this.kept.has(name));
  }

  /** Whether no record has anything in this column. */
  isEmpty(name: ColumnName): boolean {
    return this.width(name) === 0;
  }

  /** Error codes by number less 1. */
  errorCodes(): readonly string[] {
    if (this.codes === undefined) {
      const cursor = cursorOver(this.part(COLUMNS.length, this.header.readUInt32LE(36)));
      const codes: string[] = [];
      while (cursor.remaining() > 0) codes.push(readText(cursor));
      if (cursor.failed) throw damaged(this.source.path);
      this.codes = codes;
    }
    return this.codes;
  }

  /** Times of the picked records (places within the chunk), or of all. */
  times(into: Float64Array, picked?: Picked): void {
    const packed = this.packed('time');
    const { timeMinUs } = this;
    const count = picked?.length ?? this.rows;
    if (packed === undefined) {
      into.fill(timeMinUs, 0, count);
      return;
    }
    const baseUs = packed instanceof Float64Array ? 0 : timeMinUs;
    if (picked === undefined) for (let i = 0; i < count; i++) into[i] = baseUs + (packed[i] as number);
    else for (let i = 0; i < count; i++) into[i] = baseUs + (packed[picked[i] as number] as number);
  }

  words(name: WordColumn, into: Uint32Array, picked?: Picked): void {
    const packed = this.packed(name);
    const count = picked?.length ?? this.rows;
    if (packed === undefined) into.fill(0, 0, count);
    else if (picked === undefined) into.set(packed);
    else for (let i = 0; i < count; i++) into[i] = packed[picked[i] as number] as number;
  }

  amounts(name: AmountColumn, into: Float64Array, picked?: Picked): void {
    const packed = this.packed(name);
    const count = picked?.length ?? this.rows;
    if (packed === undefined) {
      into.fill(Number.NaN, 0, count);
    } else if (packed instanceof Float64Array) {
      for (let i = 0; i < count; i++) into[i] = packed[picked === undefined ? i : (picked[i] as number)] as number;
    } else {
      for (let i = 0; i < count; i++) {
        const coded = packed[picked === undefined ? i : (picked[i] as number)] as number;
        into[i] = coded === 0 ? Number.NaN : coded - 1;
      }
    }
  }

  /** Sets a byte of `mask` for each of the picked records, or of all; false when the amounts are not packed enough for it. */
  testAmounts(name: AmountColumn, test: AmountTest, mask: Uint8Array, picked?: Picked): boolean {
    const packed = this.packed(name);
    if (!(packed instanceof Uint8Array || packed instanceof Uint16Array)) return false;
    const table = test.tableOf(2 ** (8 * packed.BYTES_PER_ELEMENT));
    const count = picked?.length ?? this.rows;
    if (picked === undefined) for (let i = 0; i < count; i++) mask[i] = table[packed[i] as number] as number;
    else for (let i = 0; i < count; i++) mask[i] = table[packed[picked[i] as number] as number] as number;
    return true;
  }

  /** No amount of the column is above it; negative infinity when there is none. */
  greatest(name: AmountColumn): number {
    let greatest = this.bounds.get(name);
    if (greatest === undefined) {
      const packed = this.packed(name) ?? NO_AMOUNTS;
      greatest = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < packed.length; i++) if ((packed[i] as number) > greatest) greatest = packed[i] as number;
      // Packed amounts are one more than they are, and 0 for none.
      if (!(packed instanceof Float64Array)) greatest = greatest > 0 ? greatest - 1 : Number.NEGATIVE_INFINITY;
      this.bounds.set(name, greatest);
    }
    return greatest;
  }

  private width(name: ColumnName): number {
    return this.header[WIDTHS_OFFSET + COLUMNS.indexOf(name)] as number;
  }

  /** Checked when first read, and kept as long as the source has room for it. */
  private packed(name: ColumnName): Packed | undefined {
    const width = this.width(name);
    if (width === 0) return undefined;
    const kept = this.kept.get(name);
    if (kept !== undefined) return kept;
    const packed = this.readPacked(name, width);
    if (this.source.mayKeep(packed.byteLength)) this.kept.set(name, packed);
    return packed;
  }

  private readPacked(name: ColumnName, width: number): Packed {
    const bytes = this.part(COLUMNS.indexOf(name), width * this.rows);
    const { buffer, byteOffset } = bytes;
    if (width === 1) return bytes;
    if (width === 2) return new Uint16Array(buffer, byteOffset, this.rows);
    if (width === 4) return new Uint32Array(buffer, byteOffset, this.rows);
    if (width === 8) return new Float64Array(buffer, byteOffset, this.rows);
    throw damaged(this.source.path);
  }

  /** Part number `index` (the columns, then the error codes), checked. */
  private part(index: number, length: number): Buffer {
    let offset = HEADER_BYTES;
    for (let i = 0; i < index; i++) offset += padded((this.header[WIDTHS_OFFSET + i] as number) * this.rows);
    if (offset + length > this.bytes) throw damaged(this.source.path);
    const bytes = this.source.read(this.offset + offset, length);
    if (crc32(bytes) !== this.header.readUInt32LE(CRCS_OFFSET + index * 4)) throw damaged(this.source.path);
    return bytes;
  }
}

function damaged(path: string): StoreError {
  return new StoreError('damaged', `${path}: the columns are damaged`);
}
