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
import { narrowest } from './columns.ts';
import { StoreError } from './errors.ts';
import { writeWhole } from './files.ts';
import type { Dimension } from './postings.ts';
import { SegmentSums } from './sums.ts';
import { type ChunkView, MINUTE_US } from './view.ts';

export const ROLLUP_SUFFIX = '.sum';

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

const HOUR_US = 60 * MINUTE_US;

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
const CELL_COLUMNS = ['period', 'row', 'failed', 'records', 'rows', 'durationUs', 'firstUs', 'lastUs'] as const;
type CellColumn = (typeof CELL_COLUMNS)[number];
export type Cells = Readonly<Record<CellColumn, Float64Array>>;

const MAGIC = 0x32535457;
const HEADER_BYTES = 16;
const TABLE_HEADER_BYTES = 8;
const COLUMN_HEADER_BYTES = 16;
const ALIGNMENT = 8;
const WORD_MAX = 2 ** 32 - 1;

/** What a rollup is made of. */
export interface RollupSource {
  readonly timeMinUs: number;
  readonly timeMaxUs: number;
  readonly rows: number;
  /** Highest row of each small table. */
  readonly rowMax: Readonly<Record<Dimension, number>>;
  /** By shape row: the lowest row of the same kind and operations. */
  readonly sameOperations: Uint32Array;
}

/** Takes the chunks of a segment, one after the other. */
export class RollupBuilder {
  private readonly source: RollupSource;
  private readonly tables: readonly { readonly kind: RollupKind; readonly sums: SegmentSums; readonly first: number }[];
  private readonly keys: Float64Array;

  constructor(source: RollupSource, chunkRows: number) {
    this.source = source;
    this.keys = new Float64Array(chunkRows);
    this.tables = ROLLUPS.map((kind) => {
      const first = Math.floor(source.timeMinUs / kind.periodUs);
      const periods = Math.floor(source.timeMaxUs / kind.periodUs) - first + 1;
      const keyCount = periods * (source.rowMax[kind.dimension] + 1) * 2;
      return { kind, first, sums: new SegmentSums(keyCount, chunkRows) };
    });
  }

  add(view: ChunkView): void {
    const times = view.times();
    const errors = view.words('error');
    const { sameOperations, rowMax } = this.source;
    for (const { kind, sums, first } of this.tables) {
      const { periodUs, operationsOnly } = kind;
      const rows = view.words(kind.dimension);
      const size = rowMax[kind.dimension] + 1;
      for (let i = 0; i < view.rows; i++) {
        const row = rows[i] as number;
        const place = operationsOnly ? (sameOperations[row] as number) : row;
        const period = Math.floor((times[i] as number) / periodUs) - first;
        this.keys[i] = (period * size + place) * 2 + (errors[i] === 0 ? 0 : 1);
      }
      sums.add(view, this.keys);
    }
  }

  /** The file's content. */
  encode(): Buffer {
    const parts: Buffer[] = [];
    for (const { kind, sums, first } of this.tables) {
      const used = [...sums.used()];
      const kept = used.length <= Math.max(CELLS_MIN, this.source.rows * CELLS_PART);
      const header = Buffer.alloc(TABLE_HEADER_BYTES);
      header.writeUInt32LE(kept ? 1 : 0, 0);
      header.writeUInt32LE(kept ? used.length : 0, 4);
      parts.push(header);
      if (!kept) continue;
      const cells = cellsOf(used, sums, kind, first, this.source.rowMax[kind.dimension] + 1);
      for (const name of CELL_COLUMNS) parts.push(pack(cells[name]));
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
}

function cellsOf(
  used: readonly (readonly [slot: number, key: number])[],
  { sums }: SegmentSums,
  { periodUs }: RollupKind,
  first: number,
  size: number,
): Cells {
  const cells = emptyCells(used.length);
  for (const [i, [slot, key]] of used.entries()) {
    const place = Math.floor(key / 2);
    const period = Math.floor(place / size);
    cells.failed[i] = key % 2;
    cells.row[i] = place - period * size;
    cells.period[i] = (first + period) * periodUs;
    for (const name of ['records', 'rows', 'durationUs', 'firstUs', 'lastUs'] as const) {
      cells[name][i] = sums[name][slot] as number;
    }
  }
  return cells;
}

function emptyCells(count: number): Cells {
  const column = (): Float64Array => new Float64Array(count);
  const times = { period: column(), firstUs: column(), lastUs: column() };
  const sums = { records: column(), rows: column(), durationUs: column() };
  return { ...times, ...sums, row: column(), failed: column() };
}

function pack(values: Float64Array): Buffer {
  const min = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const max = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const narrow = max - min <= WORD_MAX && values.every((value) => Number.isSafeInteger(value));
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

  private column(into: Float64Array): void {
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
