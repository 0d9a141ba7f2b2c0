/** Finishes a complete segment: folds its log into the file and makes columns and index from its rows. */
import Database from 'better-sqlite3';
import { COLUMN_SQL, type ColumnTuple, openColumns, rowOf, writeColumns } from './column-file.ts';
import { ColumnBuilder, columnsPath } from './columns.ts';
import { toStoreError } from './errors.ts';
import { indexPath, PostingIndex, writePostings } from './postings.ts';
import { leaveWal } from './segment.ts';

export interface SealedSegment {
  readonly path: string;
  readonly firstSeq: number;
  readonly rows: number;
}

/**
 * Folds the log, reads the segment once and writes its columns and its index. The file leaves WAL mode with whoever
 * closes it last, this or the store's thread. Throws `StoreError`.
 */
export function sealSegment(segment: SealedSegment): void {
  const { path, firstSeq, rows } = segment;
  const postings = {
    session: new Uint32Array(rows),
    shape: new Uint32Array(rows),
    verdict: new Uint32Array(rows),
  };
  const chunks: Buffer[] = [];
  try {
    const db = new Database(path, { fileMustExist: true });
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
      const builder = new ColumnBuilder();
      let next = firstSeq;
      for (const tuple of db.prepare<[], ColumnTuple>(`${COLUMN_SQL} ORDER BY seq`).raw().iterate()) {
        if (builder.full) {
          chunks.push(builder.encode(next - builder.rows));
          builder.clear();
        }
        const row = rowOf(tuple);
        const index = next++ - firstSeq;
        postings.session[index] = row.session;
        postings.shape[index] = row.shape;
        postings.verdict[index] = row.verdict ?? 0;
        builder.add(row);
      }
      if (builder.rows > 0) chunks.push(builder.encode(next - builder.rows));
      leaveWal(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw toStoreError(error, path);
  }
  writeColumns(columnsPath(path), chunks);
  writePostings(indexPath(path), firstSeq, postings);
}

/** Whether the segment has an index and columns that belong to it. What is in them is checked when it is read. */
export function hasIndex(segment: SealedSegment): boolean {
  try {
    new PostingIndex(indexPath(segment.path), segment.firstSeq, segment.rows).close();
    openColumns(segment.path, segment.firstSeq, segment.rows).close();
    return true;
  } catch {
    return false; // missing or damaged: either way it is to be made again
  }
}
