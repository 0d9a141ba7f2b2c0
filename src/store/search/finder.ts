/** What tells which records refer to rows of a small table: an index (`postings.ts`), or the columns themselves. */

import { CHUNK_ROWS_MAX, type ColumnChunk, type Picked } from '../segment/columns.ts';
import { isKeyField, keyBytes } from '../segment/keys.ts';
import { type Dimension, intersection, type PostingIndex, type PostingLists } from '../segment/postings.ts';
import type { ValueTest } from '../totals/groups.ts';
import { ChunkPostingCache, type ChunkPostings } from './chunk-postings.ts';
import type { Order } from './order.ts';

/** Rows of one small table, ascending. */
export interface ChosenRows {
  readonly dimension: Dimension;
  readonly rows: readonly number[];
}

/** Records of a segment, by their indexes (`seq` less first `seq`). */
export interface FoundRecords {
  /** Known to be none at all. */
  readonly none: boolean;
  count(): number;
  /** All of them in parts, from the newest or the oldest on; each part is ascending. Throws `StoreError` (`damaged`). */
  parts(order: Order): Iterable<Uint32Array>;
}

export interface RowFinder {
  readonly kind: 'index' | 'columns';
  /** Rows with a value that passes one of the tests, ascending; `undefined`: the segment's own tables have to be asked. */
  rowsOf(tests: readonly ValueTest[]): number[] | undefined;
  /** How many records refer to the rows, for planning, not for answers. */
  estimate(chosen: ChosenRows): number;
  /** The records that refer to one row of each choice. Throws `StoreError` (`damaged`). */
  records(choices: readonly ChosenRows[]): FoundRecords;
}

/** Looks into the index of a sealed segment. */
export class IndexFinder implements RowFinder {
  readonly kind = 'index';
  private readonly index: PostingIndex;
  private readonly mayHold: (key: Uint8Array) => boolean;
  /** What was estimated is often read next. */
  private readonly lists = new Map<ChosenRows, PostingLists>();

  /** `mayHold`: false for keys that are known not to be there. */
  constructor(index: PostingIndex, mayHold: (key: Uint8Array) => boolean = () => true) {
    this.index = index;
    this.mayHold = mayHold;
  }

  rowsOf(tests: readonly ValueTest[]): number[] {
    const { dictionary } = this.index;
    const found = new Set<number>();
    for (const { field, keys, prefix, matches } of tests) {
      for (const key of keys?.map(keyBytes) ?? []) {
        if (this.mayHold(key)) for (const row of dictionary.rows(key)) found.add(row);
      }
      if (keys !== undefined || !isKeyField(field)) continue;
      for (const { value, rows } of dictionary.startingWith(field, prefix)) {
        if (matches(value)) for (const row of rows) found.add(row);
      }
    }
    return [...found].sort((a, b) => a - b);
  }

  estimate(chosen: ChosenRows): number {
    return this.listsOf(chosen).estimate;
  }

  records(choices: readonly ChosenRows[]): FoundRecords {
    const [first = NO_RECORDS, ...others] = choices.map((chosen) => this.listsOf(chosen).indexes());
    const all = others.reduce(intersection, first);
    return { none: all.length === 0, count: () => all.length, parts: () => [all] };
  }

  private listsOf(chosen: ChosenRows): PostingLists {
    const known = this.lists.get(chosen);
    if (known !== undefined) return known;
    const lists = this.index.lists(chosen.dimension, chosen.rows);
    this.lists.set(chosen, lists);
    return lists;
  }
}

const NO_RECORDS = new Uint32Array(0);
export const NO_FOUND: FoundRecords = { none: true, count: () => 0, parts: () => [] };

/** Used again by every call: they hold nothing between two. */
const WORDS = new Uint32Array(CHUNK_ROWS_MAX);
const PLACES = new Uint16Array(CHUNK_ROWS_MAX);

/** What helps where columns do not reach. */
export interface ColumnHelp {
  /** Gives other chunks when these are damaged, or throws what it is given. */
  replace(error: unknown): readonly ColumnChunk[];
  /** Looks through the rows: indexes of the records after that one that are wanted, ascending. */
  rowsAfter(index: number, choices: readonly ChosenRows[]): Uint32Array;
}

/** Looks through the columns of a segment that has no index (yet). */
export class ColumnFinder implements RowFinder {
  readonly kind = 'columns';
  private chunks: readonly ColumnChunk[];
  private readonly firstSeq: number;
  private readonly help: ColumnHelp;

  /** `chunks`: of the first records, without gaps. */
  constructor(chunks: readonly ColumnChunk[], firstSeq: number, help: ColumnHelp) {
    this.chunks = chunks;
    this.firstSeq = firstSeq;
    this.help = help;
  }

  rowsOf(): undefined {
    return undefined;
  }

  /** Always worth it: there are no rows that would have to be read instead. */
  estimate(): number {
    return 0;
  }

  records(choices: readonly ChosenRows[]): FoundRecords {
    const parts = (order: Order): Iterable<Uint32Array> => this.parts(choices, order);
    const count = (): number => [...parts('oldest')].reduce((sum, { length }) => sum + length, 0);
    return { none: false, count, parts };
  }

  private *parts(choices: readonly ChosenRows[], order: Order): Generator<Uint32Array, void, undefined> {
    const wanted = choices.map(wantedOf);
    const last = this.chunks.at(-1);
    const end = last === undefined ? 0 : last.firstSeq + last.rows - this.firstSeq;
    const rest = this.help.rowsAfter(end - 1, choices);
    if (order === 'oldest') {
      yield* this.inChunks(wanted, 0, end, false);
      yield rest;
    } else {
      yield rest;
      yield* this.inChunks(wanted, 0, end, true);
    }
  }

  /** Of the indexes from `low` to `high` less one, whichever chunks they are in. */
  private *inChunks(
    wanted: readonly Wanted[],
    low: number,
    high: number,
    newest: boolean,
  ): Generator<Uint32Array, void, undefined> {
    const chunks = newest ? this.chunks.toReversed() : this.chunks;
    for (const chunk of chunks) {
      const first = chunk.firstSeq - this.firstSeq;
      const end = first + chunk.rows;
      if (first >= high || end <= low) continue;
      let part: Uint32Array;
      try {
        part = this.within(chunk, wanted);
      } catch (error) {
        this.chunks = this.help.replace(error);
        yield* this.inChunks(wanted, low, high, newest);
        return;
      }
      // Chunks made anew may begin within one that was looked at.
      yield first >= low && end <= high ? part : part.filter((index) => index >= low && index < high);
      if (newest) high = first;
      else low = end;
    }
  }

  /** Indexes of the chunk's records that are wanted, ascending. */
  private within(chunk: ColumnChunk, choices: readonly Wanted[]): Uint32Array {
    let picked: Picked | undefined;
    for (const wanted of choices) {
      const postings = picked === undefined && wanted.rows.length <= POSTINGS_ROWS_MAX;
      const known = postings ? POSTINGS.of(chunk, wanted.dimension) : undefined;
      picked = known === undefined ? scanned(chunk, wanted, picked) : placesOf(known, wanted.rows);
    }
    const start = chunk.firstSeq - this.firstSeq;
    const found = new Uint32Array(picked?.length ?? 0);
    for (let i = 0; i < found.length; i++) found[i] = start + ((picked as Picked)[i] as number);
    return found;
  }
}

const POSTINGS = new ChunkPostingCache();
/** More rows of a table are looked for by going through the chunk. */
const POSTINGS_ROWS_MAX = 64;

/** Borrowed until the next call. */
function placesOf(postings: ChunkPostings, rows: readonly number[]): Picked {
  let count = 0;
  for (const row of rows) count = postings.copy(row, PLACES, count);
  const places = PLACES.subarray(0, count);
  return rows.length > 1 ? places.sort() : places;
}

/** Of the picked records, or of all. Borrowed until the next call. */
function scanned(chunk: ColumnChunk, { dimension, allowed }: Wanted, picked: Picked | undefined): Picked {
  chunk.words(dimension, WORDS, picked);
  const before = picked?.length ?? chunk.rows;
  let count = 0;
  for (let at = 0; at < before; at++) {
    const row = WORDS[at] as number;
    if (row >= allowed.length || allowed[row] === 0) continue;
    PLACES[count++] = picked === undefined ? at : (picked[at] as number);
  }
  return PLACES.subarray(0, count);
}

/** Rows of a table that a record may refer to. */
interface Wanted {
  readonly dimension: Dimension;
  readonly rows: readonly number[];
  readonly allowed: Uint8Array;
}

function wantedOf({ dimension, rows }: ChosenRows): Wanted {
  const allowed = new Uint8Array((rows.at(-1) ?? 0) + 1);
  for (const row of rows) allowed[row] = 1;
  return { dimension, rows, allowed };
}
