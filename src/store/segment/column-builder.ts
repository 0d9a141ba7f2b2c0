/** Makes chunks of columns (`columns.ts`) of records, in order of `seq`. */
import { crc32 } from 'node:zlib';
import { ByteWriter } from './bytes.ts';
import {
  type AmountColumn,
  CHUNK_ROWS_MAX,
  COLUMNS,
  CRCS_OFFSET,
  HEADER_BYTES,
  HEADER_CRC_OFFSET,
  isAmount,
  LENGTH_OFFSET,
  MAGIC,
  type Packed,
  padded,
  WIDTHS_OFFSET,
  type WordColumn,
} from './columns.ts';

const WORD_MAX = 2 ** 32 - 1;

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
  chunk.writeUInt32LE(total, LENGTH_OFFSET);
  chunk.writeUInt32LE(errors.byteLength, 36);
  return chunk;
}
