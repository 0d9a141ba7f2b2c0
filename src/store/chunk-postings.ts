/**
 * Where the rows of a small table are in a chunk of columns, in memory: made when a chunk is asked a second time, so that
 * a reader that is kept open does not go through all records of the segment that is being written with every question.
 */
import { CHUNK_ROWS_MAX, type ColumnChunk } from './columns.ts';
import type { Dimension } from './postings.ts';

/** Used again by every call: it holds nothing between two. */
const WORDS = new Uint32Array(CHUNK_ROWS_MAX);

export class ChunkPostings {
  /** Rows that the chunk's records refer to, ascending. */
  private readonly rows: Uint32Array;
  /** Where the places of each begin, and where the last ones end. */
  private readonly starts: Uint32Array;
  private readonly places: Uint16Array;

  /** Throws `StoreError` (`damaged`). */
  constructor(chunk: ColumnChunk, dimension: Dimension) {
    chunk.words(dimension, WORDS);
    const words = WORDS.subarray(0, chunk.rows);
    const counts = new Map<number, number>();
    for (const row of words) counts.set(row, (counts.get(row) ?? 0) + 1);
    this.rows = Uint32Array.from(counts.keys()).sort();
    this.starts = new Uint32Array(this.rows.length + 1);
    const next = new Map<number, number>();
    let start = 0;
    for (const [i, row] of this.rows.entries()) {
      this.starts[i] = start;
      next.set(row, start);
      start += counts.get(row) ?? 0;
    }
    this.starts[this.rows.length] = start;
    this.places = new Uint16Array(words.length);
    for (let place = 0; place < words.length; place++) {
      const row = words[place] as number;
      const at = next.get(row) ?? 0;
      this.places[at] = place;
      next.set(row, at + 1);
    }
  }

  /** Puts the places of the records that refer to a row into the array, ascending, and gives where they end. */
  copy(row: number, into: Uint16Array, at: number): number {
    let low = 0;
    for (let high = this.rows.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((this.rows[middle] as number) < row) low = middle + 1;
      else high = middle;
    }
    if (this.rows[low] !== row) return at;
    const found = this.places.subarray(this.starts[low], this.starts[low + 1]);
    into.set(found, at);
    return at + found.length;
  }
}

const SEEN = 'seen';

/** The postings of chunks that were asked before. */
export class ChunkPostingCache {
  private readonly known = new WeakMap<ColumnChunk, Map<Dimension, ChunkPostings | typeof SEEN>>();

  /** `undefined` the first time. Throws `StoreError` (`damaged`). */
  of(chunk: ColumnChunk, dimension: Dimension): ChunkPostings | undefined {
    let ofChunk = this.known.get(chunk);
    if (ofChunk === undefined) {
      ofChunk = new Map();
      this.known.set(chunk, ofChunk);
    }
    const found = ofChunk.get(dimension);
    if (found === undefined) {
      ofChunk.set(dimension, SEEN);
      return undefined;
    }
    const postings = found === SEEN ? new ChunkPostings(chunk, dimension) : found;
    ofChunk.set(dimension, postings);
    return postings;
  }
}
