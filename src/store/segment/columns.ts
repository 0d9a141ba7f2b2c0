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
import { cursorOver, readText } from './bytes.ts';

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

const COLUMN_SUFFIX = '.col';
export const CHUNK_ROWS_MAX = 65_536;

export const MAGIC = 0x31435457;
export const HEADER_BYTES = 112;
/** Where the header says how long the chunk is. */
export const LENGTH_OFFSET = 32;
export const WIDTHS_OFFSET = 40;
export const HEADER_CRC_OFFSET = 60;
export const CRCS_OFFSET = 64;
const ALIGNMENT = 8;

/** Path of the columns of a segment file. */
export function columnsPath(segmentPath: string): string {
  return segmentPath.replace(/\.db$/, '') + COLUMN_SUFFIX;
}

export type Packed = Uint8Array | Uint16Array | Uint32Array | Float64Array;

export function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

export function isAmount(name: ColumnName): name is AmountColumn {
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
/** Up to this part of a chunk's records, those that stand out are noted. */
const MARKED_PART = 1 / 32;
/** Holds nothing between two calls. */
const AFFECTED = new Float64Array(CHUNK_ROWS_MAX);

/** Whether the file has all of the chunk at `offset`: of one that is being added it may have the beginning only. */
export function isChunkThere(source: ChunkSource, offset: number): boolean {
  if (offset + HEADER_BYTES > source.length) return false;
  return offset + source.read(offset, HEADER_BYTES).readUInt32LE(LENGTH_OFFSET) <= source.length;
}

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
  private readonly bounds = new Map<ColumnName, number>();
  private readonly markedPlaces = new Map<WordColumn, Picked>();

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
    this.bytes = header.readUInt32LE(LENGTH_OFFSET);
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

  /** Places of the records whose word is not 0, ascending; `undefined` when they are not few. */
  marked(name: WordColumn): Picked | undefined {
    const known = this.markedPlaces.get(name);
    if (known !== undefined) return known.length > this.rows * MARKED_PART ? undefined : known;
    const packed = this.packed(name) ?? NO_AMOUNTS;
    // One more than are few tells that they are not.
    const places = new Uint16Array(Math.floor(this.rows * MARKED_PART) + 1);
    let count = 0;
    for (let i = 0; i < packed.length && count < places.length; i++) if (packed[i] !== 0) places[count++] = i;
    const marked = places.slice(0, count);
    this.markedPlaces.set(name, marked);
    return this.marked(name);
  }

  wordAt(name: WordColumn, place: number): number {
    return this.packed(name)?.[place] ?? 0;
  }

  /** Which of the picked records, or of all, have a word that is not 0: fills `into`, ascending, and gives their number. */
  markedAmong(name: WordColumn, into: Uint16Array, picked?: Picked): number {
    const marked = this.marked(name);
    if (marked !== undefined) return placesIn(marked, picked, into);
    const packed = this.packed(name) ?? NO_AMOUNTS;
    const count = picked?.length ?? this.rows;
    let found = 0;
    // Written whether it counts or not: there is nothing to predict then.
    for (let i = 0; i < count; i++) {
      into[found] = i;
      found += packed[picked === undefined ? i : (picked[i] as number)] === 0 ? 0 : 1;
    }
    return found;
  }

  /** `none`: for a record without one. */
  amounts(name: AmountColumn, into: Float64Array, picked?: Picked, none: number = Number.NaN): void {
    const packed = this.packed(name);
    const count = picked?.length ?? this.rows;
    if (packed === undefined) {
      into.fill(none, 0, count);
    } else if (packed instanceof Float64Array) {
      for (let i = 0; i < count; i++) {
        const amount = packed[picked === undefined ? i : (picked[i] as number)] as number;
        into[i] = Number.isNaN(amount) ? none : amount;
      }
    } else {
      for (let i = 0; i < count; i++) {
        const coded = packed[picked === undefined ? i : (picked[i] as number)] as number;
        into[i] = coded === 0 ? none : coded - 1;
      }
    }
  }

  /** Rows returned, or else affected; `none` where a record has neither. */
  moved(into: Float64Array, picked?: Picked, none: number = Number.NaN): void {
    if (this.isEmpty('returned')) {
      this.amounts('affected', into, picked, none);
      return;
    }
    if (this.isEmpty('affected')) {
      this.amounts('returned', into, picked, none);
      return;
    }
    this.amounts('returned', into, picked);
    this.amounts('affected', AFFECTED, picked, none);
    const count = picked?.length ?? this.rows;
    for (let i = 0; i < count; i++) if (Number.isNaN(into[i])) into[i] = AFFECTED[i] as number;
  }

  /** Sets a byte of `mask` for each of the picked records, or of all: what `allowed` has for its word. */
  testWords(name: WordColumn, allowed: Uint8Array, mask: Uint8Array, picked?: Picked): void {
    const packed = this.packed(name);
    const count = picked?.length ?? this.rows;
    if (packed === undefined) mask.fill(allowed[0] ?? 0, 0, count);
    else if (picked === undefined) for (let i = 0; i < count; i++) mask[i] = allowed[packed[i] as number] as number;
    else for (let i = 0; i < count; i++) mask[i] = allowed[packed[picked[i] as number] as number] as number;
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

  /** No word of the column is above it. */
  greatestWord(name: WordColumn): number {
    let greatest = this.bounds.get(name);
    if (greatest === undefined) {
      greatest = 0;
      const packed = this.packed(name) ?? NO_AMOUNTS;
      for (let i = 0; i < packed.length; i++) if ((packed[i] as number) > greatest) greatest = packed[i] as number;
      this.bounds.set(name, greatest);
    }
    return greatest;
  }

  /** What is thrown when the columns say what cannot be. */
  damage(): StoreError {
    return damaged(this.source.path);
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

/** Where among `picked` (all, when `undefined`) the `wanted` are, both ascending: fills `into` and gives their number. */
function placesIn(wanted: Picked, picked: Picked | undefined, into: Uint16Array): number {
  if (picked === undefined) {
    into.set(wanted);
    return wanted.length;
  }
  let found = 0;
  let low = 0;
  for (const place of wanted) {
    // Few are looked for among many: by halves.
    for (let high = picked.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((picked[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    if (picked[low] === place) into[found++] = low;
  }
  return found;
}

function damaged(path: string): StoreError {
  return new StoreError('damaged', `${path}: the columns are damaged`);
}
