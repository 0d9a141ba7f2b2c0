/** Where the chunks of `columns.ts` lie: in the file beside a sealed segment, or in memory, made from its rows. */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { StoreError, toStoreError } from '../errors.ts';
import { ColumnBuilder, type ColumnRow } from './column-builder.ts';
import { CHUNK_ROWS_MAX, type ChunkSource, ColumnChunk, columnsPath, isChunkThere } from './columns.ts';
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
export function writeColumns(segmentPath: string, chunks: readonly Buffer[]): void {
  writeWhole(columnsPath(segmentPath), chunks);
}

/** Brings columns that were written without waiting to the disk. */
export function syncColumns(segmentPath: string): void {
  const file = openSync(columnsPath(segmentPath), 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
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
  length: number;
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

  /** Sees what was added to the file. */
  grow(): void {
    this.length = fstatSync(this.file).size;
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

/** Small enough that the rows which are in no chunk yet are read in a few milliseconds. */
const LOG_CHUNK_ROWS = 8192;

/** The rows of a segment from one sequence number to another. */
export type RowSource = (firstSeq: number, lastSeq: number) => Iterable<ColumnTuple>;

/** Records of an earlier process that are in no chunk. */
interface Owed {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly rows: RowSource;
}

/**
 * The columns of the segment being written: its writer adds a chunk to the file whenever it has one, without waiting for
 * the disk. Readers take no chunk whose records are not committed yet, and rows for what is not in a chunk.
 */
export class ColumnLog {
  private readonly path: string;
  private readonly builder = new ColumnBuilder();
  /** Made of records that are not committed. */
  private pending: Buffer[] = [];
  private owed: Owed | undefined = undefined;

  /** `segmentPath`: a segment without records. */
  constructor(segmentPath: string) {
    this.path = columnsPath(segmentPath);
  }

  /**
   * Goes on with the columns that an earlier process left of a segment with the records `firstSeq` to `lastSeq`, all of
   * them committed. Those in no chunk are read when the next one is due; `undefined` when they are too many for one.
   * Throws what the file system throws.
   */
  static resume(segmentPath: string, firstSeq: number, lastSeq: number, rows: RowSource): ColumnLog | undefined {
    const log = new ColumnLog(segmentPath);
    const owedSeq = keepChunks(log.path, firstSeq, lastSeq);
    if (lastSeq - owedSeq >= CHUNK_ROWS_MAX) {
      rmSync(log.path, { force: true });
      return undefined;
    }
    if (owedSeq <= lastSeq) log.owed = { firstSeq: owedSeq, lastSeq, rows };
    return log;
  }

  add(seq: number, row: ColumnRow): void {
    this.builder.add(row);
    if (this.builder.rows === LOG_CHUNK_ROWS) this.endChunk(seq);
  }

  /** The records added so far are committed. `last`: no more will come. */
  commit(lastSeq: number, last: boolean): void {
    if (last) this.endChunk(lastSeq);
    if (this.pending.length === 0) return;
    appendFileSync(this.path, Buffer.concat(this.pending));
    this.pending = [];
  }

  private endChunk(lastSeq: number): void {
    if (this.owed !== undefined) this.pending.push(chunkOf(this.owed));
    this.owed = undefined;
    const { builder } = this;
    if (builder.rows === 0) return;
    this.pending.push(builder.encode(lastSeq - builder.rows + 1));
    builder.clear();
  }
}

function chunkOf({ firstSeq, lastSeq, rows }: Owed): Buffer {
  const builder = new ColumnBuilder();
  for (const tuple of rows(firstSeq, lastSeq)) builder.add(rowOf(tuple));
  return builder.encode(firstSeq);
}

/**
 * Cuts the file after its last chunk that is whole and of committed records: a power cut may have taken records back
 * that are in a chunk. Gives the first sequence number that is in none.
 */
function keepChunks(path: string, firstSeq: number, lastSeq: number): number {
  let seq = firstSeq;
  if (!existsSync(path)) return seq;
  const source = new FileSource(path, new ColumnBudget(0));
  let offset = 0;
  try {
    while (offset < source.length) {
      const chunk = new ColumnChunk(source, offset);
      if (chunk.firstSeq !== seq || seq + chunk.rows - 1 > lastSeq) break;
      chunk.check();
      seq += chunk.rows;
      offset += chunk.bytes;
    }
  } catch (error) {
    if (toStoreError(error, path).code !== 'damaged') throw error;
  } finally {
    source.close();
  }
  if (offset < source.length) truncateSync(path, offset);
  return seq;
}

/** The columns of a segment without a complete file of them, of which rows make up what is missing; grows with it. */
export class RowColumns implements SegmentColumns {
  chunks: readonly ColumnChunk[] = [];
  private readonly path: string;
  private readonly complete: ColumnChunk[] = [];
  private readonly tail = new ColumnBuilder();
  /** Where the tail begins. */
  private tailSeq: number;
  /** Up to here all is in the chunks. */
  private lastSeq: number;
  private readonly log: FileSource | undefined;
  private logOffset = 0;

  /** `budget`: for the writer's chunks; `undefined`: do not use them. */
  constructor(path: string, firstSeq: number, budget: ColumnBudget | undefined) {
    this.path = path;
    this.tailSeq = firstSeq;
    this.lastSeq = firstSeq - 1;
    this.log = budget && existsSync(columnsPath(path)) ? new FileSource(columnsPath(path), budget) : undefined;
  }

  /** Takes in what was written since. Throws `StoreError` (`damaged`). */
  refresh(segment: SegmentReader): void {
    const last = segment.firstSeq + segment.facts.rows - 1;
    if (last === this.lastSeq) return;
    this.readLog(last);
    const first = this.tailSeq + this.tail.rows;
    const sql = `${COLUMN_SQL} WHERE seq BETWEEN ? AND ? ORDER BY seq`;
    if (first <= last) {
      let next = first;
      for (const tuple of segment.tuples<ColumnTuple>(sql, [first, last])) {
        if (tuple[0] !== next++) throw new StoreError('damaged', `${this.path}: record ${next - 1} is missing`);
        this.tail.add(rowOf(tuple));
        if (this.tail.full) this.endTail();
      }
    }
    this.chunks = this.tail.rows === 0 ? [...this.complete] : [...this.complete, this.chunkOfTail()];
    this.lastSeq = last;
  }

  /** The chunks that the writer has added; what comes after them is in the rows only. Throws `StoreError` (`damaged`). */
  logChunks(segment: SegmentReader): readonly ColumnChunk[] {
    this.readLog(segment.firstSeq + segment.facts.rows - 1);
    return [...this.complete];
  }

  close(): void {
    this.log?.close();
  }

  /** Chunks that the writer has added, as far as their records can be seen. */
  private readLog(lastSeq: number): void {
    const { log } = this;
    log?.grow();
    while (log !== undefined && isChunkThere(log, this.logOffset)) {
      const chunk = new ColumnChunk(log, this.logOffset);
      const end = chunk.firstSeq + chunk.rows;
      if (end - 1 > lastSeq || chunk.firstSeq > this.tailSeq) return;
      this.logOffset += chunk.bytes;
      if (chunk.firstSeq < this.tailSeq) continue;
      this.complete.push(chunk);
      this.tail.clear();
      this.tailSeq = end;
    }
  }

  private endTail(): void {
    this.complete.push(this.chunkOfTail());
    this.tailSeq += this.tail.rows;
    this.tail.clear();
  }

  private chunkOfTail(): ColumnChunk {
    return chunkInMemory(this.path, this.tail.encode(this.tailSeq));
  }
}

/** A chunk made by `ColumnBuilder`, of the segment at `path`. */
export function chunkInMemory(path: string, bytes: Buffer): ColumnChunk {
  const read = (from: number, length: number): Buffer => bytes.subarray(from, from + length);
  return new ColumnChunk({ path, length: bytes.length, read, mayKeep: () => true }, 0);
}
