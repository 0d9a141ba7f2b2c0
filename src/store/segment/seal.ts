/** Finishes a complete segment: folds its log into the file and makes sums and index. */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { StoreError, toStoreError } from '../errors.ts';
import { ColumnBuilder } from './column-builder.ts';
import {
  COLUMN_SQL,
  ColumnBudget,
  type ColumnTuple,
  openColumns,
  rowOf,
  syncColumns,
  writeColumns,
} from './column-file.ts';
import { columnsPath } from './columns.ts';
import { encodeFilter } from './filter.ts';
import { writeFilter } from './filters.ts';
import { DIMENSIONS, encodePostings, indexPath, PostingIndex, writePostings } from './postings.ts';
import {
  CellBuilder,
  type CellSource,
  encodeRollup,
  ROLLUPS,
  type RollupKind,
  readRollup,
  writeRollup,
} from './rollup.ts';
import { readRowKeys } from './row-keys.ts';
import { leaveWal } from './segment.ts';
import { ChunkView } from './view.ts';

export interface SealedSegment {
  readonly path: string;
  readonly firstSeq: number;
  readonly rows: number;
}

/**
 * Folds the log and writes what lies beside the segment, the index last and then its filter: of the columns that the
 * writer left, or else of the rows. Where all is there but the filter, only that is made. The file leaves WAL mode with
 * whoever closes it last, this or the store's thread. Throws `StoreError`.
 */
export function sealSegment(segment: SealedSegment): void {
  const { path, firstSeq } = segment;
  if (hasIndex(segment) && filterFromIndex(segment)) return;
  try {
    const db = new Database(path, { fileMustExist: true });
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
      let beside = makeBeside(segment, db);
      if (beside === undefined) {
        writeColumns(path, readChunks(db, firstSeq));
        beside = makeBeside(segment, db);
      }
      if (beside === undefined) throw new StoreError('damaged', `${path}: the file is damaged`);
      syncColumns(path);
      writeRollup(path, beside.sums);
      writePostings(indexPath(path), beside.index);
      writeFilter(segment, beside.filter);
      leaveWal(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw toStoreError(error, path);
  }
}

/** Makes the filter of the index's dictionary; false when that is damaged. */
function filterFromIndex(segment: SealedSegment): boolean {
  const { path, firstSeq, rows } = segment;
  const index = new PostingIndex(indexPath(path), firstSeq, rows);
  try {
    writeFilter(segment, encodeFilter([...index.dictionary.keys()]));
    return true;
  } catch (error) {
    if (toStoreError(error, path).code !== 'damaged') throw error;
    return false;
  } finally {
    index.close();
  }
}

/** Contents of what lies beside a segment but for its columns. */
export interface Beside {
  readonly sums: Buffer;
  readonly index: Uint8Array;
  readonly filter: Buffer;
}

/** Made of the segment's columns and small tables; `undefined` when the columns are not whole. Throws what SQLite throws. */
export function makeBeside(segment: SealedSegment, db: Database.Database): Beside | undefined {
  const { path, firstSeq, rows } = segment;
  const postings = { session: new Uint32Array(rows), shape: new Uint32Array(rows), verdict: new Uint32Array(rows) };
  const tables = ROLLUPS.map((kind) => new CellBuilder(kind, cellSource(db, kind)));
  const view = new ChunkView();
  try {
    const columns = openColumns(path, firstSeq, rows, new ColumnBudget(0));
    try {
      for (const chunk of columns.chunks) {
        chunk.check();
        view.use(chunk, undefined);
        for (const dimension of DIMENSIONS) {
          chunk.words(dimension, postings[dimension].subarray(chunk.firstSeq - firstSeq));
        }
        for (const table of tables) table.add(view);
      }
    } finally {
      columns.close();
    }
  } catch (error) {
    const { code } = toStoreError(error, path);
    // Missing (which reads as a folder that cannot be made), cut or altered.
    if (code === 'damaged' || !existsSync(columnsPath(path))) return undefined;
    throw error;
  }
  const keys = readRowKeys(db);
  return {
    sums: encodeRollup(tables, rows),
    index: encodePostings(firstSeq, postings, keys),
    filter: encodeFilter(keys.map(({ key }) => key)),
  };
}

function readChunks(db: Database.Database, firstSeq: number): Buffer[] {
  const chunks: Buffer[] = [];
  const builder = new ColumnBuilder();
  let next = firstSeq;
  for (const tuple of db.prepare<[], ColumnTuple>(`${COLUMN_SQL} ORDER BY seq`).raw().iterate()) {
    if (builder.full) {
      chunks.push(builder.encode(next - builder.rows));
      builder.clear();
    }
    builder.add(rowOf(tuple));
    next++;
  }
  if (builder.rows > 0) chunks.push(builder.encode(next - builder.rows));
  return chunks;
}

function cellSource(db: Database.Database, { dimension, operationsOnly }: RollupKind): CellSource {
  const rowMax =
    db.prepare<[], number>(`SELECT coalesce(max(${dimension}_row), 0) FROM ${dimension}`).pluck().get() ?? 0;
  const [timeMinUs = 0, timeMaxUs = 0] =
    db
      .prepare<[], [number | null, number | null]>('SELECT time_min_us, time_max_us FROM meta')
      .raw()
      .get()
      ?.map((timeUs) => timeUs ?? 0) ?? [];
  return { timeMinUs, timeMaxUs, rowMax, standsFor: operationsOnly ? sameOperations(db, rowMax) : undefined };
}

type ShapeTuple = readonly [row: number, kind: string, operation: string | null, operations: string | null];

/** By shape row: the lowest row of the same kind and operations. */
function sameOperations(db: Database.Database, rowMax: number): Uint32Array {
  const same = new Uint32Array(rowMax + 1);
  const lowest = new Map<string, number>();
  const shapes = db.prepare<[], ShapeTuple>(
    'SELECT shape_row, kind, operation, operations FROM shape ORDER BY shape_row',
  );
  for (const [row, ...operations] of shapes.raw().iterate()) {
    const key = JSON.stringify(operations);
    const found = lowest.get(key);
    if (found === undefined) lowest.set(key, row);
    same[row] = found ?? row;
  }
  return same;
}

/** Whether the segment has an index, columns and sums that belong to it. What is in them is checked when it is read. */
export function hasIndex(segment: SealedSegment): boolean {
  try {
    new PostingIndex(indexPath(segment.path), segment.firstSeq, segment.rows).close();
    readRollup(segment.path);
    openColumns(segment.path, segment.firstSeq, segment.rows, new ColumnBudget(0)).close();
    return true;
  } catch {
    return false; // missing or damaged: either way it is to be made again
  }
}
