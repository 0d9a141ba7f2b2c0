/** What tells which records refer to rows of a small table: an index (`postings.ts`), or the columns themselves. */
import { CHUNK_ROWS_MAX, type ColumnChunk } from './columns.ts';
import type { Dimension } from './postings.ts';

export interface RowFinder {
  /** How many records refer to the rows (ascending numbers), for planning, not for answers. */
  estimate(dimension: Dimension, rows: readonly number[]): number;
  /** Indexes (`seq` less first `seq`) of the records that do, ascending. Throws `StoreError` (`damaged`). */
  indexes(dimension: Dimension, rows: readonly number[]): Uint32Array;
}

/** Used again by every call: they hold nothing between two. */
const WORDS = new Uint32Array(CHUNK_ROWS_MAX);
const PLACES = new Uint32Array(CHUNK_ROWS_MAX);

/** Looks through the columns of the segment that is being written, which has no index yet. */
export class ColumnFinder implements RowFinder {
  private readonly chunks: readonly ColumnChunk[];
  private readonly firstSeq: number;

  constructor(chunks: readonly ColumnChunk[], firstSeq: number) {
    this.chunks = chunks;
    this.firstSeq = firstSeq;
  }

  /** Always worth it: there are no rows that would have to be read instead. */
  estimate(): number {
    return 0;
  }

  indexes(dimension: Dimension, rows: readonly number[]): Uint32Array {
    const allowed = new Uint8Array((rows.at(-1) ?? 0) + 1);
    for (const row of rows) allowed[row] = 1;
    const lists: Uint32Array[] = [];
    let total = 0;
    for (const chunk of this.chunks) {
      chunk.words(dimension, WORDS);
      const first = chunk.firstSeq - this.firstSeq;
      let count = 0;
      for (let i = 0; i < chunk.rows; i++) {
        const row = WORDS[i] as number;
        if (row < allowed.length && allowed[row] === 1) PLACES[count++] = first + i;
      }
      if (count > 0) lists.push(PLACES.slice(0, count));
      total += count;
    }
    const found = new Uint32Array(total);
    let at = 0;
    for (const list of lists) {
      found.set(list, at);
      at += list.length;
    }
    return found;
  }
}
