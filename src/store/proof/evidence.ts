/**
 * Where one record stands in the hash chain (`chain.ts`): the block it is in and that block's digest, which covers it and
 * all before it. The anchor goes into a report or a mail; `verify --anchor` later shows that the record is as it was.
 */
import { join } from 'node:path';
import { toStoreError } from '../errors.ts';
import { openForReading } from '../segment/open.ts';
import { anchorLine, segmentsOf } from './verify.ts';

export interface Evidence {
  /** File of the segment, relative to the store. */
  readonly segment: string;
  /** First and last record of the block, by sequence number. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** SHA-256 of the chain up to the end of the block, in hexadecimal. */
  readonly digest: string;
  readonly anchor: string;
  /** The segment is complete, and signed by a key that is kept outside the store. */
  readonly isSigned: boolean;
}

interface BlockRow {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly digest: Uint8Array;
}

const BLOCK_SQL = `SELECT seq AS last_seq, digest,
  coalesce((SELECT max(seq) FROM chain WHERE seq < @seq), @before) + 1 AS first_seq
  FROM chain WHERE seq >= @seq ORDER BY seq LIMIT 1`;

/** `undefined` for a record that the store no longer has. Throws `StoreError` when its segment cannot be read. */
export function evidenceOf(directory: string, seq: number): Evidence | undefined {
  const entry = segmentsOf(directory).findLast(({ firstSeq, state }) => state !== 'new' && firstSeq <= seq);
  if (entry === undefined || (entry.state !== 'open' && entry.state !== 'sealed')) return undefined;
  const path = join(directory, entry.file);
  try {
    const db = openForReading(path);
    try {
      const block = db.prepare<object, BlockRow>(BLOCK_SQL).get({ seq, before: entry.firstSeq - 1 });
      if (block === undefined) return undefined;
      const { first_seq: firstSeq, last_seq: lastSeq, digest } = block;
      return {
        segment: entry.file,
        firstSeq,
        lastSeq,
        digest: Buffer.from(digest).toString('hex'),
        anchor: anchorLine(lastSeq, digest),
        isSigned: entry.signature !== undefined,
      };
    } finally {
      db.close();
    }
  } catch (error) {
    throw toStoreError(error, path);
  }
}
