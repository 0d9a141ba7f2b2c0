/**
 * Sums made when a segment is sealed (`000001.sum`), so that totals of millions of records take a millisecond. Records
 * are summed into cells by period, row of one small table, and outcome; a cell is as good as its records for questions
 * about whole periods and that table alone. What does not fit (`cells.ts`) is answered from the columns.
 *
 *   0   "WTS2", u32 tables, u32 bytes of the file, u32 CRC-32 of everything from byte 16 on
 *   16  per table: u32 1 when it is kept (too many cells are of no use), u32 cells; then eight columns (`CELL_COLUMNS`):
 *       u32 width, u32 zero, f64 base, and for each cell what to add to the base: 0 (width 0), an unsigned number of 1,
 *       2 or 4 bytes, or a double, padded to 8 bytes
 */

import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { HOUR_US, MINUTE_US } from '../../base/time.ts';
import { StoreError } from '../errors.ts';
import { SegmentSums } from '../totals/sums.ts';
import { narrowest } from './column-builder.ts';
import { CHUNK_ROWS_MAX } from './columns.ts';
import { writeWhole } from './files.ts';
import type { Dimension } from './postings.ts';
import type { ChunkView } from './view.ts';

const ROLLUP_SUFFIX = '.sum';

/** Path of the rollup of a segment file. */
export function rollupPath(segmentPath: string): string {
  return segmentPath.replace(/\.db$/, '') + ROLLUP_SUFFIX;
}

export interface RollupKind {
  readonly dimension: Dimension;
  readonly periodUs: number;
  /** Shapes of the same kind and operations stand together, under the lowest of their rows. */
  readonly operationsOnly: boolean;
}

/** The tables of a file, in order. */
export const ROLLUPS: readonly RollupKind[] = [
  { dimension: 'shape', periodUs: MINUTE_US, operationsOnly: true },
  { dimension: 'session', periodUs: HOUR_US, operationsOnly: false },
  { dimension: 'shape', periodUs: HOUR_US, operationsOnly: false },
  { dimension: 'verdict', periodUs: HOUR_US, operationsOnly: false },
];

/** A table is kept when it has at most this part of the records as cells. */
const CELLS_PART = 0.25;
/** Few records are summed in no time; below this many cells a table is kept in any case. */
const CELLS_MIN = 4096;

/** Of a cell: start of its period, row, 1 for failed records, and the sums. Times are microseconds since 1970. */
export const CELL_COLUMNS = ['period', 'row', 'failed', 'records', 'rows', 'durationUs', 'firstUs', 'lastUs'] as const;
export type CellColumn = (typeof CELL_COLUMNS)[number];
type CellWord = 'row' | 'failed';
/** In no order. */
export type Cells = Readonly<Record<CellWord, Uint32Array> & Record<Exclude<CellColumn, CellWord>, Float64Array>>;

const MAGIC = 0x32535457;
const HEADER_BYTES = 16;
const TABLE_HEADER_BYTES = 8;
const COLUMN_HEADER_BYTES = 16;
const ALIGNMENT = 8;
const WORD_MAX = 2 ** 32 - 1;

/** What is known of the records of a table before they are summed. */
export interface CellSource {
  readonly timeMinUs: number;
  readonly timeMaxUs: number;
  /** Highest row of the small table. */
  readonly rowMax: number;
  /** By row: the one under which its records are summed; `undefined`: itself. */
  readonly standsFor: Uint32Array | undefined;
}

const KEYS = new Float64Array(CHUNK_ROWS_MAX);

/** Sums records into the cells of one table. */
export class CellBuilder {
  private readonly kind: RollupKind;
  private readonly sums: SegmentSums;
  /** Number of the first period. */
  private readonly first: number;
  /** Rows of cells, and by row of a record the number of its cells' among them. */
  private readonly rows: Uint32Array;
  private readonly placeOf: Uint32Array;

  constructor(kind: RollupKind, { timeMinUs, timeMaxUs, rowMax, standsFor }: CellSource) {
    this.kind = kind;
    const own = new Uint32Array(rowMax + 1);
    for (let row = 0; row <= rowMax; row++) own[row] = row;
    this.rows = standsFor === undefined ? own : new Uint32Array(new Set(standsFor));
    this.placeOf = standsFor === undefined ? own : placesAmong(this.rows, standsFor);
    this.first = Math.floor(timeMinUs / kind.periodUs);
    // There is no time at all between the ends of some spans.
    const periods = Math.max(0, Math.floor(timeMaxUs / kind.periodUs) - this.first + 1);
    this.sums = new SegmentSums(periods * this.rows.length * 2);
  }

  add(view: ChunkView): void {
    const { kind, first, placeOf } = this;
    const { periodUs } = kind;
    const times = view.times();
    const errors = view.words('error');
    const rows = view.words(kind.dimension);
    const perPeriod = this.rows.length;
    // Records are nearly in order of time: most are of the period of the one before.
    let startUs = 0;
    let endUs = 0;
    let base = 0;
    for (let i = 0; i < view.rows; i++) {
      const timeUs = times[i] as number;
      if (timeUs < startUs || timeUs >= endUs) {
        const period = Math.floor(timeUs / periodUs);
        startUs = period * periodUs;
        endUs = startUs + periodUs;
        base = (period - first) * perPeriod;
      }
      const place = placeOf[rows[i] as number] as number;
      KEYS[i] = (base + place) * 2 + (errors[i] === 0 ? 0 : 1);
    }
    this.sums.add(view, KEYS);
  }

  /** Number of cells so far. */
  get count(): number {
    return this.sums.count;
  }

  cells(): Cells {
    const { sums, first, rows, kind } = this;
    const { count } = sums;
    const cells = emptyCells(count);
    for (let slot = 0; slot < count; slot++) {
      const key = sums.keyOf(slot);
      const place = Math.floor(key / 2);
      const period = Math.floor(place / rows.length);
      cells.failed[slot] = key - 2 * place;
      cells.row[slot] = rows[place - period * rows.length] as number;
      cells.period[slot] = (first + period) * kind.periodUs;
    }
    for (const name of ['records', 'rows', 'durationUs', 'firstUs', 'lastUs'] as const) {
      const column = cells[name];
      for (let slot = 0; slot < count; slot++) column[slot] = sums.of(slot, name);
    }
    return cells;
  }

  /** Ends the use of it. */
  release(): void {
    this.sums.release();
  }
}

function placesAmong(rows: Uint32Array, standsFor: Uint32Array): Uint32Array {
  const places = new Map(Array.from(rows, (row, place) => [row, place]));
  return standsFor.map((row) => places.get(row) ?? 0);
}

/** The file of a segment of so many records, of the tables that `builders` have summed up, in the order of `ROLLUPS`. */
export function encodeRollup(builders: readonly CellBuilder[], records: number): Buffer {
  const parts: Buffer[] = [];
  for (const builder of builders) {
    const kept = builder.count <= Math.max(CELLS_MIN, records * CELLS_PART);
    const header = Buffer.alloc(TABLE_HEADER_BYTES);
    header.writeUInt32LE(kept ? 1 : 0, 0);
    header.writeUInt32LE(kept ? builder.count : 0, 4);
    parts.push(header);
    if (kept) {
      const cells = builder.cells();
      for (const name of CELL_COLUMNS) parts.push(pack(cells[name]));
    }
    builder.release();
  }
  const body = Buffer.concat(parts);
  const file = Buffer.alloc(HEADER_BYTES + body.length);
  file.set(body, HEADER_BYTES);
  file.writeUInt32LE(MAGIC, 0);
  file.writeUInt32LE(ROLLUPS.length, 4);
  file.writeUInt32LE(file.length, 8);
  file.writeUInt32LE(crc32(body), 12);
  return file;
}

/** Room for so many cells. */
export function emptyCells(count: number): Cells {
  const column = (): Float64Array => new Float64Array(count);
  const times = { period: column(), firstUs: column(), lastUs: column() };
  const sums = { records: column(), rows: column(), durationUs: column() };
  return { ...times, ...sums, row: new Uint32Array(count), failed: new Uint32Array(count) };
}

/** As `emptyCells`, for who asks for nothing but rows, outcomes, records and what they moved: the rest is zero for good. */
export function countCells(count: number): Cells {
  if (zeros.length < count) zeros = new Float64Array(2 * count);
  const zero = zeros.subarray(0, count);
  const sums = { records: new Float64Array(count), rows: new Float64Array(count), durationUs: zero };
  const words = { row: new Uint32Array(count), failed: new Uint32Array(count) };
  return { period: zero, firstUs: zero, lastUs: zero, ...sums, ...words };
}

let zeros = new Float64Array(0);

function pack(values: Float64Array | Uint32Array): Buffer {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let whole = true;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
    whole &&= Number.isSafeInteger(value);
  }
  const narrow = whole && max - min <= WORD_MAX;
  const packed = narrow ? narrowest(values.length, max - min) : values;
  if (narrow) for (let i = 0; i < packed.length; i++) packed[i] = (values[i] as number) - min;
  const column = Buffer.alloc(COLUMN_HEADER_BYTES + padded(packed.byteLength));
  column.writeUInt32LE(packed.length === 0 ? 0 : packed.BYTES_PER_ELEMENT, 0);
  column.writeDoubleLE(narrow ? min : 0, 8);
  column.set(Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength), COLUMN_HEADER_BYTES);
  return column;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Throws `StoreError`. */
export function writeRollup(segmentPath: string, content: Buffer): void {
  writeWhole(rollupPath(segmentPath), [content]);
}

/** The tables of a segment, in the order of `ROLLUPS`; `undefined` for one that was not kept. */
export type Rollup = readonly (Cells | undefined)[];

/** Throws `StoreError` (`damaged`), and what `readFile` throws when there is none. */
export function readRollup(segmentPath: string): Rollup {
  const path = rollupPath(segmentPath);
  const bytes = readFileSync(path);
  const valid =
    bytes.length >= HEADER_BYTES &&
    bytes.readUInt32LE(0) === MAGIC &&
    bytes.readUInt32LE(4) === ROLLUPS.length &&
    bytes.readUInt32LE(8) === bytes.length &&
    bytes.readUInt32LE(12) === crc32(bytes.subarray(HEADER_BYTES));
  if (!valid) throw new StoreError('damaged', `${path}: the sums are damaged`);
  const reader = new RollupReader(bytes);
  return ROLLUPS.map(() => reader.table());
}

/** The check sum holds, so the lengths inside are those that were written. */
class RollupReader {
  private readonly bytes: Buffer;
  private pos = HEADER_BYTES;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  table(): Cells | undefined {
    const kept = this.bytes.readUInt32LE(this.pos) === 1;
    const count = this.bytes.readUInt32LE(this.pos + 4);
    this.pos += TABLE_HEADER_BYTES;
    if (!kept) return undefined;
    const cells = emptyCells(count);
    for (const name of CELL_COLUMNS) this.column(cells[name]);
    return cells;
  }

  private column(into: Float64Array | Uint32Array): void {
    const { bytes } = this;
    const width = bytes.readUInt32LE(this.pos);
    const base = bytes.readDoubleLE(this.pos + 8);
    const start = this.pos + COLUMN_HEADER_BYTES;
    this.pos = start + padded(width * into.length);
    for (let i = 0; i < into.length; i++) {
      const at = start + i * width;
      into[i] = base + (width === 0 ? 0 : width === 8 ? bytes.readDoubleLE(at) : bytes.readUIntLE(at, width));
    }
  }
}
