/** Where the chunks of `columns.ts` lie: in the file beside a sealed segment, or in memory, made from its rows. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type ChunkSource, ColumnBuilder, ColumnChunk, type ColumnRow, columnsPath } from './columns.ts';
import { StoreError } from './errors.ts';
import { writeWhole } from './files.ts';
import type { SegmentReader } from './rows.ts';

/** The chunks of a segment, oldest records first. */
export interface SegmentColumns {
  readonly chunks: readonly ColumnChunk[];
  close(): void;
}

/** What a chunk is made of, in the order in which `rowOf` takes it. */
export const COLUMN_SQL = `SELECT seq, time_us, session_row, shape_row, verdict_row, error_code, marks, id, duration_us,
  returned_rows, affected_rows FROM record`;

export type ColumnTuple = readonly [
  seq: number,
  timeUs: number,
  session: number,
  shape: number,
  verdict: number | null,
  errorCode: string | null,
  marks: number,
  id: Uint8Array | string,
  duration: number | null,
  returned: number | null,
  affected: number | null,
];

export function rowOf(tuple: ColumnTuple): ColumnRow {
  const [, timeUs, session, shape, verdict, errorCode, marks, id, duration, returned, affected] = tuple;
  return { timeUs, session, shape, verdict, errorCode, marks, id, duration, returned, affected };
}

/** Writes the columns so that they are there whole or not at all. Throws `StoreError`. */
export function writeColumns(path: string, chunks: readonly Buffer[]): void {
  writeWhole(path, chunks);
}

/** How much of their columns the segments of one reader may keep in memory together. */
export class ColumnBudget {
  private left: number;

  constructor(bytes: number) {
    this.left = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.left += bytes;
  }
}

class FileSource implements ChunkSource {
  readonly path: string;
  readonly length: number;
  private readonly file: number;
  private readonly budget: ColumnBudget;
  private keptBytes = 0;

  constructor(path: string, budget: ColumnBudget) {
    this.path = path;
    this.budget = budget;
    this.file = openSync(path, 'r');
    this.length = fstatSync(this.file).size;
  }

  read(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length);
    const whole = offset + length <= this.length && readSync(this.file, bytes, 0, length, offset) === length;
    if (!whole) throw new StoreError('damaged', `${this.path}: the columns are damaged`);
    return bytes;
  }

  mayKeep(bytes: number): boolean {
    const may = this.budget.take(bytes);
    if (may) this.keptBytes += bytes;
    return may;
  }

  close(): void {
    this.budget.giveBack(this.keptBytes);
    closeSync(this.file);
  }
}

/**
 * Opens the columns of a sealed segment: of exactly `rows` records from `firstSeq` on. Throws `StoreError` (`damaged`),
 * and what `open` throws when there are none.
 */
export function openColumns(segmentPath: string, firstSeq: number, rows: number, budget: ColumnBudget): SegmentColumns {
  const source = new FileSource(columnsPath(segmentPath), budget);
  try {
    const chunks: ColumnChunk[] = [];
    let seq = firstSeq;
    for (let offset = 0; offset < source.length; ) {
      const chunk = new ColumnChunk(source, offset);
      if (chunk.firstSeq !== seq) break;
      chunks.push(chunk);
      seq += chunk.rows;
      offset += chunk.bytes;
    }
    if (seq !== firstSeq + rows) throw new StoreError('damaged', `${source.path}: the columns are damaged`);
    return { chunks, close: () => source.close() };
  } catch (error) {
    source.close();
    throw error;
  }
}

/** The columns of a segment that has no file of them (yet), made from its rows; grows with the segment. */
export class RowColumns implements SegmentColumns {
  chunks: readonly ColumnChunk[] = [];
  private readonly path: string;
  private readonly complete: ColumnChunk[] = [];
  private readonly tail = new ColumnBuilder();
  private nextSeq: number;

  constructor(path: string, firstSeq: number) {
    this.path = path;
    this.nextSeq = firstSeq;
  }

  /** Takes in what was written since. */
  refresh(segment: SegmentReader): void {
    const last = segment.firstSeq + segment.facts.rows - 1;
    if (last < this.nextSeq) return;
    const sql = `${COLUMN_SQL} WHERE seq BETWEEN ? AND ? ORDER BY seq`;
    for (const tuple of segment.tuples<ColumnTuple>(sql, [this.nextSeq, last])) {
      if (tuple[0] !== this.nextSeq) throw new StoreError('damaged', `${this.path}: record ${this.nextSeq} is missing`);
      this.tail.add(rowOf(tuple));
      this.nextSeq++;
      if (!this.tail.full) continue;
      this.complete.push(this.chunkOfTail());
      this.tail.clear();
    }
    this.chunks = this.tail.rows === 0 ? [...this.complete] : [...this.complete, this.chunkOfTail()];
  }

  close(): void {
    // Memory only.
  }

  private chunkOfTail(): ColumnChunk {
    const bytes = this.tail.encode(this.nextSeq - this.tail.rows);
    return chunkInMemory(this.path, bytes);
  }
}

/** A chunk made by `ColumnBuilder`, of the segment at `path`. */
export function chunkInMemory(path: string, bytes: Buffer): ColumnChunk {
  const read = (from: number, length: number): Buffer => bytes.subarray(from, from + length);
  return new ColumnChunk({ path, length: bytes.length, read, mayKeep: () => true }, 0);
}
