/** Finishes a complete segment: folds its log into the file and makes the index from its rows. */
import Database from 'better-sqlite3';
import { toStoreError } from './errors.ts';
import { indexPath, PostingIndex, writePostings } from './postings.ts';
import { leaveWal } from './segment.ts';

export interface SealedSegment {
  readonly path: string;
  readonly firstSeq: number;
  readonly rows: number;
}

type PostingRow = readonly [seq: number, session: number, shape: number, verdict: number | null];

/**
 * Folds the log, reads the segment once and writes its index. The file leaves WAL mode with whoever closes it last, this
 * or the store's thread. Throws `StoreError`.
 */
export function sealSegment(segment: SealedSegment): void {
  const { path, firstSeq, rows } = segment;
  const columns = {
    session: new Uint32Array(rows),
    shape: new Uint32Array(rows),
    verdict: new Uint32Array(rows),
  };
  try {
    const db = new Database(path, { fileMustExist: true });
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
      const select = db.prepare<[], PostingRow>('SELECT seq, session_row, shape_row, verdict_row FROM record').raw();
      for (const [seq, session, shape, verdict] of select.iterate()) {
        const index = seq - firstSeq;
        columns.session[index] = session;
        columns.shape[index] = shape;
        columns.verdict[index] = verdict ?? 0;
      }
      leaveWal(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw toStoreError(error, path);
  }
  writePostings(indexPath(path), firstSeq, columns);
}

/** Whether the segment has an index that belongs to it. Its lists are checked when they are read. */
export function hasIndex(segment: SealedSegment): boolean {
  try {
    new PostingIndex(indexPath(segment.path), segment.firstSeq, segment.rows).close();
    return true;
  } catch {
    return false; // missing or damaged: either way it is to be made again
  }
}
