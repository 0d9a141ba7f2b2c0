/**
 * Where the rows of a small table are in a chunk of columns, in memory: made when a chunk is asked a second time, so that
 * a reader that is kept open does not go through all records of the segment that is being written with every question.
 */
import { CHUNK_ROWS_MAX, type ColumnChunk } from '../segment/columns.ts';
import type { Dimension } from '../segment/postings.ts';

/** Used again by every call: they hold nothing between two. */
const WORDS = new Uint32Array(CHUNK_ROWS_MAX);
const DISTINCT = new Uint32Array(CHUNK_ROWS_MAX);
/** By row; all 0 between two calls. */
let counts = new Uint32Array(CHUNK_ROWS_MAX);
/** Where rows are this many times as many as records, sorting those that are there beats going through all. */
const SPARSE = 8;
/** Higher row numbers are not counted: no segment has so many, whatever a file says. */
const ROW_MAX = 2 ** 24;

export class ChunkPostings {
  /** Rows that the chunk's records refer to, ascending. */
  private readonly rows: Uint32Array;
  /** Where the places of each begin, and where the last ones end. */
  private readonly starts: Uint32Array;
  private readonly places: Uint16Array;

  /** `undefined` for rows that no segment has. Throws `StoreError` (`damaged`). */
  static of(chunk: ColumnChunk, dimension: Dimension): ChunkPostings | undefined {
    chunk.words(dimension, WORDS);
    const words = WORDS.subarray(0, chunk.rows);
    const rowMax = words.reduce((max, row) => Math.max(max, row), 0);
    return rowMax > ROW_MAX ? undefined : new ChunkPostings(words, rowMax);
  }

  private constructor(words: Uint32Array, rowMax: number) {
    this.rows = countRows(words, rowMax);
    this.starts = new Uint32Array(this.rows.length + 1);
    let start = 0;
    for (let i = 0; i < this.rows.length; i++) {
      const row = this.rows[i] as number;
      const count = counts[row] as number;
      this.starts[i] = start;
      counts[row] = start;
      start += count;
    }
    this.starts[this.rows.length] = start;
    this.places = new Uint16Array(words.length);
    for (let place = 0; place < words.length; place++) {
      const row = words[place] as number;
      const at = counts[row] as number;
      this.places[at] = place;
      counts[row] = at + 1;
    }
    for (const row of this.rows) counts[row] = 0;
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

/** Counts the records of each row; gives the rows there are, ascending. */
function countRows(words: Uint32Array, rowMax: number): Uint32Array {
  if (rowMax >= counts.length) counts = new Uint32Array(rowMax * 2);
  let distinct = 0;
  for (let i = 0; i < words.length; i++) {
    const row = words[i] as number;
    if (counts[row] === 0) DISTINCT[distinct++] = row;
    counts[row] = (counts[row] as number) + 1;
  }
  if (rowMax > words.length * SPARSE) return DISTINCT.slice(0, distinct).sort();
  const rows = new Uint32Array(distinct);
  for (let row = 0, at = 0; at < distinct; row++) if (counts[row] !== 0) rows[at++] = row;
  return rows;
}

const SEEN = 'seen';

/** The postings of chunks that were asked before. */
export class ChunkPostingCache {
  private readonly known = new WeakMap<ColumnChunk, Map<Dimension, ChunkPostings | typeof SEEN>>();

  /** `undefined` the first time, and where there are none to be made. Throws `StoreError` (`damaged`). */
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
    const postings = found === SEEN ? ChunkPostings.of(chunk, dimension) : found;
    if (postings !== undefined) ofChunk.set(dimension, postings);
    return postings;
  }
}
